// Names before and after the stack, and the end of a run; see probing.hpp.
#include "tools/probing.hpp"

#include <fmt/format.h>

#include <csignal>
#include <utility>

#include "tools/resolve.hpp"
#include "tools/usage_error.hpp"
#include "tun/error.hpp"

namespace sluice::tools {

ProbeTarget::ProbeTarget(std::string name, const LinkOptions& link)
    : name_(std::move(name)), link_(link), by_stack_(is_for_stack(name_, link)) {
  if (by_stack_) return;
  known_ = resolve(name_);
  if (known_.empty()) throw UsageError(fmt::format("no address is known for {}", name_));
}

IpAddress ProbeTarget::on(Host& host) const {
  const Result<IpAddress> address = reachable(by_stack_ ? addresses_over(host, name_, link_) : known_, host);
  if (!address) throw UsageError("the stack has no address of this family (see --local6)");
  return *address;
}

bool run_probes(Host& host, const char* command) {
  const Result<void> result = host.loop().run();
  if (!result) fmt::print(stderr, "sluice {}: the device is gone: {}\n", command, describe(result.error()));
  return result.has_value();
}

int guarded(const char* command, const std::function<int()>& act) {
  try {
    return act();
  } catch (const tun::Error& error) {
    fmt::print(stderr, "sluice {}: {}\n", command, error.what());
    return kProbeTrouble;
  }
}

}  // namespace sluice::tools
