// A packet of which a capture kept only the front (tcpdump -s), made whole again as far as headers tell.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "stack/base/bytes.hpp"

namespace sluice::lab {

/// The IP packet with zeros in the place of its last `missing` bytes, link padding not counted in, and the checksum of
/// its TCP, UDP or ICMP made to match. nullopt when the headers up to the transport's are not there whole, or don't
/// fit.
std::optional<std::vector<std::uint8_t>> filled(Bytes packet, std::size_t missing);

}  // namespace sluice::lab
