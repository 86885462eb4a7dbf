// One interface of a running stack, from the kernel inwards: TUN or TAP, bad link, capture.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lab/capture_tap.hpp"
#include "lab/impaired_device.hpp"
#include "stack/interface.hpp"
#include "tools/link_options.hpp"
#include "tun/event_loop.hpp"
#include "tun/fd_device.hpp"
#include "tun/link_watch.hpp"

namespace sluice::tools {

/// Of a TUN of several queues: which one.
struct TunQueue {
  bool one_of_many = false;
  std::string further_of = {};  ///< the name of a device whose first queue is open; empty: this is the first
};

class HostLink {
 public:
  /// Opens the device of the stack's interface `number`. Without the right to make one, the process moves into a user
  /// and network namespace of its own first: in_own_namespace() tells. REQUIRES then that the process has one thread.
  /// Throws tun::Error.
  HostLink(const LinkOptions& options, Role role, const Key& key, InterfaceNumber number, const TunQueue& queue = {});
  HostLink(const HostLink&) = delete;
  HostLink& operator=(const HostLink&) = delete;

  /// What the stack is to know of it.
  InterfaceConfig config() const;
  /// The routes that were asked for, out of this interface.
  std::vector<ip::Route> routes() const;

  const LinkOptions& options() const noexcept { return options_; }
  const tun::FdDevice& device() const noexcept { return *device_; }
  /// Where the stack's packets go.
  tun::Device& top() noexcept { return *tap_; }
  lab::CaptureTap& tap() noexcept { return *tap_; }
  lab::ImpairedDevice* impaired() noexcept { return impaired_ ? &*impaired_ : nullptr; }
  const std::vector<tun::AddressPair>& addresses() const noexcept { return addresses_; }
  bool in_own_namespace() const noexcept { return in_own_namespace_; }

  /// From now on a lease, addresses and routers are asked about again when the link was away, or the machine slept.
  /// `loop` ends before this.
  void watch(tun::EventLoop& loop, host::Configurator& configurator);

  /// From now on into this file; `wall_offset` added to a Time gives nanoseconds since 1970, and others may join as
  /// further `interfaces`. Throws tun::Error.
  void start_capture(const std::string& path, std::uint64_t maximum_size, unsigned files,
                     std::chrono::nanoseconds wall_offset, unsigned interfaces = 1);

 private:
  void open_device(Role role, const TunQueue& queue);
  void watch_sleep(tun::EventLoop& loop, host::Configurator& configurator);
  lab::LinkType link_type() const noexcept { return options_.tap ? lab::LinkType::ethernet : lab::LinkType::raw; }

  LinkOptions options_;
  const Key& key_;
  InterfaceNumber number_;
  std::vector<tun::AddressPair> addresses_;
  bool in_own_namespace_ = false;
  std::unique_ptr<tun::FdDevice> device_;
  std::optional<lab::ImpairedDevice> impaired_;
  std::optional<lab::CaptureTap> tap_;
  std::optional<tun::LinkWatch> link_watch_;
};

}  // namespace sluice::tools
