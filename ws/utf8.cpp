// Whole runs are simdjson's; a small automaton does short runs and what straddles an edge.
#include "ws/utf8.hpp"

#include <simdjson.h>
#include <cstring>

namespace sluice::ws {
namespace {

constexpr std::uint8_t kInvalid = 0xff;
/// Below this many bytes the automaton is as fast.
constexpr std::size_t kLongRun = 32;

constexpr bool continues(std::uint8_t byte) noexcept { return (byte & 0xc0) == 0x80; }

/// Bytes of the sequence that a lead byte promises, itself included; 1 for what is no lead byte.
constexpr std::size_t promised(std::uint8_t byte) noexcept {
  if (byte >= 0xf0) return 4;
  if (byte >= 0xe0) return 3;
  return byte >= 0xc0 ? 2 : 1;
}

/// How many of the last bytes begin a sequence that does not end here: 0 to 3.
std::size_t open_tail(Bytes text) noexcept {
  for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const std::uint8_t byte = text[text.size() - back];
    if (!continues(byte)) return promised(byte) > back ? back : 0;
  }
  return 0;
}

}  // namespace

// RFC 3629 section 4: the second byte's range excludes overlong forms, surrogates and what lies beyond U+10FFFF.
bool Utf8Validator::lead(std::uint8_t byte) noexcept {
  if (byte < 0x80) return true;
  if (byte < 0xc2 || byte > 0xf4) return false;
  missing_ = static_cast<std::uint8_t>(promised(byte) - 1);
  if (byte == 0xe0) low_ = 0xa0;
  if (byte == 0xed) high_ = 0x9f;
  if (byte == 0xf0) low_ = 0x90;
  if (byte == 0xf4) high_ = 0x8f;
  return true;
}

bool Utf8Validator::step(std::uint8_t byte) noexcept {
  if (missing_ == 0) return lead(byte);
  if (byte < low_ || byte > high_) return false;
  --missing_;
  low_ = 0x80;
  high_ = 0xbf;
  return true;
}

bool Utf8Validator::feed_short(Bytes piece) noexcept {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  std::size_t i = 0;
  while (i < piece.size()) {
    std::uint64_t word = kHighBits;
    if (missing_ == 0 && piece.size() - i >= sizeof word) std::memcpy(&word, piece.data() + i, sizeof word);
    if ((word & kHighBits) == 0) {
      i += sizeof word;
      continue;
    }
    if (!step(piece[i++])) {
      missing_ = kInvalid;
      return false;
    }
  }
  return true;
}

bool Utf8Validator::feed(Bytes piece) noexcept {
  if (missing_ == kInvalid) return false;
  if (piece.size() < kLongRun) return feed_short(piece);
  const std::size_t head = missing_;
  if (!feed_short(piece.first(head))) return false;
  piece = piece.subspan(head);
  const Bytes run = piece.first(piece.size() - open_tail(piece));
  if (!simdjson::validate_utf8(as_text(run).data(), run.size())) {
    missing_ = kInvalid;
    return false;
  }
  return feed_short(piece.subspan(run.size()));
}

bool is_utf8(Bytes text) noexcept {
  Utf8Validator validator;
  return validator.feed(text) && validator.complete();
}

}  // namespace sluice::ws
