// Opens the device and wraps it; see host_link.hpp.
#include "tools/host_link.hpp"

#include <unistd.h>

#include <utility>

#include "tun/error.hpp"
#include "tun/namespace.hpp"
#include "tun/open.hpp"

namespace sluice::tools {

HostLink::HostLink(const LinkOptions& options, Role role, const Key& key, InterfaceNumber number)
    : options_(options), number_(number), mac_(mac_of(options, key, number)) {
  open_device(role);
  tun::Device* top = device_.get();
  const lab::ImpairmentSettings& link = options_.impairment;
  if (!link.is_clear()) top = &impaired_.emplace(*top, link, link, key);
  tap_.emplace(*top, link_type());
}

void HostLink::open_device(Role role) {
  tun::TunOptions wish{.name = options_.device, .network_namespace = options_.network_namespace, .mtu = options_.mtu};
  addresses_ = address_pairs(options_, role);
  wish.kind = options_.tap ? tun::DeviceKind::tap : tun::DeviceKind::tun;
  wish.bridge = options_.bridge;
  if (options_.bridge.empty()) wish.addresses = addresses_;
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
  config.link = ip::LinkSettings{.mac = mac_, .vlan = options_.vlan, .timing = {}};
  config.host = host_settings(options_, addresses_);
  return config;
}

std::vector<ip::Route> HostLink::routes() const {
  std::vector<ip::Route> all = options_.routes;
  for (ip::Route& route : all) route.interface = number_;
  return all;
}

void HostLink::start_capture(const std::string& path, std::uint64_t maximum_size, unsigned files,
                             std::chrono::nanoseconds wall_offset) {
  auto writer = lab::CaptureWriter::open({.path = path,
                                          .maximum_size = maximum_size,
                                          .files = maximum_size > 0 ? files : 1,
                                          .wall_offset = wall_offset,
                                          .link = link_type(),
                                          .interface_name = device_->name()});
  if (!writer) throw tun::Error(Errc::io_error, writer.error);
  tap_->start(std::move(*writer));
}

}  // namespace sluice::tools
