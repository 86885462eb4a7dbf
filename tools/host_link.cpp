// Opens the device and wraps it; see host_link.hpp.
#include "tools/host_link.hpp"

#include <unistd.h>

#include <utility>

#include "tun/error.hpp"
#include "tun/namespace.hpp"
#include "tun/open.hpp"

namespace sluice::tools {
namespace {

/// How soon a machine that slept is noticed.
constexpr Duration kSleepCheck = std::chrono::seconds(5);

}  // namespace

HostLink::HostLink(const LinkOptions& options, Role role, const Key& key, InterfaceNumber number, const TunQueue& queue)
    : options_(options), key_(key), number_(number) {
  open_device(role, queue);
  tun::Device* top = device_.get();
  lab::ImpairmentSettings link = options_.impairment;
  link.ethernet = options_.tap;
  if (!link.is_clear()) top = &impaired_.emplace(*top, link, link, key);
  tap_.emplace(*top, link_type());
}

void HostLink::open_device(Role role, const TunQueue& queue) {
  tun::TunOptions wish{.name = options_.device, .network_namespace = options_.network_namespace, .mtu = options_.mtu};
  addresses_ = address_pairs(options_, role);
  wish.kind = options_.tap ? tun::DeviceKind::tap : tun::DeviceKind::tun;
  wish.bridge = options_.bridge;
  // A bad link has its way with single packets.
  wish.offload = !options_.no_offload && options_.impairment.is_clear();
  wish.multi_queue = queue.one_of_many;
  wish.backend = options_.backend;
  if (options_.bridge.empty()) wish.addresses = addresses_;
  if (!queue.further_of.empty()) {  // all else was done for the first
    wish.name = queue.further_of;
    wish.addresses.clear();
    wish.mtu.reset();
  }
  try {
    device_ = tun::open_tun(wish);
    return;
  } catch (const tun::Error& error) {
    const bool may_help = error.code() == Errc::permission_denied && options_.network_namespace.empty();
    if (!may_help || ::geteuid() == 0) throw;
  }
  tun::enter_own_namespace();
  in_own_namespace_ = true;
  device_ = tun::open_tun(wish);
}

InterfaceConfig HostLink::config() const {
  InterfaceConfig config;
  config.mtu = device_->mtu();
  // Addresses that are probed first are the configurator's.
  if (!options_.tap || options_.no_probe)
    for (const tun::AddressPair& pair : addresses_) config.addresses.push_back(pair.local);
  if (!options_.tap) return config;
  config.link =
      ip::LinkSettings{.mac = mac_of(options_, device_->name(), key_, number_), .vlan = options_.vlan, .timing = {}};
  config.host = host_settings(options_, device_->name(), addresses_);
  return config;
}

std::vector<ip::Route> HostLink::routes() const {
  std::vector<ip::Route> all = options_.routes;
  for (ip::Route& route : all) route.interface = number_;
  return all;
}

void HostLink::watch(tun::EventLoop& loop, host::Configurator& configurator) {
  const auto make = [&] { link_watch_.emplace(device_->name()); };
  if (options_.network_namespace.empty())
    make();
  else
    tun::Namespace::open(options_.network_namespace).run(make);
  loop.watch(link_watch_->fd(), Readiness::readable, [this, &loop, &configurator](Readiness) {
    if (link_watch_->returned()) configurator.link_returned(Duration(0), loop.now());
  });
  watch_sleep(loop, configurator);
}

void HostLink::watch_sleep(tun::EventLoop& loop, host::Configurator& configurator) {
  loop.after(kSleepCheck, [this, &loop, &configurator] {
    const Duration slept = link_watch_->slept();
    if (slept > Duration(0)) configurator.link_returned(slept, loop.now());
    watch_sleep(loop, configurator);
  });
}

void HostLink::start_capture(const std::string& path, std::uint64_t maximum_size, unsigned files,
                             std::chrono::nanoseconds wall_offset, unsigned interfaces) {
  auto writer = lab::CaptureWriter::open({.path = path,
                                          .maximum_size = maximum_size,
                                          .files = maximum_size > 0 ? files : 1,
                                          .wall_offset = wall_offset,
                                          .link = link_type(),
                                          .interface_name = device_->name(),
                                          .interfaces = interfaces});
  if (!writer) throw tun::Error(Errc::io_error, writer.error);
  tap_->start(std::move(*writer));
}

}  // namespace sluice::tools
