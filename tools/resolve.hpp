// Host names for the clients among the subcommands.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "stack/base/result.hpp"
#include "stack/wire/address.hpp"
#include "tools/host.hpp"
#include "tools/resolver.hpp"

namespace sluice::tools {

/// An address as it is written, or what the system's resolver knows of a name; empty when that is nothing. To be called
/// before a Host is made: in a namespace of its own the process reaches no name server.
std::vector<IpAddress> resolve(const std::string& name);

/// True when --dns or --dhcp was given and `name` is no address: then resolve_over() is to be called when the Host is
/// there.
bool is_for_stack(const std::string& name, const LinkOptions& options);
/// Asks the servers of --dns, else those that DHCP or a router named, through the stack. REQUIRES that the host's loop
/// does not run yet.
Resolved resolve_over(Host& host, const std::string& name, const LinkOptions& options);

/// The same for whom no address is a failure: throws tun::Error with the sentence.
std::vector<IpAddress> addresses_over(Host& host, const std::string& name, const LinkOptions& options);

/// Those of them that the stack has an address and a way for, the best first (RFC 6724 6). Throws tun::Error when
/// there is none.
std::vector<IpAddress> by_preference(const std::vector<IpAddress>& addresses, Host& host);
/// The first of these; address_family when there is none.
Result<IpAddress> reachable(const std::vector<IpAddress>& addresses, Host& host);

/// Names that come up while the loop runs: asked as resolve_over() asks, or of the system, for which the loop waits.
class Names {
 public:
  /// Both outlive it.
  Names(Host& host, const LinkOptions& options) : host_(host), options_(options) {}

  /// `done` is called once, in a later turn; not at all when this object is gone by then.
  void look_up(const std::string& name, Resolver::Done done);

 private:
  Host& host_;
  const LinkOptions& options_;
  std::unique_ptr<Resolver> resolver_;
  tun::EventLoop::Alarm alarm_;
};

}  // namespace sluice::tools
