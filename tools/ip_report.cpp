// Addresses, routes and neighbours of a running stack, to JSON and to text.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "tools/report.hpp"

namespace sluice::tools {
namespace {

const std::string& device_of(Host& host, InterfaceNumber number) { return host.links()[number]->device().name(); }

Json addresses_of(Host& host) {
  Json all = Json::array();
  for (const ip::OwnAddress& own : host.stack().ip().addresses().all())
    all.push_back({{"address", own.prefix.to_string()},
                   {"device", device_of(host, own.interface)},
                   {"state", name(own.state)},
                   {"temporary", own.temporary}});
  return all;
}

Json routes_of(Host& host) {
  Json all = Json::array();
  for (const ip::Route& route : host.stack().ip().routes().all()) {
    Json one{{"destination", route.destination.to_string()},
             {"device", device_of(host, route.interface)},
             {"metric", route.metric},
             {"origin", name(route.origin)}};
    if (route.gateway) one["gateway"] = route.gateway->to_string();
    all.push_back(std::move(one));
  }
  return all;
}

void add_neighbours(Json& all, Host& host, InterfaceNumber number) {
  for (const ip::NeighbourView& one : host.stack().link(number)->neighbours().list(host.loop().now()))
    all.push_back({{"address", one.address.to_string()},
                   {"device", device_of(host, number)},
                   {"mac", one.mac.to_string()},
                   {"state", name(one.state)},
                   {"router", one.router}});
}

Json lease_of(const host::DhcpLease& lease, const std::string& device, Time now) {
  const auto seconds_until = [now](Time when) {
    return std::chrono::duration_cast<std::chrono::seconds>(when - now).count();
  };
  Json one{{"address", lease.address.to_string()}, {"device", device}, {"server", lease.server.to_string()}};
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
  Json devices = Json::array();
  Json neighbours = Json::array();
  Json leases = Json::array();
  for (std::size_t i = 0; i < host.links().size(); ++i) {
    const auto number = static_cast<InterfaceNumber>(i);
    Json device{{"device", device_of(host, number)}, {"mtu", host.stack().ip().mtu(number)}};
    if (const ip::Link* const link = host.stack().link(number)) {
      device["mac"] = link->mac().to_string();
      add_neighbours(neighbours, host, number);
    }
    const host::Configurator* const configurator = host.stack().configurator(number);
    const host::DhcpLease* const lease = configurator && configurator->dhcp() ? configurator->dhcp()->lease() : nullptr;
    if (lease) leases.push_back(lease_of(*lease, device_of(host, number), host.loop().now()));
    devices.push_back(std::move(device));
  }
  Json servers = Json::array();
  for (const IpAddress& server : host.dns_servers()) servers.push_back(server.to_string());
  return {{"devices", std::move(devices)}, {"addresses", addresses_of(host)},
          {"routes", routes_of(host)},     {"neighbours", std::move(neighbours)},
          {"leases", std::move(leases)},   {"dns_servers", std::move(servers)}};
}

std::string ip_text(const Json& report) {
  std::vector<Row> rows{{"device", "mtu", "mac"}};
  for (const Json& one : report.at("devices"))
    rows.push_back({word(one, "device"), one.at("mtu").dump(), one.value("mac", std::string("none"))});
  std::string text = table(rows);
  rows = {{"address", "device", "state"}};
  for (const Json& one : report.at("addresses"))
    rows.push_back(
        {word(one, "address"), word(one, "device"), word(one, "state") + (one.at("temporary") ? ", temporary" : "")});
  text += '\n' + table(rows);
  rows = {{"route", "by", "device", "metric", "origin"}};
  for (const Json& one : report.at("routes"))
    rows.push_back({word(one, "destination"), one.value("gateway", std::string("the link")), word(one, "device"),
                    one.at("metric").dump(), word(one, "origin")});
  text += '\n' + table(rows);
  if (!report.at("neighbours").empty()) {
    rows = {{"neighbour", "device", "mac", "state"}};
    for (const Json& one : report.at("neighbours"))
      rows.push_back({word(one, "address"), word(one, "device"), word(one, "mac"),
                      word(one, "state") + (one.at("router") ? ", router" : "")});
    text += '\n' + table(rows);
  }
  if (report.at("dns_servers").empty()) return text;
  text += "\ndns server\n";
  for (const Json& server : report.at("dns_servers")) text += server.get<std::string>() + '\n';
  return text;
}

}  // namespace sluice::tools
