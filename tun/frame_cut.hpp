// A super-segment on its way into a device that takes only wire packets: heads of its own, text where it lies.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "stack/base/packet.hpp"
#include "tun/segmentation.hpp"

namespace sluice::tun {

/// The wire packets that one frame with checksum_partial stands for, in order, as what writev() takes. Text is summed,
/// never copied; headers are written anew for each. Serves frames without a link header.
class FrameCut {
 public:
  FrameCut() = default;
  FrameCut(const FrameCut&) = delete;  // it shows memory of its own
  FrameCut& operator=(const FrameCut&) = delete;

  /// Pieces of memory that one wire packet consists of at most.
  static constexpr std::size_t kMaximumPieces = 64;

  /// Begins with a frame's first packet. The frame outlives the cut, or keep() is called while it lives. False: the
  /// frame's headers are not what they should be, and there is nothing to cut.
  bool begin(const Frame& frame);

  /// There is no packet (left).
  bool done() const noexcept { return packet_size_ == 0; }
  /// The packet that stands now, valid until next(). REQUIRES !done().
  std::span<const iovec> packet() const noexcept { return {pieces_.data(), count_}; }
  std::size_t packet_size() const noexcept { return packet_size_; }
  /// In which the packet's text lies.
  std::span<const Slice> text() const noexcept {
    return shown_.first(shown_.size() - body_.size() + (offset_ > 0 ? 1 : 0));
  }
  /// Whether this is the frame's first packet.
  bool at_first() const noexcept { return first_; }
  /// On to the next packet. REQUIRES !done().
  void next();

  /// Holds what is left: references to the text, a copy of the headers.
  void keep();
  /// Forgets what is left.
  void drop() noexcept;

 private:
  void make();
  void add(Bytes run);

  static constexpr std::size_t kHeadRoom = 192;

  PieceHeads heads_;
  Bytes head_;                    // of the whole
  std::span<const Slice> body_;   // from the slice on in which the next packet's text begins
  std::size_t offset_ = 0;        // in that slice
  std::span<const Slice> shown_;  // from the slice on in which this packet's text begins
  std::vector<Slice> kept_body_;  // what body_ shows after keep()
  std::array<std::uint8_t, kHeadRoom> kept_head_{};
  std::array<std::uint8_t, kHeadRoom> packet_head_{};
  std::array<iovec, kMaximumPieces> pieces_{};
  std::size_t count_ = 0;               // of pieces_
  std::size_t packet_size_ = 0;         // bytes
  bool first_ = false;                  // whether it is
  std::vector<std::uint8_t> together_;  // the rest of a packet of very many pieces
};

}  // namespace sluice::tun
