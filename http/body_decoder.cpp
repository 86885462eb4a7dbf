// The small machine behind chunked bodies: CR LF only, bare sizes, bounded extensions and trailers.
#include "http/body_decoder.hpp"

#include <algorithm>

namespace sluice::http {
namespace {

constexpr int hex_digit(std::uint8_t byte) noexcept {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  return -1;
}

constexpr bool is_control(std::uint8_t byte) noexcept { return (byte < 0x20 && byte != '\t') || byte == 0x7F; }

}  // namespace

BodyDecoder BodyDecoder::with_length(std::uint64_t length) noexcept {
  return BodyDecoder(length == 0 ? State::done : State::length, length);
}

BodyDecoder BodyDecoder::chunked() noexcept { return BodyDecoder(State::size_first, 0); }

BodyDecoder BodyDecoder::until_close() noexcept { return BodyDecoder(State::until_close, 0); }

BodyDecoder::Step BodyDecoder::decode(Bytes bytes) noexcept {
  std::size_t framing = 0;
  while (framing < bytes.size()) {
    switch (state_) {
      case State::done:
      case State::refused: return {framing, {}};
      case State::length:
      case State::until_close:
      case State::data: {
        const Step content = take_content(bytes.subspan(framing));
        return {framing + content.consumed, content.content};
      }
      default: framing_byte(bytes[framing++]);
    }
  }
  return {framing, {}};
}

BodyDecoder::Step BodyDecoder::take_content(Bytes bytes) noexcept {
  if (state_ == State::until_close) return {bytes.size(), bytes};
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), remaining_));
  remaining_ -= count;
  if (remaining_ == 0) state_ = state_ == State::length ? State::done : State::data_cr;
  return {count, bytes.first(count)};
}

void BodyDecoder::framing_byte(std::uint8_t byte) noexcept {
  switch (state_) {
    case State::size_first:
    case State::size: return size_byte(byte);
    case State::extension: return skip_byte(byte, kExtensionLimit, State::size_lf);
    case State::size_lf:
      if (remaining_ == 0) skipped_ = 0;  // from here on trailers are counted
      return expect(byte, '\n', remaining_ == 0 ? State::trailer_start : State::data);
    case State::data_cr: return expect(byte, '\r', State::data_lf);
    case State::data_lf: digits_ = 0; return expect(byte, '\n', State::size_first);
    case State::trailer_start:
      if (byte == '\r') return expect(byte, '\r', State::last_lf);
      state_ = State::trailer;
      [[fallthrough]];
    case State::trailer: return skip_byte(byte, kTrailerLimit, State::trailer_lf);
    case State::trailer_lf: return expect(byte, '\n', State::trailer_start);
    case State::last_lf: return expect(byte, '\n', State::done);
    default: return;
  }
}

void BodyDecoder::size_byte(std::uint8_t byte) noexcept {
  const int digit = hex_digit(byte);
  if (digit >= 0) {
    if (++digits_ > 16) return refuse(400, "a chunk size over 64 bits");
    remaining_ = remaining_ << 4 | static_cast<std::uint64_t>(digit);
    state_ = State::size;
    return;
  }
  if (state_ == State::size_first) return refuse(400, "a chunk without size");
  if (byte == ';') {
    state_ = State::extension;
    return;
  }
  if (byte != '\r') return refuse(400, "a malformed chunk size");
  state_ = State::size_lf;
}

/// What is skipped must still be a line: no controls in it, CR only before LF.
void BodyDecoder::skip_byte(std::uint8_t byte, std::size_t limit, State behind) noexcept {
  if (byte == '\r') {
    state_ = behind;
    return;
  }
  if (is_control(byte)) return refuse(400, "a control byte between chunks");
  if (++skipped_ > limit) refuse(behind == State::trailer_lf ? 431 : 400, "too much around the chunks");
}

void BodyDecoder::expect(std::uint8_t byte, std::uint8_t expected, State next) noexcept {
  if (byte != expected) return refuse(400, "a chunk's line does not end in CR LF");
  state_ = next;
}

void BodyDecoder::refuse(int status, std::string_view reason) noexcept {
  refusal_ = {status, reason};
  state_ = State::refused;
}

}  // namespace sluice::http
