// What the log of what is in flight is made of.
#pragma once

#include <cstdint>

#include "stack/base/time.hpp"
#include "stack/tcp/seq.hpp"

namespace sluice::tcp {

/// One emitted frame, or a part of it. It begins where its predecessor ends (the first at the log's begin()).
struct SentRange {
  Seq end{};
  Time sent_at{};  ///< of the latest transmission
  // For rate samples, as things stood when it left (draft-ietf-ccwg-bbr 4.1.1.2.2).
  Time first_sent_at{};          ///< when the newest of what had been delivered was sent
  Time delivered_at{};           ///< when `delivered` had last grown
  std::uint64_t delivered = 0;   ///< bytes delivered on the connection
  std::uint32_t lost_count = 0;  ///< bytes marked lost on the connection, modulo 2^32
  std::uint32_t in_flight = 0;   ///< pipe with it, bytes
  std::uint32_t sacked_run = 0;  ///< SACKed: this range and so many less one after it are known to be SACKed
  bool sacked : 1 = false;
  bool lost : 1 = false;         ///< marked, and not resent since
  bool resent : 1 = false;       ///< transmitted more than once
  bool app_limited : 1 = false;  ///< the application had held the sender back
  bool piece : 1 = false;        ///< cut off its predecessor at a SACK's edge
};

}  // namespace sluice::tcp
