// A running stack: its interfaces, the records, the loop. What serve, get, nc and ping have in common.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "stack/stack.hpp"
#include "tools/host_link.hpp"
#include "tools/link_options.hpp"
#include "tools/trace_file.hpp"
#include "tun/event_loop.hpp"
#include "tun/fd_device.hpp"

namespace sluice::tools {

class Host;

/// Which of the stacks that are one host (see sluice::shard_of()).
struct HostShard {
  ip::ShardSettings place = {};
  Host* first = nullptr;  ///< of every other one: who opened the device, and has the key and the capture
};

/// From the kernel inwards: TUN or TAP, bad link, capture (a HostLink for each interface), stack. So a capture shows
/// what the stack saw and sent.
class Host {
 public:
  /// Opens everything. Without the right to make a device, the process moves into a user and network namespace of its
  /// own first: in_own_namespace() tells. REQUIRES then that the process has one thread. Throws tun::Error.
  /// A further shard opens one more queue of the first one's device.
  Host(const LinkOptions& options, Role role, const HostShard& shard = {});
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  Stack& stack() noexcept { return *stack_; }
  tun::EventLoop& loop() noexcept { return *loop_; }
  /// By the number of the interface.
  std::vector<std::unique_ptr<HostLink>>& links() noexcept { return links_; }
  /// Of the first interface, as all that follow.
  lab::CaptureTap& tap() noexcept { return links_[0]->tap(); }
  const tun::FdDevice& device() const noexcept { return links_[0]->device(); }
  const std::vector<tun::AddressPair>& addresses() const noexcept { return links_[0]->addresses(); }
  TraceFile* trace() noexcept { return trace_ ? &*trace_ : nullptr; }
  const Key& key() const noexcept { return key_; }

  bool in_own_namespace() const noexcept { return links_[0]->in_own_namespace(); }
  /// Added to a Time gives nanoseconds since 1970.
  std::chrono::nanoseconds wall_offset() const noexcept { return wall_offset_; }
  /// Seconds since 1970, by the loop's clock.
  std::int64_t unix_time() const noexcept;

  /// The addresses that the stack may use now, which on a LAN come and go.
  std::vector<Prefix> own_addresses();
  /// What DHCP and routers named on any interface.
  std::vector<IpAddress> dns_servers();

  /// What passes the first interface, from now on into this file. Throws tun::Error.
  void start_capture(const std::string& path, std::uint64_t maximum_size, unsigned files);

 private:
  void make_stack(const LinkOptions& options, ip::ShardSettings shard);
  std::size_t maximum_frame();
  void await_addresses();
  bool has_addresses(const HostLink& link, InterfaceNumber number);
  Observer* make_observers(const LinkOptions& options);

  Key key_;
  std::chrono::nanoseconds wall_offset_;
  std::vector<std::unique_ptr<HostLink>> links_;
  std::optional<TraceFile> trace_;
  std::optional<lab::CaptureNotes> notes_;
  std::optional<Stack> stack_;
  std::optional<tun::EventLoop> loop_;
};

}  // namespace sluice::tools
