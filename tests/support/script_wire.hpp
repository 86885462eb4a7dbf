// What scripts do with packets as bytes: cut super-segments, and ask libtins for a second opinion.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stack/base/packet.hpp"

namespace sluice::test {

/// The packets that a frame stands for: one, or, of a super-segment, those that a device would cut it into, each with
/// its own numbers, flags, lengths, IPv4 identification and checksums.
std::vector<std::vector<std::uint8_t>> cut(const Frame& frame);

/// Makes the checksums of an IP packet with TCP right again after a test has tampered with it.
void mend_checksums(std::vector<std::uint8_t>& packet);

/// What libtins sees otherwise than we do in a TCP or UDP packet that we emitted: checksums, lengths, fields, options.
/// Empty = it agrees.
std::string disagreement(Bytes packet);

}  // namespace sluice::test
