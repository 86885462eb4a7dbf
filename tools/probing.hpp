// What ping, traceroute and arping have in common: whom they ask, and how they end.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "stack/wire/address.hpp"
#include "tools/commands.hpp"
#include "tools/host.hpp"

namespace sluice::tools {

/// Whom a probing command asks. A name is looked up by the system before there is a Host, or through the stack after.
class ProbeTarget {
 public:
  /// Throws UsageError when the system knows no address for the name. `link` outlives this.
  ProbeTarget(std::string name, const LinkOptions& link);

  /// The best of its addresses. Throws UsageError when the stack has none of that family, tun::Error when no name
  /// server knows the name.
  IpAddress on(Host& host) const;

 private:
  std::string name_;
  const LinkOptions& link_;
  bool by_stack_;
  std::vector<IpAddress> known_;
};

/// Runs the host until a signal or its own end. False, and a sentence on stderr, when the device is gone.
bool run_probes(Host& host, const char* command);

/// What ping(8) answers for anything but "an answer came" and "none did".
inline constexpr int kProbeTrouble = 2;
/// Runs `act`; of a tun::Error it makes a sentence on stderr and kProbeTrouble.
int guarded(const char* command, const std::function<int()>& act);

}  // namespace sluice::tools
