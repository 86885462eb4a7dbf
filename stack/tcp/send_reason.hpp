// Why a segment leaves, and which clause says so: shown by traces, captures, tests and pictures.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::tcp {

enum class SendReason : std::uint8_t {
  none,
  open,               ///< SYN of an active OPEN
  open_again,         ///< SYN after its timeout
  accept_open,        ///< SYN,ACK
  accept_open_again,  ///< SYN,ACK after its timeout or for a repeated SYN
  syn_cookie,         ///< SYN,ACK instead of a half-open record
  fast_open,          ///< SYN with text
  new_data,
  override_small,   ///< less than a full segment after the silly-window override
  finish,           ///< FIN alone
  fast_retransmit,  ///< third duplicate ACK
  partial_ack,      ///< the next hole without SACK
  rack_loss,        ///< a lost range by time
  tail_loss_probe,  ///< the end of the flight wasn't acknowledged for two round trips
  timeout,          ///< after the retransmission timer
  mtu_probe,        ///< text in a packet larger than what is known to pass
  window_probe,
  keep_alive,
  delayed_ack,     ///< the delay is over
  second_segment,  ///< two full segments arrived
  quick_ack,       ///< the first segments of a connection, or after a gap
  gap,             ///< out-of-order text arrived, or a gap shrank
  window_update,
  handshake_ack,        ///< the ACK of a SYN,ACK
  finish_ack,           ///< the ACK of a FIN
  unacceptable,         ///< a segment outside the window
  challenge,            ///< RFC 5961
  paws,                 ///< an old timestamp
  ecn_feedback,         ///< CE marks to tell of
  abort,                ///< RST by the application or a timer
  reset_stalled,        ///< RST for a peer that doesn't read, when memory is short
  reset_no_connection,  ///< RST for a segment that belongs to nobody
  reset_bad_ack,        ///< RST for an ACK of something never sent, before the connection is synchronized
  reset_mixed_ecn,      ///< RST for SYNs that ask for both kinds of ECN
  reset_late_data,      ///< RST for text after close()
};

/// snake_case.
std::string_view name(SendReason reason) noexcept;
/// "RFC 9293 3.8.6.1" and so on.
std::string_view clause(SendReason reason) noexcept;
/// The reason of this name in a few words for people; empty when there is none of this name.
std::string_view sentence(std::string_view reason) noexcept;

}  // namespace sluice::tcp
