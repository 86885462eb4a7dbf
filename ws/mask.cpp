// XOR by blocks of vectors, then words, then bytes.
#include "ws/mask.hpp"

#include <cassert>
#include <cstring>

namespace sluice::ws {
namespace {

/// Sixteen bytes that the compiler keeps in one register where there is one, at every optimisation level.
using Vector = std::uint64_t __attribute__((vector_size(16)));
constexpr std::size_t kBlock = 4 * sizeof(Vector);

template <class Word>
inline Word load(const std::uint8_t* bytes) noexcept {
  Word word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

template <class Word>
inline void mask_word(std::uint8_t* target, const std::uint8_t* source, Word key) noexcept {
  const Word word = load<Word>(source) ^ key;
  std::memcpy(target, &word, sizeof word);
}

/// The key twice, as a word in memory order.
inline std::uint64_t word_of(const MaskKey& key) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, key.data(), key.size());
  std::memcpy(reinterpret_cast<std::uint8_t*>(&word) + key.size(), key.data(), key.size());
  return word;
}

/// Everything is read before anything is written, so target may be source.
inline void mask_block(std::uint8_t* target, const std::uint8_t* source, Vector key) noexcept {
  const Vector a = load<Vector>(source) ^ key;
  const Vector b = load<Vector>(source + 16) ^ key;
  const Vector c = load<Vector>(source + 32) ^ key;
  const Vector d = load<Vector>(source + 48) ^ key;
  std::memcpy(target, &a, sizeof a);
  std::memcpy(target + 16, &b, sizeof b);
  std::memcpy(target + 32, &c, sizeof c);
  std::memcpy(target + 48, &d, sizeof d);
}

inline void mask_run(std::uint8_t* target, const std::uint8_t* source, std::size_t size, const MaskKey& key) noexcept {
  const std::uint64_t word = word_of(key);
  const Vector vector = {word, word};
  std::size_t i = 0;
  for (; i + kBlock <= size; i += kBlock) mask_block(target + i, source + i, vector);
  for (; i + sizeof word <= size; i += sizeof word) mask_word(target + i, source + i, word);
  for (; i < size; ++i) target[i] = static_cast<std::uint8_t>(source[i] ^ key[i & 3]);
}

}  // namespace

void apply_mask(MutableBytes bytes, const MaskKey& key) noexcept {
  mask_run(bytes.data(), bytes.data(), bytes.size(), key);
}

void copy_masked(MutableBytes target, Bytes source, const MaskKey& key) noexcept {
  assert(target.size() == source.size());
  mask_run(target.data(), source.data(), source.size(), key);
}

}  // namespace sluice::ws
