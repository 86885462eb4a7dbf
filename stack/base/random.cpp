// SipHash-2-4 and the ChaCha20 block function, and the keys derived with them.
#include "stack/base/random.hpp"

#include <bit>

namespace sluice {
namespace {

using Words = std::array<std::uint32_t, 16>;

std::uint32_t little32(const std::uint8_t* bytes) noexcept {
  return std::uint32_t{bytes[0]} | std::uint32_t{bytes[1]} << 8 | std::uint32_t{bytes[2]} << 16 |
         std::uint32_t{bytes[3]} << 24;
}

std::uint64_t little64(const std::uint8_t* bytes) noexcept {
  return little32(bytes) | std::uint64_t{little32(bytes + 4)} << 32;
}

void quarter_round(Words& w, unsigned a, unsigned b, unsigned c, unsigned d) noexcept {
  w[a] += w[b], w[d] = std::rotl(w[d] ^ w[a], 16);
  w[c] += w[d], w[b] = std::rotl(w[b] ^ w[c], 12);
  w[a] += w[b], w[d] = std::rotl(w[d] ^ w[a], 8);
  w[c] += w[d], w[b] = std::rotl(w[b] ^ w[c], 7);
}

// State words 12-13 count blocks; 14-15 hold use and stream, so that no two streams share a block.
Words initial_state(const Key& key, KeyUse use, std::uint64_t stream) noexcept {
  Words w{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  for (unsigned i = 0; i < 8; ++i) w[4 + i] = little32(key.data() + 4 * i);
  w[13] = static_cast<std::uint32_t>(stream >> 32);
  w[14] = static_cast<std::uint32_t>(use);
  w[15] = static_cast<std::uint32_t>(stream);
  return w;
}

struct SipState {
  std::uint64_t v0, v1, v2, v3;

  void round() noexcept {
    v0 += v1, v1 = std::rotl(v1, 13) ^ v0, v0 = std::rotl(v0, 32);
    v2 += v3, v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3, v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1, v1 = std::rotl(v1, 17) ^ v2, v2 = std::rotl(v2, 32);
  }
  void absorb(std::uint64_t word) noexcept {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
};

}  // namespace

namespace detail {

// Twenty rounds, then the input is added.
Words chacha20_block(const Words& input) noexcept {
  Words w = input;
  for (int round = 0; round < 10; ++round) {
    for (unsigned i = 0; i < 4; ++i) quarter_round(w, i, 4 + i, 8 + i, 12 + i);
    for (unsigned i = 0; i < 4; ++i) quarter_round(w, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
  }
  for (unsigned i = 0; i < 16; ++i) w[i] += input[i];
  return w;
}

std::uint64_t siphash24(std::uint64_t k0, std::uint64_t k1, Bytes input) noexcept {
  SipState sip{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573};
  std::size_t at = 0;
  for (; at + 8 <= input.size(); at += 8) sip.absorb(little64(input.data() + at));
  std::uint64_t last = std::uint64_t{input.size() & 0xff} << 56;
  for (unsigned shift = 0; at < input.size(); ++at, shift += 8) last |= std::uint64_t{input[at]} << shift;
  sip.absorb(last);
  sip.v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) sip.round();
  return sip.v0 ^ sip.v1 ^ sip.v2 ^ sip.v3;
}

}  // namespace detail

KeyedHash::KeyedHash(const Key& key, KeyUse use) noexcept {
  // Stream 2^64-1 is never handed out by Random's callers: these words serve as the hash key only.
  const Words w = detail::chacha20_block(initial_state(key, use, ~std::uint64_t{0}));
  k0_ = w[0] | std::uint64_t{w[1]} << 32;
  k1_ = w[2] | std::uint64_t{w[3]} << 32;
}

std::uint64_t KeyedHash::operator()(Bytes input) const noexcept { return detail::siphash24(k0_, k1_, input); }

Random::Random(const Key& key, KeyUse use, std::uint64_t stream) noexcept : state_(initial_state(key, use, stream)) {}

void Random::refill() noexcept {
  block_ = detail::chacha20_block(state_);
  ++state_[12];
  next_ = 0;
}

std::uint32_t Random::u32() noexcept {
  if (next_ == block_.size()) refill();
  return block_[next_++];
}

std::uint32_t Random::below(std::uint32_t bound) noexcept {
  assert(bound > 0);
  // Draw again below the remainder of 2^32 / bound, so that every value is equally likely.
  const std::uint32_t threshold = (0u - bound) % bound;
  for (;;) {
    const std::uint32_t draw = u32();
    if (draw >= threshold) return draw % bound;
  }
}

void Random::fill(MutableBytes bytes) noexcept {
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(u32());
}

}  // namespace sluice
