// What Linux's generic receive offload does to a batch of packets, in software: the other direction of
// tun/segmentation.
#pragma once

#include <vector>

#include "stack/base/packet.hpp"

namespace sluice::lab {

/// Makes one super-segment of consecutive TCP segments wherever Linux's GRO would (tcp_gro_receive in
/// net/ipv4/tcp_offload.c): of one flow, in order without a gap, with text, the same acknowledgment, options, TTL, TOS
/// and flow label, no flags but ACK, PSH, FIN and equal ECE; of equal size, the last may be shorter. PSH and FIN end
/// one. As there, the window is the first one's. IP packets without a link header; other packets, and those with a
/// wrong checksum, stay as they are. What has a right TCP or UDP checksum leaves with checksum_known_good.
std::vector<Packet> merged(std::vector<Packet> packets);

}  // namespace sluice::lab
