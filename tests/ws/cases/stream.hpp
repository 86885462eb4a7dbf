// The byte stream between the judge and what is judged, in memory and without time.
#pragma once

#include <algorithm>
#include <vector>

#include "stack/base/byte_stream.hpp"

namespace sluice::ws::cases {

/// One direction.
class Lane {
 public:
  void put(Bytes bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  MutableBytes waiting() { return MutableBytes(bytes_).subspan(head_); }
  void take(std::size_t count) {
    head_ += count;
    if (head_ < bytes_.size()) return;
    bytes_.clear();
    head_ = 0;
  }
  std::size_t size() const { return bytes_.size() - head_; }

  bool finished = false;
  bool aborted = false;

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t head_ = 0;
};

/// The end that is judged. It sees pieces and room as TCP would give them, so that long messages need many turns.
class Stream {
 public:
  Stream(Lane& in, Lane& out) : in_(in), out_(out) {}

  MutableBytes peek() { return in_.waiting().first(std::min(in_.size(), kPiece)); }
  void consume(std::size_t count) { in_.take(count); }
  bool at_eof() const { return in_.finished && in_.size() == 0; }
  Result<std::size_t> write(Gather pieces) {
    std::size_t taken = 0;
    for (const Bytes piece : pieces) {
      const std::size_t count = std::min(piece.size(), writable());
      out_.put(piece.first(count));
      taken += count;
      if (count < piece.size()) break;
    }
    return taken;
  }
  std::size_t writable() const { return kRoom - std::min(kRoom, out_.size()); }
  void finish() { out_.finished = true; }
  void abort() { out_.aborted = true; }
  Errc error() const { return Errc::none; }

 private:
  static constexpr std::size_t kPiece = 64u << 10;
  static constexpr std::size_t kRoom = 256u << 10;

  Lane& in_;
  Lane& out_;
};
static_assert(ByteStream<Stream>);

}  // namespace sluice::ws::cases
