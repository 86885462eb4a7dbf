// Bodies on their way in: where the content lies among the received bytes, and where it ends.
#pragma once

#include <cstdint>

#include "http/head_parser.hpp"
#include "stack/base/bytes.hpp"

namespace sluice::http {

/// Cuts content out of the stream in place; copies nothing and keeps no bytes.
class BodyDecoder {
 public:
  /// What may stand around the content of a chunked body, in bytes over the whole body.
  static constexpr std::size_t kExtensionLimit = 16384;
  static constexpr std::size_t kTrailerLimit = 8192;

  static BodyDecoder none() noexcept { return with_length(0); }
  static BodyDecoder with_length(std::uint64_t length) noexcept;
  static BodyDecoder chunked() noexcept;
  /// Of responses only: the content lasts until the connection ends (RFC 9112 6.3 rule 8).
  static BodyDecoder until_close() noexcept;

  struct Step {
    std::size_t consumed = 0;  ///< bytes that are done with, the content among them
    Bytes content;             ///< one run of content, inside the bytes given; may be empty
  };
  /// Takes from the front of `bytes` up to the end of one run of content, or to the body's end. Consumes
  /// nothing once done() or refused. Progress is certain for non-empty bytes before that.
  Step decode(Bytes bytes) noexcept;

  bool done() const noexcept { return state_ == State::done; }
  /// Set when the coding is broken: nothing after it can be trusted.
  const Refusal& refusal() const noexcept { return refusal_; }
  /// True when the connection's end is the body's proper end.
  bool ends_with_connection() const noexcept { return state_ == State::until_close; }
  /// Bytes of content still to come as far as known now: exact with a length, the rest of this chunk when
  /// chunked.
  std::uint64_t remaining() const noexcept { return remaining_; }
  /// True when remaining() is all that will come.
  bool length_known() const noexcept { return state_ == State::length || state_ == State::done; }

 private:
  enum class State : std::uint8_t {
    length,       // remaining_ bytes, then done
    until_close,  // all bytes are content
    size_first,   // the first digit of a chunk's size
    size,         // more digits, ';' or CR
    extension,    // skipped up to CR
    size_lf,      // the LF that ends the size line
    data,         // remaining_ bytes of this chunk
    data_cr,      // CR LF behind a chunk's data
    data_lf,
    trailer_start,  // a trailer line's first byte, or the CR of the last empty line
    trailer,        // skipped up to CR
    trailer_lf,
    last_lf,  // the LF that ends the body
    done,
    refused,
  };

  explicit BodyDecoder(State state, std::uint64_t remaining) noexcept : remaining_(remaining), state_(state) {}

  Step take_content(Bytes bytes) noexcept;
  void framing_byte(std::uint8_t byte) noexcept;
  void size_byte(std::uint8_t byte) noexcept;
  void skip_byte(std::uint8_t byte, std::size_t limit, State behind) noexcept;
  void expect(std::uint8_t byte, std::uint8_t expected, State next) noexcept;
  void refuse(int status, std::string_view reason) noexcept;

  std::uint64_t remaining_ = 0;
  std::size_t skipped_ = 0;  ///< of extensions, then of trailers
  unsigned digits_ = 0;      ///< of the size that is being read
  Refusal refusal_;
  State state_ = State::done;
};

}  // namespace sluice::http
