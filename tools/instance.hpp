// One `sluice serve`: its services, its control socket, what it says at the beginning and the end.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/certificates.hpp"
#include "tools/control_server.hpp"
#include "tools/echo_service.hpp"
#include "tools/hangup.hpp"
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
  bool json = false;
  bool verbose = false;
  std::vector<std::string> control_folders;  ///< where the control socket may be, the preferred place first
};

class Instance {
 public:
  /// Begins all services. `host` outlives the instance. Throws tun::Error.
  Instance(Host& host, const ServeOptions& options);

  /// A line for the device, one for each service ("listening …"), and "ready".
  void announce() const;
  void announce(const HostLink& link, InterfaceNumber number) const;
  /// No new connections; those that are there may end.
  void shut_down();
  /// What -v says on stderr at the end.
  void summarize();

 private:
  void set_up_site();
  void begin_http();
  void begin_https();
  void renew_certificate();
  void cover_addresses();
  std::vector<std::string> certified_hosts();
  void say_certificate() const;
  void hear(const host::HostEvent& event);
  std::string control_name() const;
  Json answer(const Json& request);
  Json overview() const;
  Json start_capture(const Json& request);
  Json stop_capture();
  void say(const std::string& event, const std::string& what, const std::vector<std::string>& where) const;
  std::vector<std::string> endpoints(const std::string& before, std::uint16_t port, const std::string& behind) const;
  std::vector<TcpService*> tcp_services();

  Host& host_;
  const ServeOptions& options_;
  Site site_;
  std::unique_ptr<ServerCertificate> certificate_;
  std::unique_ptr<Hangup> hangup_;
  std::unique_ptr<TcpService> http_;
  std::unique_ptr<TcpService> https_;
  std::unique_ptr<TcpService> tcp_echo_;
  std::unique_ptr<TcpService> tcp_discard_;
  std::unique_ptr<UdpEcho> udp_echo_;
  std::unique_ptr<ControlServer> control_;
};

}  // namespace sluice::tools
