// Exchanges as text: packets with times and directions, a line each. The script tool builds its statements on top.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lab/notation.hpp"
#include "lab/notation_scanner.hpp"
#include "stack/base/time.hpp"

namespace sluice::lab {

/// When a line happens: "0.250", "+.1", "0.1~0.2", "+0~+.5" (seconds), or "*".
struct When {
  enum class Kind : std::uint8_t { absolute, relative, anytime };
  Kind kind = Kind::relative;
  Duration earliest{};  ///< since the start of the exchange, or since the line before
  Duration latest{};    ///< the same as earliest unless a range was written

  bool is_range() const noexcept { return earliest != latest; }
  friend bool operator==(const When&, const When&) = default;
};

/// "+0.1 < S 0:0(0) win 65535".
struct ExchangeLine {
  When when;
  bool inbound = true;  ///< "<": the peer sends; ">": the stack under test is expected to
  PacketLine packet;
  std::size_t line = 1;  ///< in the text, counted from 1

  friend bool operator==(const ExchangeLine&, const ExchangeLine&) = default;
};

When scan_when(NotationScanner& in);
/// "12.5", ".5" or "12": a run of characters that the scanner has already cut out; `at`: where it began.
Duration scan_seconds(NotationScanner& in, std::string_view text, std::size_t at);

/// One line.
NotationResult<ExchangeLine> parse_line(std::string_view text);
/// Lines of packets; empty ones, and what follows "//" or "#", don't count.
NotationResult<std::vector<ExchangeLine>> parse_exchange(std::string_view text);

std::string to_text(const When& when);
std::string to_text(const ExchangeLine& line);

/// Seconds without needless zeros: "0", "0.25", "61.000001".
std::string seconds_text(Duration time);

}  // namespace sluice::lab
