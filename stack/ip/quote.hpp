// What an IP header says of its packet when the rest may be cut off: in ICMP errors, and of packets that we report on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "stack/base/bytes.hpp"
#include "stack/wire/address.hpp"

namespace sluice::ip {

struct Ends {
  IpAddress source;
  IpAddress destination;
};
/// REQUIRES a packet that a parser accepted before, or that we wrote.
Ends ends_of(Bytes packet) noexcept;

struct Quote {
  Ends ends;
  std::uint8_t protocol = 0;
  std::size_t length = 0;  ///< of the whole packet, as its header says
  std::size_t at = 0;      ///< where the transport header begins
};
/// nullopt for another family, for what ends before its transport header, and for later fragments.
std::optional<Quote> parse_quote(Family family, Bytes bytes) noexcept;

}  // namespace sluice::ip
