// The independent eye on what we keep: libtins must understand every packet of the golden captures.
#include <doctest/doctest.h>
#include <tins/tins.h>

#include "tests/support/golden.hpp"

namespace sluice::test {
namespace {

std::unique_ptr<Tins::PDU> dissect(Bytes packet) {
  const auto size = static_cast<std::uint32_t>(packet.size());
  if (packet[0] >> 4 == 4) return std::make_unique<Tins::IP>(packet.data(), size);
  return std::make_unique<Tins::IPv6>(packet.data(), size);
}

/// libtins sums anew when it writes: the same bytes come out only if ours were right.
void expect_same_bytes(Tins::PDU& pdu, Bytes packet) {
  const Tins::PDU::serialization_type written = pdu.serialize();
  CHECK(std::equal(written.begin(), written.end(), packet.begin(), packet.end()));
}

bool is_fragment(const Tins::PDU& pdu) {
  const auto* v4 = pdu.find_pdu<Tins::IP>();
  if (v4) return v4->is_fragmented();
  return pdu.rfind_pdu<Tins::IPv6>().search_header(Tins::IPv6::FRAGMENT) != nullptr;
}

TEST_CASE("libtins reads each packet of the golden captures and writes the same bytes, checksums included") {
  std::size_t seen = 0;
  for (const Golden& golden : goldens()) {
    CAPTURE(golden.name);
    for (const lab::CapturedPacket& packet : load_golden(golden.name).packets) {
      const auto pdu = dissect(packet.bytes);
      ++seen;
      if (is_fragment(*pdu)) continue;  // its checksum is that of the whole datagram
      const bool known = pdu->find_pdu<Tins::TCP>() || pdu->find_pdu<Tins::UDP>() || pdu->find_pdu<Tins::ICMP>() ||
                         pdu->find_pdu<Tins::ICMPv6>();
      CHECK(known);
      expect_same_bytes(*pdu, packet.bytes);
    }
  }
  CHECK(seen > 250);
}

}  // namespace
}  // namespace sluice::test
