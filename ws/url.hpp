// ws: and wss: addresses (RFC 6455 3).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "stack/base/result.hpp"

namespace sluice::ws {

struct Url {
  bool secure = false;       ///< wss
  std::string host;          ///< a name, an IPv4 address, or an IPv6 address without brackets
  std::uint16_t port = 80;   ///< 80 for ws and 443 for wss unless given
  std::string target = "/";  ///< path and query

  /// What the Host field says: brackets around IPv6, the port unless it is the default one.
  std::string authority() const;
};

/// Errc::malformed for another scheme, a fragment, a user name, an empty host, port 0 or no port behind a colon,
/// and bytes that no address has.
Result<Url> parse_url(std::string_view text);

}  // namespace sluice::ws
