// A byte stream that takes counted memory without a copy, and how a writer serves both kinds of streams.
#pragma once

#include <concepts>
#include <cstddef>

#include "stack/base/buffer.hpp"
#include "stack/base/byte_stream.hpp"

namespace sluice {

/// A ByteStream with one call more. write(shared): queues as many of the first bytes as fit without copying them, and
/// says how many; they must never change again, and their memory lives until the peer has acknowledged them.
template <class S>
concept SharedStream = ByteStream<S> && requires(S stream, const Slice& shared) {
  { stream.write(shared) } -> std::same_as<Result<std::size_t>>;
};

/// Writes `pieces` in order and says how many bytes were taken. `memory_of(i)` is the counted memory of piece i, or
/// empty: then the piece is the writer's own and is copied. An error means that nothing was taken.
template <ByteStream Stream, class MemoryOf>
Result<std::size_t> write_pieces(Stream& stream, Gather pieces, const MemoryOf& memory_of) {
  if constexpr (!SharedStream<Stream>) {
    return stream.write(pieces);
  } else {
    std::size_t taken = 0;
    for (std::size_t i = 0; i < pieces.size();) {
      const Slice memory = memory_of(i);
      std::size_t end = i + 1;
      while (memory.empty() && end < pieces.size() && memory_of(end).empty()) ++end;
      const Gather run = pieces.subspan(i, end - i);
      const Result<std::size_t> written = memory.empty() ? stream.write(run) : stream.write(memory);
      if (!written && taken == 0) return written.error();
      taken += written.value_or(0);
      if (written.value_or(0) < gather_size(run)) break;
      i = end;
    }
    return taken;
  }
}

}  // namespace sluice
