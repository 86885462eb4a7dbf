// Services as the flags ask for them, and the answers of the control socket.
#include "tools/instance.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "tools/control_paths.hpp"
#include "tools/report.hpp"
#include "tools/terminal.hpp"
#include "tun/error.hpp"

namespace sluice::tools {

Instance::Instance(Host& host, const ServeOptions& options, Shards* others)
    : host_(host), options_(options), others_(others), services_(host, options) {
  tun::EventLoop& loop = host.loop();
  if (options.https) begin_https();
  loop.on_host([this](const host::HostEvent& event) { hear(event); });
  control_ = std::make_unique<ControlServer>(loop, make_control_path(options.control_folders, control_name()),
                                             [this](const Json& request) { return answer(request); });
}

void Instance::begin_https() {
  ServerCertificate::Source source{options_.tls_certificates, options_.tls_key, certified_hosts()};
  certificate_ = std::make_unique<ServerCertificate>(std::move(source), host_.unix_time());
  hangup_ = std::make_unique<Hangup>(host_.loop(), [this] { renew_certificate(); });
  show_certificate();
}

void Instance::show_certificate() {
  services_.secure(certificate_->make_context());
  if (others_) others_->secure(*certificate_);
}

/// A name, the addresses that were given, and those that are there by now and stay.
std::vector<std::string> Instance::certified_hosts() {
  std::vector<std::string> hosts{"sluice"};
  const auto add = [&](const IpAddress& address) {
    const std::string text = address.to_string();
    if (std::find(hosts.begin(), hosts.end(), text) == hosts.end()) hosts.push_back(text);
  };
  for (const auto& link : host_.links())
    for (const tun::AddressPair& pair : link->addresses()) add(pair.local.address);
  for (const ip::OwnAddress& own : host_.stack().ip().addresses().all())
    if (own.state != ip::AddressState::tentative && !own.temporary) add(own.prefix.address);
  return hosts;
}

/// DHCP and routers give addresses when the certificate is made already.
void Instance::cover_addresses() {
  try {
    if (!certificate_ || !certificate_->cover(certified_hosts(), host_.unix_time())) return;
    show_certificate();
    say_certificate();
  } catch (const tun::Error& error) {
    fmt::print(stderr, "sluice serve: the old certificate stays: {}\n", error.what());
  }
}

void Instance::renew_certificate() {
  try {
    certificate_->renew(host_.unix_time());
    show_certificate();
    say_certificate();
  } catch (const tun::Error& error) {
    fmt::print(stderr, "sluice serve: the old certificate stays: {}\n", error.what());
  }
}

std::string Instance::control_name() const { return options_.name.empty() ? host_.device().name() : options_.name; }

// --- what it says

std::vector<std::string> Instance::endpoints(const std::string& before, std::uint16_t port,
                                             const std::string& behind) const {
  std::vector<std::string> all;
  for (const Prefix& own : host_.own_addresses())
    all.push_back(fmt::format("{}{}{}", before, Endpoint{own.address, port}.to_string(), behind));
  if (all.empty()) all.push_back(fmt::format("{}*:{}{}", before, port, behind));  // addresses are yet to come
  return all;
}

void Instance::say(const std::string& event, const std::string& what, const std::vector<std::string>& where) const {
  if (options_.json) {
    fmt::print("{}\n", Json{{"event", event}, {"what", what}, {"where", where}}.dump());
  } else {
    const bool colour = wants_colour(STDOUT_FILENO);
    const std::string padded = fmt::format("{:<10}", event);
    fmt::print("{} {:<11} {}\n", event == "listening" ? green(padded, colour) : bold(padded, colour), what,
               fmt::join(where, "  "));
  }
  std::fflush(stdout);
}

void Instance::say_certificate() const {
  say("certificate", certificate_->self_signed() ? "self-signed" : "from file",
      {"SHA-256 " + certificate_->fingerprint()});
}

void Instance::announce(const HostLink& link, InterfaceNumber number) const {
  std::vector<std::string> what;
  for (const tun::AddressPair& pair : link.addresses())
    what.push_back(fmt::format("{} (kernel: {})", pair.local.to_string(), pair.peer.to_string()));
  if (const ip::Link* const ethernet = host_.stack().link(number)) what.push_back("MAC " + ethernet->mac().to_string());
  say("device", link.device().name(), what);
  if (const auto granted = offload_names(link.device().offloads()); !granted.empty())
    say("offloads", link.device().name(), granted);
}

void Instance::announce() const {
  for (std::size_t i = 0; i < host_.links().size(); ++i) announce(*host_.links()[i], static_cast<InterfaceNumber>(i));
  if (others_) say("shards", std::to_string(options_.shards), {"a thread and a queue of the device each"});
  if (host_.in_own_namespace())
    say("namespace", "its own", {fmt::format("nsenter --preserve-credentials -U -n -t {}", ::getpid())});
  say("control", control_name(), {control_->path()});
  if (options_.http) say("listening", "http", endpoints("http://", *options_.http, "/"));
  if (options_.http && !options_.ws_echo.empty())
    say("listening", "ws-echo", endpoints("ws://", *options_.http, options_.ws_echo));
  if (options_.http && !options_.ws_chat.empty())
    say("listening", "ws-chat", endpoints("http://", *options_.http, options_.ws_chat));
  if (options_.https) {
    say("listening", "https", endpoints("https://", *options_.https, "/"));
    if (!options_.ws_echo.empty()) say("listening", "ws-echo", endpoints("wss://", *options_.https, options_.ws_echo));
    if (!options_.ws_chat.empty())
      say("listening", "ws-chat", endpoints("https://", *options_.https, options_.ws_chat));
    say_certificate();
  }
  if (options_.tcp_echo) say("listening", "tcp-echo", endpoints("", *options_.tcp_echo, ""));
  if (options_.tcp_discard) say("listening", "tcp-discard", endpoints("", *options_.tcp_discard, ""));
  if (options_.udp_echo) say("listening", "udp-echo", endpoints("", *options_.udp_echo, ""));
  if (!options_.link.capture.empty()) say("recording", "capture", {options_.link.capture});
  if (!options_.link.trace.empty()) say("recording", "trace", {options_.link.trace});
  say("ready", "", {});
}

void Instance::hear(const host::HostEvent& event) {
  using Kind = host::HostEvent::Kind;
  switch (event.kind) {
    case Kind::address_added: say("address", "added", {event.address.to_string()}); return cover_addresses();
    case Kind::address_removed: return say("address", "removed", {event.address.to_string()});
    case Kind::address_duplicate: return say("address", "duplicate", {event.address.to_string()});
    case Kind::servers_changed: break;
  }
  std::vector<std::string> servers;
  for (const IpAddress& server : host_.dns_servers()) servers.push_back(server.to_string());
  if (!servers.empty()) say("servers", "dns", servers);
}

void Instance::summarize() {
  const auto line = [](const std::string& name, std::uint64_t accepted) {
    if (accepted > 0) fmt::print(stderr, "{}: {} connections\n", name, accepted);
  };
  Services::Counts counts = services_.counts();
  if (others_) counts += others_->counts();
  line("http", counts.http);
  line("https", counts.https);
  if (counts.site.insecure > 0) fmt::print(stderr, "https: TLS failed on {} connections\n", counts.site.insecure);
  if (options_.http || options_.https) {
    fmt::print(stderr, "http: {} requests, {} refused, {} uploads, {} WebSockets\n", counts.site.requests,
               counts.site.refused, counts.site.uploads, counts.site.websockets);
  }
  line("tcp-echo", counts.tcp_echo);
  line("tcp-discard", counts.tcp_discard);
  if (options_.udp_echo) fmt::print(stderr, "udp-echo: {} datagrams\n", counts.udp_echo);
  fmt::print(stderr, "{}", stats_text(stats(), false));
}

// --- its end

void Instance::shut_down() {
  services_.shut_down();
  if (others_) others_->stop();
}

// --- the control socket

Json Instance::answer(const Json& request) {
  const std::string command = request.at("command").get<std::string>();
  Json result = overview();
  if (command == "stats") {
    result.update(stats());
  } else if (command == "ip") {
    result.update(ip_report(host_));
  } else if (command == "sockets") {
    std::vector<Endpoint> udp;
    if (options_.udp_echo) udp.push_back({IpAddress::any(Family::ipv6), *options_.udp_echo});
    result.update(sockets_report(host_, udp));
    if (others_) others_->add_connections(result.at("sockets"));
  } else if (command == "capture_start") {
    result.update(start_capture(request));
  } else if (command == "capture_stop") {
    result.update(stop_capture());
  } else if (command != "overview") {
    throw tun::Error(Errc::not_supported, fmt::format("no such command: {}", command));
  }
  return result;
}

Json Instance::stats() { return others_ ? others_->stats() : stats_report(host_); }

Json Instance::overview() const {
  Json addresses = Json::array();
  for (const auto& link : host_.links())
    for (const tun::AddressPair& pair : link->addresses())
      addresses.push_back({{"local", pair.local.to_string()}, {"peer", pair.peer.to_string()}});
  return {{"name", control_name()},
          {"version", SLUICE_VERSION},
          {"process", ::getpid()},
          {"device", host_.device().name()},
          {"addresses", std::move(addresses)}};
}

Json Instance::start_capture(const Json& request) {
  if (others_) throw tun::Error(Errc::not_supported, "a capture needs an instance of one shard");
  if (host_.tap().writer())
    throw tun::Error(Errc::address_in_use,
                     fmt::format("a capture into {} runs already", host_.tap().writer()->settings().path));
  const std::string file = request.at("file").get<std::string>();
  host_.start_capture(file, request.value("size", std::uint64_t{0}), request.value("files", 2u));
  return {{"file", file}};
}

Json Instance::stop_capture() {
  const std::unique_ptr<lab::CaptureWriter> writer = host_.tap().stop();
  if (!writer) throw tun::Error(Errc::not_found, "no capture runs");
  if (!writer->error().empty()) throw tun::Error(Errc::io_error, writer->error());
  return {{"file", writer->settings().path}, {"packets", writer->packets()}};
}

}  // namespace sluice::tools
