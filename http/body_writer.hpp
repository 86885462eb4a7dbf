// A body that is written bit by bit: in chunks, or up to a size that was promised.
#pragma once

#include <cstdint>
#include <optional>

#include "http/outbox.hpp"

namespace sluice::http {

/// How a message's StreamedBody goes into an outbox (RFC 9112 7.1).
class BodyWriter {
 public:
  /// With a size the bytes go out bare; without, in chunks, or bare until the connection ends when `chunks` is false.
  void start(std::optional<std::uint64_t> size, bool chunks) noexcept {
    left_ = size;
    chunking_ = !size && chunks;
  }
  /// REQUIRES non-empty bytes, and no more than the size that start() was given.
  void write(Outbox& out, Bytes bytes);
  /// False when bytes are missing: the message must not look whole then.
  [[nodiscard]] bool finish(Outbox& out);

 private:
  std::optional<std::uint64_t> left_;
  bool chunking_ = false;
};

}  // namespace sluice::http
