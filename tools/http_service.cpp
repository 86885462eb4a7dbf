// Routes, and the change from HTTP to WebSocket on one connection.
#include "tools/http_service.hpp"

#include <fmt/format.h>

#include <utility>

#include "http/driver.hpp"
#include "http/static_files.hpp"

namespace sluice::tools {
namespace {

constexpr std::string_view kFrontPage =
    "This is sluice: HTTP/1.1 over a TCP of its own, in user space.\n"
    "It serves no files (see --root).\n";

/// `path` is `place` or below it.
bool is_under(std::string_view path, std::string_view place) {
  return !place.empty() && path.starts_with(place) && (path.size() == place.size() || path[place.size()] == '/');
}

http::Response text_response(int status, std::string_view type) {
  http::Response response{.status = status, .fields = {}};
  response.fields.add("Content-Type", std::string(type));
  return response;
}

}  // namespace

bool HttpConnection::pump(Time now) {
  if (websocket_) return pump_websocket(now);
  session_.set_date(std::chrono::floor<std::chrono::seconds>(now.time_since_epoch() + site_.wall_offset).count());
  const http::Phase phase =
      http::drive(socket_, session_, now, [this](http::ServerEvent&& event) { on_event(std::move(event)); });
  if (phase == http::Phase::upgraded) {
    ++site_.counts.websockets;
    websocket_ = std::make_unique<ws::Connection<tcp::Socket>>(socket_, ws::Role::server, site_.websocket_settings,
                                                               nullptr, Bytes{}, websocket_deflate_);
    return pump_websocket(now);
  }
  return phase != http::Phase::closed && phase != http::Phase::aborted;
}

bool HttpConnection::pump_websocket(Time now) {
  if (ending_ && websocket_->session().open()) (void)websocket_->session().close(ws::CloseCode::going_away);
  return !websocket_->pump(now, ws::Echo{});
}

Time HttpConnection::next_timeout() const noexcept {
  return websocket_ ? websocket_->next_timeout() : session_.next_timeout();
}

void HttpConnection::shut_down() {
  ending_ = true;
  session_.shut_down();
}

void HttpConnection::on_event(http::ServerEvent&& event) {
  if (const auto* head = std::get_if<http::RequestHead>(&event)) {
    on_request(head->request);
  } else if (const auto* part = std::get_if<http::BodyPart>(&event)) {
    if (!upload_) return;
    upload_->digest.add(part->bytes);
    upload_->bytes += part->bytes.size();
  } else if (std::holds_alternative<http::RequestEnd>(event)) {
    if (upload_) finish_upload();
  } else {
    ++site_.counts.refused;
    upload_.reset();
  }
}

void HttpConnection::on_request(const http::Request& request) {
  ++site_.counts.requests;
  const std::string path = request.path().value_or("");
  if (!site_.websocket_path.empty() && path == site_.websocket_path) {
    const ws::ServerAnswer opening = ws::answer_handshake(request, site_.websocket_policy);
    websocket_deflate_ = opening.deflate;
    return answer(request, opening.response);
  }
  if (is_under(path, site_.upload_path)) return on_upload(request);
  if (site_.files) {
    http::Answer found = http::serve_file(request, *site_.files);
    return answer(request, found.response, std::move(found.body));
  }
  const bool front = path == "/" && (request.method == "GET" || request.method == "HEAD");
  if (front) return answer(request, text_response(200, "text/plain; charset=utf-8"), std::string(kFrontPage));
  http::Answer missing = http::status_answer(404);
  answer(request, missing.response, std::move(missing.body));
}

/// The answer waits for the body's end.
void HttpConnection::on_upload(const http::Request& request) {
  if (request.method == "PUT" || request.method == "POST") {
    upload_.emplace();
    if (site_.log) site_.log(request, 200);
    return;
  }
  http::Answer refusal = http::status_answer(405);
  refusal.response.fields.add("Allow", "PUT, POST");
  answer(request, refusal.response, std::move(refusal.body));
}

void HttpConnection::finish_upload() {
  ++site_.counts.uploads;
  const std::uint64_t bytes = upload_->bytes;
  const std::string body = fmt::format("{{\"bytes\":{},\"sha256\":\"{}\"}}\n", bytes, upload_->digest.finish());
  upload_.reset();
  session_.respond(text_response(200, "application/json"), body);
}

void HttpConnection::answer(const http::Request& request, const http::Response& response, http::Body body) {
  if (site_.log) site_.log(request, response.status);
  session_.respond(response, std::move(body));
}

}  // namespace sluice::tools
