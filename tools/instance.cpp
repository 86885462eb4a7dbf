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
namespace {

template <class Made>
TcpService::Make make() {
  return [](tcp::Socket socket) { return std::make_unique<Made>(std::move(socket)); };
}

ws::ServerPolicy websocket_policy(const ServeOptions& options) {
  ws::ServerPolicy policy;
  const std::vector<std::string>& origins = options.ws_origins;
  if (!options.ws_no_deflate) policy.deflate.emplace();
  if (std::find(origins.begin(), origins.end(), "any") != origins.end())
    policy.allow_origin = ws::any_origin;
  else if (!origins.empty())
    policy.allow_origin = ws::listed_origins(origins);
  return policy;
}

}  // namespace

Instance::Instance(Host& host, const ServeOptions& options) : host_(host), options_(options) {
  tun::EventLoop& loop = host.loop();
  if (options.http || options.https) set_up_site();
  if (options.http) begin_http();
  if (options.https) begin_https();
  if (options.tcp_echo) tcp_echo_ = std::make_unique<TcpService>(loop, *options.tcp_echo, make<EchoConnection>());
  if (options.tcp_discard)
    tcp_discard_ = std::make_unique<TcpService>(loop, *options.tcp_discard, make<DiscardConnection>());
  if (options.udp_echo) udp_echo_ = std::make_unique<UdpEcho>(loop, *options.udp_echo);
  loop.on_host([this](const host::HostEvent& event) { hear(event); });
  control_ = std::make_unique<ControlServer>(loop, make_control_path(options.control_folders, control_name()),
                                             [this](const Json& request) { return answer(request); });
}

void Instance::set_up_site() {
  if (!options_.root.empty()) site_.files = std::make_unique<DirectorySource>(options_.root);
  site_.websocket_path = options_.ws_echo;
  site_.websocket_policy = websocket_policy(options_);
  site_.websocket_settings.idle_ping = std::chrono::seconds(30);
  site_.chat_path = options_.ws_chat;
  if (!options_.ws_chat.empty()) site_.chat = std::make_unique<ChatRoom>();
  site_.file_settings = {.cache = options_.cache, .precompressed = !options_.no_precompressed};
  site_.limits.head_time = options_.head_time;
  site_.limits.idle_time = options_.idle_time;
  site_.limits.requests = options_.requests;
  site_.limits.body = options_.body_limit;
  site_.router = make_router(site_);
  site_.wall_offset = host_.wall_offset();
  if (!options_.verbose) return;
  site_.log = [](const http::Request& request, int status) {
    fmt::print(stderr, "{} {} {}\n", status, request.method, request.target);
  };
  site_.log_failure = [](const tls::Failure& failure) { fmt::print(stderr, "tls: {}\n", failure.sentence); };
}

void Instance::begin_http() {
  http_ = std::make_unique<TcpService>(host_.loop(), *options_.http, [this](tcp::Socket socket) {
    return std::make_unique<HttpConnection>(std::move(socket), site_);
  });
}

void Instance::begin_https() {
  ServerCertificate::Source source{options_.tls_certificates, options_.tls_key, certified_hosts()};
  certificate_ = std::make_unique<ServerCertificate>(std::move(source), host_.unix_time());
  hangup_ = std::make_unique<Hangup>(host_.loop(), [this] { renew_certificate(); });
  https_ = std::make_unique<TcpService>(host_.loop(), *options_.https, [this](tcp::Socket socket) {
    return std::make_unique<HttpsConnection>(std::move(socket), site_,
                                             tls::Session(certificate_->context(), host_.loop().now()));
  });
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
    if (certificate_ && certificate_->cover(certified_hosts(), host_.unix_time())) say_certificate();
  } catch (const tun::Error& error) {
    fmt::print(stderr, "sluice serve: the old certificate stays: {}\n", error.what());
  }
}

void Instance::renew_certificate() {
  try {
    certificate_->renew(host_.unix_time());
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
  if (http_) line("http", http_->accepted());
  if (https_) line("https", https_->accepted());
  if (site_.counts.insecure > 0) fmt::print(stderr, "https: TLS failed on {} connections\n", site_.counts.insecure);
  if (http_ || https_) {
    fmt::print(stderr, "http: {} requests, {} refused, {} uploads, {} WebSockets\n", site_.counts.requests,
               site_.counts.refused, site_.counts.uploads, site_.counts.websockets);
  }
  if (tcp_echo_) line("tcp-echo", tcp_echo_->accepted());
  if (tcp_discard_) line("tcp-discard", tcp_discard_->accepted());
  if (udp_echo_) fmt::print(stderr, "udp-echo: {} datagrams\n", udp_echo_->echoed());
  fmt::print(stderr, "{}", stats_text(stats_report(host_), false));
}

// --- its end

std::vector<TcpService*> Instance::tcp_services() {
  std::vector<TcpService*> all;
  for (TcpService* one : {http_.get(), https_.get(), tcp_echo_.get(), tcp_discard_.get()})
    if (one) all.push_back(one);
  return all;
}

void Instance::shut_down() {
  for (TcpService* service : tcp_services()) service->shut_down();
  if (udp_echo_) udp_echo_->shut_down();
}

// --- the control socket

Json Instance::answer(const Json& request) {
  const std::string command = request.at("command").get<std::string>();
  Json result = overview();
  if (command == "stats") {
    result.update(stats_report(host_));
  } else if (command == "ip") {
    result.update(ip_report(host_));
  } else if (command == "sockets") {
    std::vector<Endpoint> udp;
    if (udp_echo_) udp.push_back({IpAddress::any(Family::ipv6), *options_.udp_echo});
    result.update(sockets_report(host_, udp));
  } else if (command == "capture_start") {
    result.update(start_capture(request));
  } else if (command == "capture_stop") {
    result.update(stop_capture());
  } else if (command != "overview") {
    throw tun::Error(Errc::not_supported, fmt::format("no such command: {}", command));
  }
  return result;
}

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
