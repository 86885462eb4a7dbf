// XOR by 64-bit words in blocks that compilers turn into vector code.
#include "ws/mask.hpp"

#include <cassert>
#include <cstring>

namespace sluice::ws {
namespace {

using Word = std::uint64_t;
constexpr std::size_t kBlock = 64;

/// The key twice, as a word in memory order.
Word word_of(const MaskKey& key) noexcept {
  Word word = 0;
  std::memcpy(&word, key.data(), key.size());
  std::memcpy(reinterpret_cast<std::uint8_t*>(&word) + key.size(), key.data(), key.size());
  return word;
}

inline void mask_word(std::uint8_t* target, const std::uint8_t* source, Word key) noexcept {
  Word word;
  std::memcpy(&word, source, sizeof word);
  word ^= key;
  std::memcpy(target, &word, sizeof word);
}

/// The block is read wholly before it is written, so target may be source and vectors need no check for overlap.
inline void mask_block(std::uint8_t* target, const std::uint8_t* source, Word key) noexcept {
  std::array<Word, kBlock / sizeof(Word)> words;
  std::memcpy(words.data(), source, kBlock);
  for (Word& word : words) word ^= key;
  std::memcpy(target, words.data(), kBlock);
}

inline void mask_run(std::uint8_t* target, const std::uint8_t* source, std::size_t size, const MaskKey& key) noexcept {
  const Word word = word_of(key);
  std::size_t i = 0;
  for (; i + kBlock <= size; i += kBlock) mask_block(target + i, source + i, word);
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
