// A connection in SYN-RECEIVED that a listener began, as a record: a SYN flood buys 96 bytes a SYN, not a connection.
#pragma once

#include <cstdint>

#include "stack/base/slot_map.hpp"
#include "stack/base/time.hpp"

namespace sluice::tcp {

/// Everything that a thawed Connection needs to go on; the 4-tuple is the key under which the record lies.
/// Whatever happens to a half-open connection happens to a thawed one, so both answer alike.
struct HalfOpen {
  SlotId listener;         ///< whose settings the connection has
  Time deadline = kNever;  ///< when SYN,ACK goes again
  Time sent_at{};          ///< when SYN,ACK first left, for the first RTT sample
  Time next_challenge_at{};
  std::uint32_t iss = 0;
  std::uint32_t irs = 0;
  std::uint32_t ts_recent = 0;
  std::uint16_t peer_mss = 0;
  std::uint16_t window = 0;  ///< of the SYN: never scaled
  std::uint8_t send_scale = 0;
  std::uint8_t receive_scale = 0;
  std::uint8_t backoff = 0;
  bool sack : 1 = false;
  bool scaling : 1 = false;
  bool timestamps : 1 = false;
  std::uint8_t ecn : 2 = 0;       ///< EcnMode
  std::uint8_t syn_mark : 2 = 0;  ///< Ecn of the latest SYN
  bool ecn_mute : 1 = false;      ///< text won't leave as ECT
  bool syn_repeated : 1 = false;
};
static_assert(sizeof(HalfOpen) <= 96);

}  // namespace sluice::tcp
