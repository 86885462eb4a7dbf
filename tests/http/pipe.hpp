// Two ends of a stream in memory, with bounded room and a cut size: what sessions are driven over in tests.
#pragma once

#include <algorithm>
#include <string>

#include "stack/base/byte_stream.hpp"

namespace sluice::http::testing {

/// One direction: bytes wait at the reader.
struct Lane {
  std::string bytes;
  std::size_t capacity = 1 << 20;
  bool finished = false;
};

/// One end of a connection; models ByteStream. peek() shows at most `cut` bytes at once.
class PipeEnd {
 public:
  PipeEnd(Lane& in, Lane& out) : in_(&in), out_(&out) {}

  MutableBytes peek() {
    auto* data = reinterpret_cast<std::uint8_t*>(in_->bytes.data());
    return {data, std::min(in_->bytes.size(), cut)};
  }
  void consume(std::size_t count) { in_->bytes.erase(0, count); }
  bool at_eof() const { return in_->finished && in_->bytes.empty(); }
  Result<std::size_t> write(Gather pieces) {
    if (error_ != Errc::none) return error_;
    if (out_->finished) return Errc::connection_closing;
    std::size_t taken = 0;
    for (Bytes piece : pieces) {
      const Bytes fits = piece.first(std::min(piece.size(), writable()));
      out_->bytes += as_text(fits);
      taken += fits.size();
      if (fits.size() < piece.size()) break;
    }
    ++writes;
    return taken;
  }
  std::size_t writable() const { return out_->capacity - std::min(out_->capacity, out_->bytes.size()); }
  void finish() { out_->finished = true; }
  void abort() {
    aborted = true;
    error_ = Errc::connection_aborted;
  }
  Errc error() const { return error_; }

  void fail(Errc error) { error_ = error; }

  std::size_t cut = 1 << 20;
  std::size_t writes = 0;
  bool aborted = false;

 private:
  Lane* in_;
  Lane* out_;
  Errc error_ = Errc::none;
};

/// Both lanes and their ends.
struct Pipe {
  Lane up, down;  ///< to the server, to the client
  PipeEnd server{up, down};
  PipeEnd client{down, up};
};

static_assert(ByteStream<PipeEnd>);

}  // namespace sluice::http::testing
