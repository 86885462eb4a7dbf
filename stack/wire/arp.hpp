// An ARP packet for IPv4 on Ethernet (RFC 826): the only kind there is here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "stack/base/bytes.hpp"
#include "stack/wire/address.hpp"
#include "stack/wire/mac_address.hpp"
#include "stack/wire/parsed.hpp"

namespace sluice::wire::arp {

inline constexpr std::size_t kSize = 28;

enum class Operation : std::uint16_t { request = 1, reply = 2 };

struct Packet {
  Operation operation = Operation::request;
  MacAddress sender_mac;
  IpAddress sender;       ///< 0.0.0.0 in a probe (RFC 5227 2.1.1)
  MacAddress target_mac;  ///< zero in a request
  IpAddress target;
};

enum class Fault : std::uint8_t {
  truncated,
  wrong_kind,      ///< not Ethernet (1) and IPv4 (0x0800) with lengths 6 and 4
  wrong_operation  ///< neither request nor reply
};

/// The packet at the front of an Ethernet payload; padding behind it is ignored [R826-1].
Parsed<Packet, Fault> parse(Bytes payload) noexcept;

/// Writes 28 bytes. REQUIRES the room and IPv4 addresses.
std::size_t write(MutableBytes room, const Packet& packet) noexcept;

}  // namespace sluice::wire::arp
