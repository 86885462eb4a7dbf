// The pseudo-header's words, added without being written anywhere.
#include "stack/wire/pseudo_header.hpp"

#include <cassert>

namespace sluice::wire {
namespace {

void add_address(ChecksumSum& sum, const IpAddress& address) noexcept {
  if (address.is_v6()) return sum.add(address.bytes());
  const std::uint32_t number = address.v4_number();
  sum.add_word(static_cast<std::uint16_t>(number >> 16));
  sum.add_word(static_cast<std::uint16_t>(number));
}

}  // namespace

ChecksumSum pseudo_header(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                          std::size_t length) noexcept {
  assert(source.family() == destination.family());
  ChecksumSum sum;
  add_address(sum, source);
  add_address(sum, destination);
  // IPv6 spells the length in 32 bits and the protocol in a word of its own: the same sum.
  sum.add_word(static_cast<std::uint16_t>(length >> 16));
  sum.add_word(static_cast<std::uint16_t>(length));
  sum.add_word(protocol);
  return sum;
}

}  // namespace sluice::wire
