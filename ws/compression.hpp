// Our compressed messages, one after the other (RFC 7692 7.2.1).
#pragma once

#include <memory>

#include "stack/base/bytes.hpp"
#include "ws/chunk_queue.hpp"
#include "ws/deflate.hpp"
#include "ws/deflate_parameters.hpp"
#include "ws/settings.hpp"

namespace sluice::ws {

/// Between messages it holds a window if we keep one, and nothing else.
class Compression {
 public:
  /// `settings` outlives it; `window` is ours.
  Compression(const DeflateWindow& window, const Settings& settings) noexcept : settings_(settings), window_(window) {}
  ~Compression();
  Compression(const Compression&) = delete;
  Compression& operator=(const Compression&) = delete;

  /// Compresses `piece` of the message; much of it may wait inside until end().
  void add(Bytes piece, ChunkQueue& out);
  /// Ends the message: what waited goes to `out`, the next add() begins another.
  void end(ChunkQueue& out);

 private:
  const Settings& settings_;
  DeflateWindow window_;
  bool empty_ = true;  ///< nothing of the message came yet
  std::unique_ptr<Deflater> deflater_;
};

}  // namespace sluice::ws
