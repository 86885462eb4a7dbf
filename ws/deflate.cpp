// The only place that knows zlib.
#include "ws/deflate.hpp"

#include <zlib.h>

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <utility>

namespace sluice::ws {
namespace {

/// What a sender leaves out at the end of each message, and a receiver puts back (RFC 7692 7.2.1 and 7.2.2): an empty
/// stored block.
constexpr std::array<std::uint8_t, 4> kTail = {0x00, 0x00, 0xff, 0xff};

/// The most that zlib's 32-bit counts are asked to take at once.
constexpr std::size_t kMaxInput = std::size_t{1} << 30;

/// zlib can't write with a window of 256 bytes, but with one of 512 it never refers back further than 512 - 262.
int writing_bits(std::uint8_t bits) noexcept { return std::max<int>(bits, 9); }

std::size_t place(std::uint8_t bits) noexcept { return std::size_t{bits} - 8; }

void require(int result) noexcept {
  if (result != Z_OK) std::abort();  // no memory: sessions have no way on without it
}

void set_input(z_stream& stream, Bytes input) noexcept {
  stream.next_in = const_cast<Bytef*>(input.data());  // zlib's type; it only reads
  stream.avail_in = static_cast<uInt>(input.size());
}

void set_output(z_stream& stream, MutableBytes out) noexcept {
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
}

template <class Stream>
std::unique_ptr<Stream> take_last(std::vector<std::unique_ptr<Stream>>& kept) {
  std::unique_ptr<Stream> taken = std::move(kept.back());
  kept.pop_back();
  return taken;
}

}  // namespace

// --- out ---

Deflater::Deflater(std::uint8_t bits, const DeflateEffort& effort) : stream_(new z_stream{}), bits_(bits) {
  assert(bits >= 8 && bits <= 15);
  require(deflateInit2(stream_.get(), effort.level, Z_DEFLATED, -writing_bits(bits), effort.memory_level,
                       Z_DEFAULT_STRATEGY));
}

Deflater::~Deflater() { deflateEnd(stream_.get()); }

void Deflater::run(Bytes input, int flush, ChunkQueue& out) {
  set_input(*stream_, input);
  do {
    const MutableBytes room = out.claim(ChunkQueue::kMaxClaim);
    set_output(*stream_, room);
    deflate(stream_.get(), flush);
    out.remove_back(stream_->avail_out);
  } while (stream_->avail_out == 0);
}

void Deflater::add(Bytes piece, ChunkQueue& out) {
  while (!piece.empty()) {
    const std::size_t size = std::min(piece.size(), kMaxInput);
    run(piece.first(size), Z_NO_FLUSH, out);
    piece = piece.subspan(size);
  }
}

void Deflater::end(ChunkQueue& out) {
  run({}, Z_SYNC_FLUSH, out);
  out.remove_back(kTail.size());
}

void Deflater::reset() noexcept { deflateReset(stream_.get()); }

// --- in ---

Inflater::Inflater(std::uint8_t bits) : stream_(new z_stream{}), bits_(bits) {
  assert(bits >= 8 && bits <= 15);
  require(inflateInit2(stream_.get(), -bits));
}

Inflater::~Inflater() { inflateEnd(stream_.get()); }

/// A final block ends a stream of zlib's, not the message: what follows goes on with the same window (RFC
/// 7692 7.2.3.4).
Inflater::Step Inflater::run(Bytes input, MutableBytes out, int flush) noexcept {
  set_input(*stream_, input);
  set_output(*stream_, out);
  int result = Z_OK;
  do {
    result = ::inflate(stream_.get(), flush);
    if (result == Z_STREAM_END) inflateResetKeep(stream_.get());
  } while (result == Z_STREAM_END && stream_->avail_in > 0 && stream_->avail_out > 0);
  const bool fine = result == Z_OK || result == Z_BUF_ERROR || result == Z_STREAM_END;
  return {input.size() - stream_->avail_in, out.size() - stream_->avail_out, !fine};
}

Inflater::Step Inflater::inflate(Bytes input, MutableBytes out) noexcept {
  assert(!out.empty());
  return run(input.first(std::min(input.size(), kMaxInput)), out, Z_SYNC_FLUSH);
}

/// Block by block, to see that the last one is at its end when the input is.
Inflater::End Inflater::end(MutableBytes out) noexcept {
  End result;
  while (tail_used_ < kTail.size()) {
    const MutableBytes room = out.subspan(result.produced);
    if (room.empty()) return result;
    const Step step = run(Bytes(kTail).subspan(tail_used_), room, Z_BLOCK);
    tail_used_ = static_cast<std::uint8_t>(tail_used_ + step.used);
    result.produced += step.produced;
    result.failed = step.failed || (step.used == 0 && step.produced == 0);
    if (result.failed) return result;
  }
  constexpr int kAtBlockEnd = 128;
  result.failed = (stream_->data_type & kAtBlockEnd) == 0;
  result.done = true;
  tail_used_ = 0;
  return result;
}

void Inflater::reset() noexcept {
  tail_used_ = 0;
  inflateReset(stream_.get());
}

// --- the pool ---

std::unique_ptr<Deflater> DeflatePool::take_deflater(std::uint8_t bits) {
  auto& kept = deflaters_[place(bits)];
  return kept.empty() ? std::make_unique<Deflater>(bits, effort_) : take_last(kept);
}

std::unique_ptr<Inflater> DeflatePool::take_inflater(std::uint8_t bits) {
  auto& kept = inflaters_[place(bits)];
  return kept.empty() ? std::make_unique<Inflater>(bits) : take_last(kept);
}

void DeflatePool::give(std::unique_ptr<Deflater> deflater) {
  deflater->reset();
  deflaters_[place(deflater->bits())].push_back(std::move(deflater));
}

void DeflatePool::give(std::unique_ptr<Inflater> inflater) {
  inflater->reset();
  inflaters_[place(inflater->bits())].push_back(std::move(inflater));
}

}  // namespace sluice::ws
