// What crosses the border of the stack: a Packet comes in, a Frame goes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "stack/base/buffer.hpp"
#include "stack/base/bytes.hpp"

namespace sluice {

/// Which interface of the stack, counted from 0.
using InterfaceNumber = std::uint8_t;
/// Of packets that we sent ourselves, and that no device has seen.
inline constexpr InterfaceNumber kLoopback = 255;

/// The ECN field of an IP header (RFC 3168 section 5).
enum class Ecn : std::uint8_t { not_ect = 0, ect1 = 1, ect0 = 2, ce = 3 };

/// How many wire segments carry `text` bytes, `unit` of them each. REQUIRES unit > 0.
constexpr std::size_t segments_of(std::size_t text, std::size_t unit) noexcept { return (text + unit - 1) / unit; }

/// One received IP packet, or a super-segment of up to 64 KiB that stands for several. Move-only: whoever holds it owns
/// it.
class Packet {
 public:
  /// Room that a device leaves before the IP header (a virtio-net header or an Ethernet header fits).
  static constexpr std::size_t kHeadroom = 64;

  Packet() noexcept = default;
  explicit Packet(Slice slice) noexcept : slice_(std::move(slice)) {}
  Packet(Packet&&) noexcept = default;
  Packet& operator=(Packet&&) noexcept = default;
  Packet(const Packet&) = delete;
  Packet& operator=(const Packet&) = delete;

  /// An empty buffer of `size` bytes after the headroom, to be filled and then trimmed with resize().
  static Packet with_room(BufferPool& pool, std::size_t size) {
    return Packet(Slice(pool.take(kHeadroom + size), kHeadroom, size));
  }
  static Packet copy_of(BufferPool& pool, Bytes bytes) {
    Packet packet = with_room(pool, bytes.size());
    if (!bytes.empty()) std::memcpy(packet.bytes().data(), bytes.data(), bytes.size());
    return packet;
  }

  /// Another one like it, marks and all.
  Packet copy(BufferPool& pool) const {
    Packet packet = copy_of(pool, bytes());
    packet.take_marks(*this);
    return packet;
  }
  /// The same in memory that no pool waits for, so that another thread may free it.
  Packet copy() const {
    Packet packet(Slice(Buffer::allocate(kHeadroom + size()), kHeadroom, size()));
    ByteWriter(packet.bytes()).bytes(bytes());
    packet.take_marks(*this);
    return packet;
  }

  MutableBytes bytes() noexcept { return slice_.mutable_bytes(); }
  Bytes bytes() const noexcept { return slice_.bytes(); }
  std::size_t size() const noexcept { return slice_.size(); }
  bool empty() const noexcept { return slice_.empty(); }
  /// Trims to the first `size` bytes. REQUIRES size <= this->size().
  void resize(std::size_t size) noexcept { slice_.remove_back(slice_.size() - size); }

  /// Takes a header off. REQUIRES count <= this->size().
  void remove_front(std::size_t count) noexcept { slice_.remove_front(count); }

  /// A part of the bytes that keeps the buffer alive: how text moves into a receive queue without a copy.
  Slice part(std::size_t offset, std::size_t size) const noexcept { return slice_.part(offset, size); }
  /// Memory that this packet pins, bytes.
  std::size_t footprint() const noexcept { return slice_.buffer().capacity(); }

  InterfaceNumber interface = 0;  ///< that it came in by
  /// From now on it stands for the segments that `text` bytes are cut into every `unit` bytes. REQUIRES text > unit.
  void stand_for(std::size_t text, std::uint16_t unit) noexcept {
    gso_size = unit;
    segment_count = static_cast<std::uint16_t>(segments_of(text, unit));
  }

  bool link_group = false;           ///< came in a frame to many: multicast or broadcast of the link
  bool checksum_known_good = false;  ///< the device vouches for the transport checksum
  std::uint16_t gso_size = 0;        ///< not 0: a super-segment whose text is cut every gso_size bytes
  std::uint16_t segment_count = 1;   ///< how many wire segments this packet stands for

 private:
  void take_marks(const Packet& other) noexcept {
    interface = other.interface;
    link_group = other.link_group;
    checksum_known_good = other.checksum_known_good;
    gso_size = other.gso_size;
    segment_count = other.segment_count;
  }

  Slice slice_;
};

/// One frame on its way out: headers just written, then spans into chunks. Valid only during FrameSink::accept();
/// a sink that keeps the body copies the Slices (a reference each), so that an ACK can't free the memory.
struct Frame {
  Bytes head;                          ///< link, IP and transport headers; the sink copies them if it keeps them
  std::span<const Slice> body;         ///< the payload, in order
  std::uint16_t gso_size = 0;          ///< not 0: the device (or software) cuts the body every gso_size bytes
  std::uint16_t transport_offset = 0;  ///< where in head the TCP or UDP header begins
  bool checksum_partial = false;       ///< the transport checksum field holds only the pseudo-header sum

  std::size_t size() const noexcept {
    std::size_t total = head.size();
    for (const Slice& piece : body) total += piece.size();
    return total;
  }
  /// All of it as one run, in a block of its own.
  Slice copy() const {
    Slice whole(Buffer::allocate(size()), 0, size());
    ByteWriter writer(whole.mutable_bytes());
    writer.bytes(head);
    for (const Slice& piece : body) writer.bytes(piece.bytes());
    return whole;
  }
};

/// Where frames go. accept() answers true = taken, false = full: the stack then changes nothing and offers it again
/// later.
class FrameSink {
 public:
  virtual bool accept(const Frame& frame) noexcept = 0;

 protected:
  ~FrameSink() = default;
};

/// A FrameSink made of any callable `bool(const Frame&) noexcept`.
template <class F>
class SinkOf final : public FrameSink {
 public:
  explicit SinkOf(F function) : function_(std::move(function)) {}
  bool accept(const Frame& frame) noexcept override { return function_(frame); }

 private:
  F function_;
};

}  // namespace sluice
