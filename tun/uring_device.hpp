// The same descriptor as FdDevice, by way of io_uring: many packets with one system call.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "tun/fd_device.hpp"

namespace sluice::tun {

/// How packets come in.
enum class UringReads : std::uint8_t { calls, batch, multishot, deferred };

/// Frames wait for flush() and leave by one system call, 64 at most; they keep what they refer to until then. A frame
/// that the kernel has no room for stays in order and is offered again in the next turn. One thread makes all calls
/// after the constructor, and it may be another one.
class UringDevice final : public FdDevice {
 public:
  /// As FdDevice. Throws Error: not_supported without io_uring in the kernel or in this build.
  UringDevice(Fd fd, std::size_t mtu, std::string name = {}, std::size_t link_header = 0);
  UringDevice(Fd fd, std::size_t mtu, std::string name, const Offloads& granted);
  ~UringDevice();

  /// Why no UringDevice can be made here, or an empty text.
  static std::string complaint();

  int fd() const noexcept override;
  void begin_turn(Time now) noexcept override;
  bool receive_batch(std::vector<Packet>& into) noexcept override;
  bool accept(const Frame& frame) noexcept override;
  void flush() noexcept override;

 private:
  bool receive_by_batch(std::vector<Packet>& into) noexcept;
  Packet room_for_any();
  bool receive_by_multishot(std::vector<Packet>& into) noexcept;

  struct Writes;
  struct Reads;
  struct Multishot;
  std::unique_ptr<Writes> writes_;
  std::unique_ptr<Reads> reads_;
  std::unique_ptr<Multishot> multishot_;
};

}  // namespace sluice::tun
