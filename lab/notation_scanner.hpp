// The cursor with which the notation is read: like ByteReader, it fails once and for all, so grammars read straight on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lab/notation.hpp"

namespace sluice::lab {

/// Spaces and tabs between tokens don't matter. After a failure every read gives nothing.
class NotationScanner {
 public:
  explicit NotationScanner(std::string_view text) noexcept : text_(text) {}

  bool ok() const noexcept { return !error_; }
  const NotationError& error() const noexcept { return *error_; }
  /// The first failure counts. `at`: where, in characters from the start of the text; nullopt = here.
  void fail(std::string message, std::optional<std::size_t> at = std::nullopt);

  /// The next token begins here (spaces are skipped); also for fail().
  std::size_t position() noexcept;
  bool at_end() noexcept;
  /// The next character without taking it; 0 at the end.
  char peek() noexcept;
  /// Takes `token` if it comes next. A token that ends like a word is not taken from the front of a longer word.
  bool accept(std::string_view token) noexcept;
  /// The same, and fails if it doesn't.
  bool expect(std::string_view token);
  /// Letters, digits and underscores, beginning with a letter; "" if none comes next.
  std::string_view word() noexcept;
  /// The characters up to the next space or one of `stops`.
  std::string_view run(std::string_view stops) noexcept;
  /// The next character, space or not, taken; 0 at the end.
  char raw() noexcept { return ok() && at_ < text_.size() ? text_[at_++] : '\0'; }
  /// Goes on at this position, which is not before the present one.
  void skip_to(std::size_t position) noexcept { at_ = position; }
  /// The character before this position was no space, and neither is the next.
  bool adjacent() const noexcept;

  /// A decimal or 0x number, at most `maximum`; 0 after a failure.
  std::uint64_t number(std::uint64_t maximum, std::string_view what);
  /// A sequence number: also negative, modulo 2^32.
  std::uint32_t sequence(std::string_view what);
  /// An even count of hexadecimal digits after an optional "0x".
  std::vector<std::uint8_t> hex(std::size_t maximum_bytes);

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  std::optional<NotationError> error_;
};

/// The rest of a packet line; the scanner stands behind it afterwards.
PacketLine scan_packet(NotationScanner& in);

}  // namespace sluice::lab
