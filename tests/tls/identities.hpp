// Certificates for tests: an authority and who it vouches for, all at a fixed time.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "http/tls/identity.hpp"

namespace sluice::tls::test {

inline constexpr std::int64_t kToday = 1'750'000'000;  ///< 2025-06-15
inline constexpr std::int64_t kYear = 365 * 86400;

inline Identity make_identity(std::vector<std::string> hosts, const Identity* issuer = nullptr,
                              bool authority = false) {
  return issue({.hosts = std::move(hosts),
                .from = kToday - kYear,
                .until = kToday + kYear,
                .authority = authority,
                .issuer = issuer});
}

/// Made once: keys cost time.
inline const Identity& authority() {
  static const Identity made = make_identity({"Test Authority"}, nullptr, true);
  return made;
}

/// For server.example, *.wild.example, 10.0.0.2 and 2001:db8::2, signed by authority().
inline const Identity& server() {
  static const Identity made =
      make_identity({"server.example", "*.wild.example", "10.0.0.2", "2001:db8::2"}, &authority());
  return made;
}

}  // namespace sluice::tls::test
