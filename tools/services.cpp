// Services as the flags ask for them.
#include "tools/services.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <utility>

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

Services::Services(Host& host, const ServeOptions& options) : loop_(host.loop()), secure_port_(options.https) {
  tun::EventLoop& loop = loop_;
  if (options.http || options.https) set_up_site(host, options);
  if (options.http)
    http_ = std::make_unique<TcpService>(loop, *options.http, [this](tcp::Socket socket) {
      return std::make_unique<HttpConnection>(std::move(socket), site_);
    });
  if (options.tcp_echo) tcp_echo_ = std::make_unique<TcpService>(loop, *options.tcp_echo, make<EchoConnection>());
  if (options.tcp_discard)
    tcp_discard_ = std::make_unique<TcpService>(loop, *options.tcp_discard, make<DiscardConnection>());
  if (options.udp_echo) udp_echo_ = std::make_unique<UdpEcho>(loop, *options.udp_echo);
}

void Services::set_up_site(Host& host, const ServeOptions& options) {
  if (!options.root.empty()) site_.files = std::make_unique<DirectorySource>(options.root);
  site_.websocket_path = options.ws_echo;
  site_.websocket_policy = websocket_policy(options);
  site_.websocket_settings.idle_ping = std::chrono::seconds(30);
  site_.chat_path = options.ws_chat;
  if (!options.ws_chat.empty()) site_.chat = std::make_unique<ChatRoom>();
  site_.file_settings = {.cache = options.cache, .precompressed = !options.no_precompressed};
  site_.limits.head_time = options.head_time;
  site_.limits.idle_time = options.idle_time;
  site_.limits.requests = options.requests;
  site_.limits.body = options.body_limit;
  site_.router = make_router(site_);
  site_.wall_offset = host.wall_offset();
  if (!options.verbose) return;
  site_.log = [](const http::Request& request, int status) {
    fmt::print(stderr, "{} {} {}\n", status, request.method, request.target);
  };
  site_.log_failure = [](const tls::Failure& failure) { fmt::print(stderr, "tls: {}\n", failure.sentence); };
}

void Services::secure(tls::ServerContext context) {
  context_ = std::move(context);
  if (https_) return;
  https_ = std::make_unique<TcpService>(loop_, *secure_port_, [this](tcp::Socket socket) {
    return std::make_unique<HttpsConnection>(std::move(socket), site_, tls::Session(*context_, loop_.now()));
  });
}

void Services::shut_down() {
  for (TcpService* const service : {http_.get(), https_.get(), tcp_echo_.get(), tcp_discard_.get()})
    if (service) service->shut_down();
  if (udp_echo_) udp_echo_->shut_down();
}

Services::Counts Services::counts() const noexcept {
  const auto accepted = [](const std::unique_ptr<TcpService>& service) { return service ? service->accepted() : 0; };
  return {.http = accepted(http_),
          .https = accepted(https_),
          .tcp_echo = accepted(tcp_echo_),
          .tcp_discard = accepted(tcp_discard_),
          .udp_echo = udp_echo_ ? udp_echo_->echoed() : 0,
          .site = site_.counts};
}

Services::Counts& Services::Counts::operator+=(const Counts& other) noexcept {
  http += other.http;
  https += other.https;
  tcp_echo += other.tcp_echo;
  tcp_discard += other.tcp_discard;
  udp_echo += other.udp_echo;
  site.requests += other.site.requests;
  site.refused += other.site.refused;
  site.uploads += other.site.uploads;
  site.websockets += other.site.websockets;
  site.insecure += other.site.insecure;
  return *this;
}

}  // namespace sluice::tools
