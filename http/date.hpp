// HTTP's dates (RFC 9110 5.6.7). Nobody here reads a clock: the caller says which second it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::http {

/// "Sun, 06 Nov 1994 08:49:37 GMT" for seconds since 1970 UTC. REQUIRES a year from 1 to 9999.
std::string format_date(std::int64_t unix_seconds);

/// Seconds since 1970 UTC, from that form or one of the two obsolete ones; nullopt when it is none of them.
/// A year of two digits means 1970 to 2069.
std::optional<std::int64_t> parse_date(std::string_view text);

}  // namespace sluice::http
