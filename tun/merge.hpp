// What a device with offloads does to packets of one flow that came together, in software: for plain devices.
#pragma once

#include <cstddef>
#include <cstdint>

#include "stack/base/packet.hpp"

namespace sluice::tun {

/// Decides which TCP packets become one super-segment: those that follow one another and differ in nothing but what
/// PieceHeads would write anew, so that cutting the whole gives exactly the packets that came. Their IPv4 ids count up,
/// their options (timestamps, too) and ECN fields are equal, and their checksums are right; PSH or a shorter text ends
/// it. Looks at packets and keeps headers only; where the text lies is its user's matter.
class Merge {
 public:
  /// A packet of less text is not worth a look at the next one.
  static constexpr std::size_t kLeastText = 512;
  /// Bytes of a packet's headers at most.
  static constexpr std::size_t kHeadRoom = 40 + 60;

  /// Whether others may join this IP packet; then the merge is open, and the packet's checksums were found right.
  bool begin(Bytes packet) noexcept;
  bool is_open() const noexcept { return head_size_ > 0; }

  /// Takes the next packet, its first head_size() bytes and what is behind them, if it continues the open one.
  bool join(Bytes head, Bytes text) noexcept;
  /// Nothing may join any more.
  bool is_ended() const noexcept { return ended_; }

  std::size_t head_size() const noexcept { return head_size_; }
  /// Bytes of all of it: one head and the text of each.
  std::size_t size() const noexcept { return head_size_ + text_; }
  /// Packets of the wire.
  std::size_t count() const noexcept { return count_; }

  /// Makes the first packet's headers those of the whole, and closes. REQUIRES packet.size() == size() and count() > 1.
  void finish(Packet& packet) noexcept;
  void close() noexcept { head_size_ = 0; }

 private:
  bool same_network(Bytes head, std::size_t size) const noexcept;
  bool same_transport(Bytes transport) const noexcept;

  std::uint8_t head_[kHeadRoom] = {};  // the first packet's
  std::size_t head_size_ = 0;
  std::size_t network_size_ = 0;
  std::size_t unit_ = 0;  // bytes of text in each but the last
  std::size_t text_ = 0;  // bytes so far
  std::size_t count_ = 0;
  bool push_ = false;
  bool ended_ = false;
};

}  // namespace sluice::tun
