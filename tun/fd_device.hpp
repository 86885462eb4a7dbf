// A device that is a descriptor with one packet per read() and write(): a TUN, a TAP, or a datagram socket in tests.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stack/base/buffer.hpp"
#include "tun/device.hpp"
#include "tun/fd.hpp"
#include "tun/frame_cut.hpp"
#include "tun/merge.hpp"
#include "tun/virtio_header.hpp"

namespace sluice::tun {

/// A packet on its way into the kernel.
struct PacketOut {
  std::span<const iovec> pieces;
  std::size_t lent = 0;         ///< so many pieces, the first ones, are valid during the call only
  std::span<const Slice> body;  ///< in which the others lie
  std::size_t size = 0;         ///< bytes of IP packet
  bool super = false;           ///< stands for several on the wire
};

/// Packets are read into pooled buffers, frames leave by writev() of their pieces: no copies, but of small packets with
/// offloads. There one of up to 64 KiB passes by one call, and a small one pins no more memory. Without, a
/// super-segment is cut here, just before its packets are written, and packets of one TCP flow that wait one behind the
/// other are merged into one where the kernel would have: the stack works once for all of them.
class FdDevice : public Device {
 public:
  /// `fd` is non-blocking and keeps packet boundaries. `mtu` in bytes; longer packets are cut on reading, as the kernel
  /// does. `link_header`: bytes that a frame may have before its IP packet, as mtu() does not count them.
  FdDevice(Fd fd, std::size_t mtu, std::string name = {}, std::size_t link_header = 0);
  /// Each packet has a VirtioHeader before it, both ways; `granted` is what may be said there, nothing at worst.
  FdDevice(Fd fd, std::size_t mtu, std::string name, const Offloads& granted);

  /// The interface's name, or what the maker gave.
  const std::string& name() const noexcept { return name_; }

  int fd() const noexcept override { return fd_.number(); }
  std::size_t mtu() const noexcept override { return mtu_; }
  Offloads offloads() const noexcept override { return offloads_; }
  void begin_turn(Time now) noexcept override;
  bool receive_batch(std::vector<Packet>& into) noexcept override;
  bool accept(const Frame& frame) noexcept override;
  bool full() const noexcept override { return full_; }
  Errc error() const noexcept override { return error_; }
  const Counters<DeviceCounter>& counters() const noexcept override { return counters_; }

 protected:
  /// Gives one packet to the kernel, and counts it. False: there is no room now, the packet must come again.
  virtual bool write_packet(const PacketOut& packet) noexcept;
  /// What became of a packet that the kernel did not take, from errno: false as write_packet().
  bool on_write_error(int error) noexcept;
  void count_out(std::size_t size, bool super) noexcept;
  /// The device is of no use any more.
  void fail() noexcept { error_ = Errc::io_error; }

 private:
  enum class Read { packet, joined, dropped, nothing };
  Read read_one() noexcept;
  Read read_with_header() noexcept;
  Read read_behind(std::vector<Packet>& into) noexcept;
  bool may_join() const noexcept;
  Packet merged() noexcept;
  void close_merge(std::vector<Packet>& into) noexcept;
  Read judge(const VirtioHeader& header) noexcept;
  Packet taken(std::size_t size);
  Read on_read_error(std::ptrdiff_t size) noexcept;
  bool fits(const Frame& frame, std::size_t size) const noexcept;
  bool write_frame(Bytes before, const Frame& frame, std::size_t size) noexcept;
  bool accept_whole(const Frame& frame, std::size_t size) noexcept;
  bool accept_cut(const Frame& frame) noexcept;
  bool write_cut() noexcept;

  Fd fd_;
  std::size_t mtu_;
  std::size_t largest_frame_;  // bytes
  std::string name_;
  BufferPool pool_;
  Offloads offloads_;
  bool has_header_ = false;
  Packet spare_;  // without offloads: a buffer that the last read left empty
  Packet rest_;   // with offloads: a buffer for whatever comes; without: for packets that are merged
  Packet read_;   // what read_one() found
  Merge merge_;
  Packet open_;  // the packet that others may join: merge_ is open
  Counters<DeviceCounter> counters_;
  FrameCut cut_;                    // the packets that are left of a super-segment
  std::vector<std::uint8_t> flat_;  // for frames of very many pieces
  Errc error_ = Errc::none;
  bool full_ = false;
};

}  // namespace sluice::tun
