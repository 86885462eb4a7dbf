// A running stack: the device with its middleware, the records, the loop. What serve, get, nc and ping have in common.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "lab/capture_tap.hpp"
#include "lab/impaired_device.hpp"
#include "stack/stack.hpp"
#include "tools/link_options.hpp"
#include "tools/trace_file.hpp"
#include "tun/event_loop.hpp"
#include "tun/fd_device.hpp"

namespace sluice::tools {

/// From the kernel inwards: TUN or TAP, bad link, capture, stack. So a capture shows what the stack saw and sent.
class Host {
 public:
  /// Opens everything. Without the right to make a device, the process moves into a user and network namespace of its
  /// own first: in_own_namespace() tells. REQUIRES then that the process has one thread. Throws tun::Error.
  Host(const LinkOptions& options, Role role);
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  Stack& stack() noexcept { return *stack_; }
  tun::EventLoop& loop() noexcept { return *loop_; }
  lab::CaptureTap& tap() noexcept { return *tap_; }
  const tun::FdDevice& device() const noexcept { return *device_; }
  lab::ImpairedDevice* impaired() noexcept { return impaired_ ? &*impaired_ : nullptr; }
  TraceFile* trace() noexcept { return trace_ ? &*trace_ : nullptr; }
  const Key& key() const noexcept { return key_; }

  const std::vector<tun::AddressPair>& addresses() const noexcept { return addresses_; }
  bool in_own_namespace() const noexcept { return in_own_namespace_; }
  /// Added to a Time gives nanoseconds since 1970.
  std::chrono::nanoseconds wall_offset() const noexcept { return wall_offset_; }
  /// Seconds since 1970, by the loop's clock.
  std::int64_t unix_time() const noexcept;

  /// The addresses that the stack may use now, which on a LAN come and go.
  std::vector<Prefix> own_addresses();

  /// From now on into this file. Throws tun::Error.
  void start_capture(const std::string& path, std::uint64_t maximum_size, unsigned files);

 private:
  void open_device(const LinkOptions& options, Role role);
  void await_addresses(const LinkOptions& options);
  Observer* make_observers(const LinkOptions& options);

  Key key_;
  std::chrono::nanoseconds wall_offset_;
  std::vector<tun::AddressPair> addresses_;
  bool in_own_namespace_ = false;
  bool tap_device_ = false;
  std::unique_ptr<tun::FdDevice> device_;
  std::optional<lab::ImpairedDevice> impaired_;
  std::optional<lab::CaptureTap> tap_;
  std::optional<TraceFile> trace_;
  std::optional<lab::CaptureNotes> notes_;
  std::optional<Stack> stack_;
  std::optional<tun::EventLoop> loop_;
};

}  // namespace sluice::tools
