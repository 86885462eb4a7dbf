// What `sluice serve` offers over one stack.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/tls/context.hpp"
#include "tools/echo_service.hpp"
#include "tools/host.hpp"
#include "tools/http_service.hpp"
#include "tools/tcp_service.hpp"

namespace sluice::tools {

struct ServeOptions {
  LinkOptions link;
  std::string name;  ///< of the control socket; empty: the device's
  std::optional<std::uint16_t> http;
  std::optional<std::uint16_t> https;
  std::string tls_certificates;  ///< PEM file; empty: self-signed
  std::string tls_key;           ///< PEM file
  std::string root;
  std::optional<std::chrono::seconds> cache;  ///< of files: max-age; nullopt: nothing is said
  bool no_precompressed = false;
  std::string ws_echo;
  std::string ws_chat;
  std::vector<std::string> ws_origins;  ///< empty: the same origin only; "any"
  bool ws_no_deflate = false;
  Duration head_time = std::chrono::seconds(10);
  Duration idle_time = std::chrono::seconds(60);
  std::uint64_t requests = 0;                         ///< of one connection; 0: any number
  std::uint64_t body_limit = std::uint64_t{1} << 30;  ///< bytes
  std::optional<std::uint16_t> tcp_echo;
  std::optional<std::uint16_t> tcp_discard;
  std::optional<std::uint16_t> udp_echo;
  std::uint8_t shards = 1;
  bool json = false;
  bool verbose = false;
  std::vector<std::string> control_folders;  ///< where the control socket may be, the preferred place first
};

/// Of a host of several shards each has its own.
class Services {
 public:
  /// Begins them. Both outlive this. Throws tun::Error.
  Services(Host& host, const ServeOptions& options);

  /// Who the server of --https is, for connections that begin from now on; the first time it begins. REQUIRES
  /// options.https.
  void secure(tls::ServerContext context);
  /// No new connections; those that are there may end.
  void shut_down();

  /// Connections, datagrams and requests so far.
  struct Counts {
    std::uint64_t http = 0;
    std::uint64_t https = 0;
    std::uint64_t tcp_echo = 0;
    std::uint64_t tcp_discard = 0;
    std::uint64_t udp_echo = 0;
    Site::Counts site = {};
    Counts& operator+=(const Counts& other) noexcept;
  };
  Counts counts() const noexcept;

 private:
  void set_up_site(Host& host, const ServeOptions& options);

  tun::EventLoop& loop_;
  std::optional<std::uint16_t> secure_port_;
  Site site_;
  std::optional<tls::ServerContext> context_;
  std::unique_ptr<TcpService> http_;
  std::unique_ptr<TcpService> https_;
  std::unique_ptr<TcpService> tcp_echo_;
  std::unique_ptr<TcpService> tcp_discard_;
  std::unique_ptr<UdpEcho> udp_echo_;
};

}  // namespace sluice::tools
