// Puts the pieces together, from the kernel inwards.
#include "tools/host.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "tun/clock.hpp"
#include "tun/error.hpp"
#include "tun/namespace.hpp"

namespace sluice::tools {
namespace {

/// DHCP with an offer, and three probes of the address.
constexpr Duration kAddressPatience = std::chrono::seconds(30);

}  // namespace

Host::Host(const LinkOptions& options, Role role) : key_(key_of(options)), wall_offset_(tun::wall_clock_offset()) {
  open_device(options, role);
  tun::Device* top = device_.get();
  if (!options.impairment.is_clear()) top = &impaired_.emplace(*top, options.impairment, options.impairment, key_);
  top = &tap_.emplace(*top, tap_device_ ? lab::LinkType::ethernet : lab::LinkType::raw);
  top = &probe_.emplace(*top);
  if (!options.capture.empty()) start_capture(options.capture, options.capture_size, options.capture_files);

  Config config{.key = key_, .ip = {}, .tcp = {}, .observer = make_observers(options)};
  if (options.tap) {
    config.link = ip::LinkSettings{.mac = mac_of(options, key_), .vlan = options.vlan, .timing = {}};
    config.host = host_settings(options, addresses_);
  }
  // Addresses that are probed first are the configurator's.
  if (!options.tap || options.no_probe)
    for (const tun::AddressPair& pair : addresses_) config.ip.addresses.push_back(pair.local);
  config.ip.mtu = top->mtu();
  config.tcp.maximum_frame = top->offloads().maximum_frame;
  config.tcp.congestion = options.congestion;
  stack_.emplace(config);
  loop_.emplace(*stack_, *top, tun::LoopSettings{.spin = options.busy_poll});
  if (options.tap && role == Role::client) await_addresses(options);
}

std::int64_t Host::unix_time() const noexcept {
  return std::chrono::floor<std::chrono::seconds>(loop_->now().time_since_epoch() + wall_offset_).count();
}

void Host::open_device(const LinkOptions& options, Role role) {
  tun::TunOptions wish{.name = options.device, .network_namespace = options.network_namespace, .mtu = options.mtu};
  addresses_ = address_pairs(options, role);
  tap_device_ = options.tap;
  wish.kind = options.tap ? tun::DeviceKind::tap : tun::DeviceKind::tun;
  wish.bridge = options.bridge;
  // A bad link has its way with single packets.
  wish.offload = !options.no_offload && options.impairment.is_clear();
  if (options.bridge.empty()) wish.addresses = addresses_;
  try {
    device_ = tun::open_tun(wish);
    return;
  } catch (const tun::Error& error) {
    const bool may_help = error.code() == Errc::permission_denied && options.network_namespace.empty();
    if (!may_help || ::geteuid() == 0) throw;
  }
  tun::enter_own_namespace();
  in_own_namespace_ = true;
  device_ = tun::open_tun(wish);
}

/// The stack pays for telling only when somebody asked for a record.
Observer* Host::make_observers(const LinkOptions& options) {
  if (options.trace.empty() && options.capture.empty()) return nullptr;
  if (!options.trace.empty()) trace_.emplace(options.trace, tun::monotonic_now(), wall_offset_);
  return &notes_.emplace(*tap_, trace_ ? &*trace_ : nullptr);
}

/// A client has nothing to do before.
void Host::await_addresses(const LinkOptions& options) {
  const auto usable = [&](const IpAddress& own) { return stack_->ip().addresses().holds(own); };
  const auto complete = [&] {
    if (options.dhcp && !stack_->configurator()->dhcp()->lease()) return false;
    return std::all_of(addresses_.begin(), addresses_.end(),
                       [&](const tun::AddressPair& pair) { return usable(pair.local.address); });
  };
  const Time limit = tun::monotonic_now() + kAddressPatience;
  while (!complete()) {
    if (tun::monotonic_now() >= limit)
      throw tun::Error(Errc::timed_out,
                       options.dhcp ? "no DHCP server gave an address" : "an address of the stack's is another host's");
    if (const Result<void> turned = loop_->turn(std::chrono::milliseconds(100)); !turned)
      throw tun::Error(turned.error(), "the device is gone");
  }
}

std::vector<Prefix> Host::own_addresses() {
  std::vector<Prefix> all;
  for (const ip::OwnAddress& own : stack_->ip().addresses().all())
    if (own.state != ip::AddressState::tentative) all.push_back(own.prefix);
  return all;
}

void Host::start_capture(const std::string& path, std::uint64_t maximum_size, unsigned files) {
  auto writer = lab::CaptureWriter::open({.path = path,
                                          .maximum_size = maximum_size,
                                          .files = maximum_size > 0 ? files : 1,
                                          .wall_offset = wall_offset_,
                                          .link = tap_device_ ? lab::LinkType::ethernet : lab::LinkType::raw,
                                          .interface_name = device_->name()});
  if (!writer) throw tun::Error(Errc::io_error, writer.error);
  tap_->start(std::move(*writer));
}

}  // namespace sluice::tools
