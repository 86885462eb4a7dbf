// Bytes in hexadecimal, both ways.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stack/base/bytes.hpp"

namespace sluice::tools {

std::string hex_text(Bytes bytes);

/// Two digits a byte, blanks anywhere between bytes; nullopt for anything else.
std::optional<std::vector<std::uint8_t>> parse_hex(std::string_view text);

/// `text` with its control characters, those of C1 among them, as \xNN: what a peer says must not steer a terminal.
std::string printable(std::string_view text);

}  // namespace sluice::tools
