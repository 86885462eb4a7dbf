// zlib as permessage-deflate needs it: raw streams with a window, messages that end on a byte (RFC 7692 7.2).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "stack/base/bytes.hpp"
#include "ws/chunk_queue.hpp"
#include "ws/deflate_parameters.hpp"

struct z_stream_s;

namespace sluice::ws {

/// Effort and memory of the compressing side.
struct DeflateEffort {
  int level = 6;         ///< zlib's: 1 is fast, 9 is small
  int memory_level = 5;  ///< zlib's: 1 to 9; 5 takes 16 KiB beside the window's
};

/// The compressing side of one direction.
class Deflater {
 public:
  /// `bits` 8 to 15. Memory: 2^(bits + 2) + 2^(memory_level + 9) bytes and a few KiB.
  Deflater(std::uint8_t bits, const DeflateEffort& effort);
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  /// Compresses `piece` of a message; what comes of it so far goes to `out`, much may wait inside.
  void add(Bytes piece, ChunkQueue& out);
  /// Ends the message on a byte, its last four bytes left out (RFC 7692 7.2.1).
  void end(ChunkQueue& out);
  /// Forgets the window: the next message stands alone.
  void reset() noexcept;

  std::uint8_t bits() const noexcept { return bits_; }

 private:
  void run(Bytes input, int flush, ChunkQueue& out);

  std::unique_ptr<z_stream_s> stream_;
  std::uint8_t bits_;
};

/// The inflating side of one direction.
class Inflater {
 public:
  /// `bits` 8 to 15. Memory: 2^bits once a message came, and 7 KiB.
  explicit Inflater(std::uint8_t bits);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  struct Step {
    std::size_t used = 0;      ///< bytes of the input
    std::size_t produced = 0;  ///< bytes of the output
    bool failed = false;       ///< no DEFLATE, or a reference beyond the window: nothing may follow
  };
  /// Inflates what fits into `out`, which is not empty. Output that is full may mean more: call again, without input
  /// if need be.
  Step inflate(Bytes input, MutableBytes out) noexcept;
  /// The four bytes that every message was robbed of, as far as `out` has room; `done` says that all is out.
  struct End {
    std::size_t produced = 0;
    bool done = false;
    bool failed = false;  ///< the message does not end where a block does
  };
  End end(MutableBytes out) noexcept;
  void reset() noexcept;

  std::uint8_t bits() const noexcept { return bits_; }

 private:
  Step run(Bytes input, MutableBytes out, int flush) noexcept;

  std::unique_ptr<z_stream_s> stream_;
  std::uint8_t bits_;
  std::uint8_t tail_used_ = 0;  ///< of the four bytes
};

/// Streams between two messages, shared by the sessions of one thread: connections whose windows are not kept between
/// messages hold none. Keeps as many as were in use at once.
class DeflatePool {
 public:
  explicit DeflatePool(const DeflateEffort& effort = {}) noexcept : effort_(effort) {}

  /// As good as new.
  std::unique_ptr<Deflater> take_deflater(std::uint8_t bits);
  std::unique_ptr<Inflater> take_inflater(std::uint8_t bits);
  void give(std::unique_ptr<Deflater> deflater);
  void give(std::unique_ptr<Inflater> inflater);

 private:
  template <class Stream>
  using ByBits = std::array<std::vector<std::unique_ptr<Stream>>, 8>;

  DeflateEffort effort_;
  ByBits<Deflater> deflaters_;
  ByBits<Inflater> inflaters_;
};

/// Lets go of a stream between two messages: into `pool`, if there is one.
template <class Stream>
void give_back(std::unique_ptr<Stream>& stream, DeflatePool* pool) {
  if (stream && pool) pool->give(std::move(stream));
  stream.reset();
}

}  // namespace sluice::ws
