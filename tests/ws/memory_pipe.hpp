// Two byte streams tied to each other in memory, with as little room and as small pieces as a test likes.
#pragma once

#include <algorithm>
#include <vector>

#include "stack/base/byte_stream.hpp"

namespace sluice::ws::test {

/// One direction.
struct Lane {
  std::size_t capacity = 65536;
  std::size_t piece = 65536;  ///< peek() shows no more
  std::vector<std::uint8_t> bytes;
  std::uint64_t passed = 0;  ///< bytes ever consumed
  bool finished = false;
  bool broken = false;
};

class MemoryStream {
 public:
  MemoryStream(Lane& in, Lane& out) : in_(in), out_(out) {}

  MutableBytes peek() { return MutableBytes(in_.bytes).first(std::min(in_.bytes.size(), in_.piece)); }
  void consume(std::size_t count) {
    in_.passed += count;
    in_.bytes.erase(in_.bytes.begin(), in_.bytes.begin() + static_cast<std::ptrdiff_t>(count));
  }
  bool at_eof() const { return in_.finished && in_.bytes.empty(); }
  Result<std::size_t> write(Gather pieces) {
    if (error() != Errc::none) return error();
    ++writes;
    std::size_t taken = 0;
    for (const Bytes piece : pieces) {
      const std::size_t count = std::min(piece.size(), writable());
      out_.bytes.insert(out_.bytes.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(count));
      taken += count;
      if (count < piece.size()) break;
    }
    return taken;
  }
  std::size_t writable() const { return out_.capacity - std::min(out_.capacity, out_.bytes.size()); }
  void finish() { out_.finished = true; }
  void abort() { in_.broken = out_.broken = true; }
  Errc error() const { return in_.broken ? Errc::connection_reset : Errc::none; }

  int writes = 0;

 private:
  Lane& in_;
  Lane& out_;
};
static_assert(ByteStream<MemoryStream>);

struct MemoryPipe {
  Lane up;    ///< client to server
  Lane down;  ///< server to client
  MemoryStream client{down, up};
  MemoryStream server{up, down};
};

}  // namespace sluice::ws::test
