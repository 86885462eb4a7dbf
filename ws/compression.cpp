// Streams come and go with messages where no window is kept.
#include "ws/compression.hpp"

#include <array>
#include <utility>

namespace sluice::ws {

Compression::~Compression() { give_back(deflater_, settings_.deflate_pool); }

void Compression::add(Bytes piece, ChunkQueue& out) {
  if (piece.empty()) return;
  empty_ = false;
  DeflatePool* pool = settings_.deflate_pool;
  if (!deflater_)
    deflater_ =
        pool ? pool->take_deflater(window_.bits) : std::make_unique<Deflater>(window_.bits, settings_.deflate_effort);
  deflater_->add(piece, out);
}

void Compression::end(ChunkQueue& out) {
  if (std::exchange(empty_, true)) {
    constexpr std::array<std::uint8_t, 1> kEmptyBlock = {0x00};
    return out.write(kEmptyBlock);  // RFC 7692 7.2.3.6: what is left of an empty block without its last four bytes
  }
  deflater_->end(out);
  if (!window_.takeover) give_back(deflater_, settings_.deflate_pool);
}

}  // namespace sluice::ws
