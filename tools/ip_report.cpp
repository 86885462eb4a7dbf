// Addresses, routes and neighbours of a running stack, to JSON and to text.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "tools/report.hpp"

namespace sluice::tools {
namespace {

Json addresses_of(Stack& stack) {
  Json all = Json::array();
  for (const ip::OwnAddress& own : stack.ip().addresses().all())
    all.push_back({{"address", own.prefix.to_string()}, {"state", name(own.state)}, {"temporary", own.temporary}});
  return all;
}

Json routes_of(Stack& stack) {
  Json all = Json::array();
  for (const ip::Route& route : stack.ip().routes().all()) {
    Json one{{"destination", route.destination.to_string()}, {"metric", route.metric}, {"origin", name(route.origin)}};
    if (route.gateway) one["gateway"] = route.gateway->to_string();
    all.push_back(std::move(one));
  }
  return all;
}

Json neighbours_of(const ip::Link& link, Time now) {
  Json all = Json::array();
  for (const ip::NeighbourView& one : link.neighbours().list(now))
    all.push_back({{"address", one.address.to_string()},
                   {"mac", one.mac.to_string()},
                   {"state", name(one.state)},
                   {"router", one.router}});
  return all;
}

Json lease_of(const host::DhcpLease& lease, Time now) {
  const auto seconds_until = [now](Time when) {
    return std::chrono::duration_cast<std::chrono::seconds>(when - now).count();
  };
  Json one{{"address", lease.address.to_string()}, {"server", lease.server.to_string()}};
  if (lease.until != kNever) one["seconds_left"] = seconds_until(lease.until);
  if (lease.renew_at != kNever) one["seconds_until_renewal"] = seconds_until(lease.renew_at);
  return one;
}

using Row = std::vector<std::string>;

std::string table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const Row& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

std::string word(const Json& one, const char* key) { return one.at(key).get<std::string>(); }

}  // namespace

Json ip_report(Host& host) {
  Stack& stack = host.stack();
  const Time now = host.loop().now();
  Json report{{"addresses", addresses_of(stack)}, {"routes", routes_of(stack)}};
  if (!stack.link()) return report;
  report["mac"] = stack.link()->mac().to_string();
  report["neighbours"] = neighbours_of(*stack.link(), now);
  const host::Configurator* const configurator = stack.configurator();
  if (!configurator) return report;
  Json servers = Json::array();
  for (const IpAddress& server : configurator->dns_servers()) servers.push_back(server.to_string());
  report["dns_servers"] = std::move(servers);
  const host::DhcpLease* const lease = configurator->dhcp() ? configurator->dhcp()->lease() : nullptr;
  if (lease) report["lease"] = lease_of(*lease, now);
  return report;
}

std::string ip_text(const Json& report) {
  std::vector<Row> rows{{"address", "state"}};
  for (const Json& one : report.at("addresses"))
    rows.push_back({word(one, "address"), word(one, "state") + (one.at("temporary") ? ", temporary" : "")});
  std::string text = table(rows);
  rows = {{"route", "by", "metric", "origin"}};
  for (const Json& one : report.at("routes"))
    rows.push_back({word(one, "destination"), one.value("gateway", std::string("the link")), one.at("metric").dump(),
                    word(one, "origin")});
  text += '\n' + table(rows);
  if (!report.contains("neighbours")) return text;
  rows = {{"neighbour", "mac", "state"}};
  for (const Json& one : report.at("neighbours"))
    rows.push_back({word(one, "address"), word(one, "mac"), word(one, "state") + (one.at("router") ? ", router" : "")});
  text += '\n' + table(rows);
  if (!report.contains("dns_servers") || report.at("dns_servers").empty()) return text;
  text += "\ndns server\n";
  for (const Json& server : report.at("dns_servers")) text += server.get<std::string>() + '\n';
  return text;
}

}  // namespace sluice::tools
