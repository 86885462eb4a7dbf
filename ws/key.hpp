// The two values that prove that both sides speak WebSocket: Sec-WebSocket-Key and -Accept (RFC 6455 1.3).
#pragma once

#include <string>
#include <string_view>

#include "stack/base/bytes.hpp"
#include "stack/base/random.hpp"

namespace sluice::ws {

/// With padding, on one line (RFC 4648 4).
std::string base64(Bytes bytes);

/// A new key: 16 random bytes in base64 [WS-4.1-9].
std::string make_key(Random& random);

/// True for base64, as an encoder writes it, of exactly 16 bytes [WS-4.2.1-6].
bool is_key(std::string_view text) noexcept;

/// What the server answers to `key`: base64 of the SHA-1 of the key and the protocol's GUID (RFC 6455 4.2.2).
std::string accept_for(std::string_view key);

}  // namespace sluice::ws
