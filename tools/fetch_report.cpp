// Milliseconds and bytes; what did not happen is left out.
#include "tools/fetch_report.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "lab/units.hpp"
#include "tools/json.hpp"
#include "tools/report.hpp"

namespace sluice::tools {
namespace {

void add_times(Json& report, const FetchRecord& record) {
  const auto add = [&](const char* name, const std::optional<Duration>& time) {
    if (time) report[name] = lab::milliseconds(*time);
  };
  add("redirect_ms", record.redirect);
  add("dns_ms", record.resolved);
  add("connect_ms", record.connected);
  add("tls_ms", record.secured);
  add("first_byte_ms", record.first_byte);
  add("total_ms", record.total);
  const double seconds = static_cast<double>(record.total.count()) / 1e9;
  report["bytes_per_second"] = seconds > 0 ? static_cast<double>(record.bytes) / seconds : 0;
}

void add_connection(Json& report, const FetchConnection& connection) {
  if (const tls::Session* session = connection.security())
    report["tls"] = {{"version", session->version()}, {"cipher", session->cipher()}, {"protocol", session->protocol()}};
  const auto info = connection.socket().info();
  if (!info) return;
  const Json socket = socket_report(*info);
  report["local"] = socket.at("local");
  report["remote"] = socket.at("remote");
  if (socket.contains("info")) report["tcp"] = socket["info"];
}

}  // namespace

std::string fetch_report(const FetchRecord& record, const FetchConnection* connection) {
  Json report{{"url", record.url},
              {"final_url", record.final_url},
              {"method", record.method},
              {"exit", record.code},
              {"bytes", record.bytes},
              {"head_bytes", record.head_bytes},
              {"request_bytes", record.request_bytes},
              {"redirects", record.redirects},
              {"connects", record.connects}};
  if (!record.error.empty()) report["error"] = record.error;
  if (!record.file.empty()) report["file"] = record.file;
  if (record.resumed_from > 0) report["resumed_from"] = record.resumed_from;
  if (record.response) {
    Json fields = Json::object();
    for (const http::Field& field : record.response->fields) fields[field.name] = field.value;
    report["status"] = record.response->status;
    report["fields"] = std::move(fields);
  }
  add_times(report, record);
  if (connection) add_connection(report, *connection);
  return report.dump(-1, ' ', false, Json::error_handler_t::replace);  // fields hold what the server likes
}

}  // namespace sluice::tools
