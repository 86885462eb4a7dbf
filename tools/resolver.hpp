// Host names by DNS (RFC 1034, RFC 1035) through the stack itself: c-ares speaks it, over our UDP and TCP sockets.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stack/base/time.hpp"
#include "stack/wire/address.hpp"
#include "tun/event_loop.hpp"

namespace sluice::tools {

struct ResolverOptions {
  std::vector<Endpoint> servers;               ///< asked in this order
  std::vector<std::string> search;             ///< domains that are tried behind a name without dots
  bool hosts_file = true;                      ///< /etc/hosts is read first
  Duration timeout = std::chrono::seconds(2);  ///< of the first attempt at each server; later ones wait longer
  int attempts = 3;                            ///< at each server
};

/// Either addresses, the best first, or a sentence.
struct Resolved {
  std::vector<IpAddress> addresses;
  std::string error;
};

/// "10.0.0.53", "10.0.0.53:5353", "fd00::53" or "[fd00::53]:5353"; without a port it is 53.
std::optional<Endpoint> parse_server(std::string_view text);

/// Why no server need be asked for such a name (RFC 1035 2.3.4, RFC 6761 6.3); nullopt: it may exist.
std::optional<std::string> fault_of_name(std::string_view name);

/// Belongs to the loop's thread; nothing in it blocks. The loop outlives it.
class Resolver {
 public:
  using Done = std::function<void(const Resolved&)>;

  Resolver(tun::EventLoop& loop, ResolverOptions options);
  /// Questions that are open are dropped, and their `done` is not called.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Asks for addresses of both families. `done` is called once, in a later call of the loop's.
  void resolve(const std::string& name, Done done);
  /// For the questions to come: servers that DHCP or a router named.
  void set_servers(std::vector<Endpoint> servers);

 private:
  class Channel;
  std::unique_ptr<Channel> channel_;
};

/// The same for a program whose loop does not run yet: turns it until the answer is there, or a signal stops it.
Resolved resolve_now(tun::EventLoop& loop, const ResolverOptions& options, const std::string& name);

}  // namespace sluice::tools
