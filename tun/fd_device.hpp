// A device that is a descriptor with one packet per read() and write(): a TUN, a TAP, or a datagram socket in tests.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "stack/base/buffer.hpp"
#include "tun/device.hpp"
#include "tun/fd.hpp"

namespace sluice::tun {

/// No offloads, no copies: packets are read into pooled buffers, frames leave by writev() of their pieces.
class FdDevice final : public Device {
 public:
  /// `fd` is non-blocking and keeps packet boundaries. `mtu` in bytes; longer packets are cut on reading, as the kernel
  /// does. `link_header`: bytes that a frame may have before its IP packet, as mtu() does not count them.
  FdDevice(Fd fd, std::size_t mtu, std::string name = {}, std::size_t link_header = 0);

  /// The interface's name, or what the maker gave.
  const std::string& name() const noexcept { return name_; }

  int fd() const noexcept override { return fd_.number(); }
  std::size_t mtu() const noexcept override { return mtu_; }
  void begin_turn(Time) noexcept override { full_ = false; }
  bool receive_batch(std::vector<Packet>& into) noexcept override;
  bool accept(const Frame& frame) noexcept override;
  bool full() const noexcept override { return full_; }
  Errc error() const noexcept override { return error_; }
  const Counters<DeviceCounter>& counters() const noexcept override { return counters_; }

 private:
  enum class Read { packet, nothing };
  Read read_one() noexcept;
  bool on_write_error(int error) noexcept;

  Fd fd_;
  std::size_t mtu_;
  std::size_t largest_frame_;  // bytes
  std::string name_;
  BufferPool pool_;
  Packet spare_;  // a buffer that the last read left empty
  Counters<DeviceCounter> counters_;
  std::vector<std::uint8_t> flat_;  // for frames of very many pieces
  Errc error_ = Errc::none;
  bool full_ = false;
};

}  // namespace sluice::tun
