// A TCP segment without text, for tests that look at its numbers and flags alone.
#pragma once

#include <cstdint>
#include <vector>

#include "lab/exchange.hpp"

namespace sluice::test {

/// A whole IPv4 packet between two hosts.
inline std::vector<std::uint8_t> bare_segment(std::uint32_t seq, std::uint32_t ack, std::uint8_t flags) {
  static const Endpoint kFrom = *Endpoint::parse("10.0.0.1:40000"), kTo = *Endpoint::parse("10.0.0.2:80");
  lab::SegmentLine line;
  line.flags = flags;
  line.seq = seq;
  line.ack = ack;
  return lab::to_wire({{}, line}, {.source = kFrom, .destination = kTo}).value();
}

}  // namespace sluice::test
