// What TCP, UDP and ICMPv6 checksums cover besides their own bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "stack/base/checksum.hpp"
#include "stack/wire/address.hpp"

namespace sluice::wire {

/// The sum over the pseudo-header of RFC 9293 3.1 (IPv4) or RFC 8200 8.1 (IPv6), to go on with the transport's bytes.
/// `length` is the transport header and its data, bytes. REQUIRES addresses of one family.
ChecksumSum pseudo_header(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                          std::size_t length) noexcept;

}  // namespace sluice::wire
