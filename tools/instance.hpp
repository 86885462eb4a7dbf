// One `sluice serve`: its services, its control socket, what it says at the beginning and the end.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tools/certificates.hpp"
#include "tools/control_server.hpp"
#include "tools/hangup.hpp"
#include "tools/host.hpp"
#include "tools/services.hpp"
#include "tools/shards.hpp"

namespace sluice::tools {

class Instance {
 public:
  /// Begins all services. `host`, and the `others` of a host of several shards, outlive the instance. Throws
  /// tun::Error.
  Instance(Host& host, const ServeOptions& options, Shards* others = nullptr);

  /// A line for the device, one for each service ("listening …"), and "ready".
  void announce() const;
  void announce(const HostLink& link, InterfaceNumber number) const;
  /// No new connections; those that are there may end.
  void shut_down();
  /// What -v says on stderr at the end.
  void summarize();

 private:
  void begin_https();
  /// Whoever is the server from now on, on all shards.
  void show_certificate();
  void renew_certificate();
  void cover_addresses();
  std::vector<std::string> certified_hosts();
  void say_certificate() const;
  void hear(const host::HostEvent& event);
  std::string control_name() const;
  Json answer(const Json& request);
  Json overview() const;
  Json stats();
  Json start_capture(const Json& request);
  Json stop_capture();
  void say(const std::string& event, const std::string& what, const std::vector<std::string>& where) const;
  std::vector<std::string> endpoints(const std::string& before, std::uint16_t port, const std::string& behind) const;

  Host& host_;
  const ServeOptions& options_;
  Shards* others_;
  Services services_;
  std::unique_ptr<ServerCertificate> certificate_;
  std::unique_ptr<Hangup> hangup_;
  std::unique_ptr<ControlServer> control_;
};

}  // namespace sluice::tools
