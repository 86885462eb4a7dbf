// What a connection tells about itself: the fields that people know from tcp_info.
#pragma once

#include <cstddef>
#include <cstdint>

#include "stack/base/time.hpp"
#include "stack/tcp/ecn.hpp"
#include "stack/tcp/state.hpp"
#include "stack/wire/address.hpp"

namespace sluice::tcp {

/// How Fast Open went (RFC 7413).
enum class FastOpen : std::uint8_t {
  unused,
  avoided,     ///< it failed with this server lately: an ordinary handshake
  asked,       ///< SYN carries a cookie or asks for one; no answer yet
  answered,    ///< a cookie came, for the next time
  unanswered,  ///< the server gives no cookies
  accepted,    ///< text on the SYN was taken
  refused,     ///< it was not, and goes again
  timed_out,   ///< the SYN went again without
};

/// A snapshot. Bytes and nanoseconds; counts are since the connection opened.
struct Info {
  State state = State::closed;
  Endpoint local;
  Endpoint remote;
  Duration rto{};
  Duration srtt{};
  Duration rttvar{};
  Duration min_rtt{};
  std::uint32_t send_mss = 0;     ///< effective, RFC 9293 3.7.1
  std::uint32_t receive_mss = 0;  ///< the largest segment seen
  std::uint32_t cwnd = 0;
  std::uint32_t ssthresh = 0;
  std::uint32_t pipe = 0;  ///< bytes thought to be in the network
  std::uint32_t send_window = 0;
  std::uint32_t receive_window = 0;
  std::uint8_t send_scale = 0;
  std::uint8_t receive_scale = 0;
  bool sack = false;
  bool timestamps = false;
  bool window_scaling = false;
  EcnMode ecn = EcnMode::off;
  bool in_recovery = false;
  FastOpen fast_open = FastOpen::unused;
  std::uint8_t backoff = 0;     ///< consecutive timeouts of the oldest segment
  std::size_t unsent = 0;       ///< bytes queued and never sent
  std::size_t unacked = 0;      ///< bytes sent and not acknowledged
  std::size_t unread = 0;       ///< bytes that the application hasn't read
  std::size_t send_buffer = 0;  ///< as large as they are now, bytes
  std::size_t receive_buffer = 0;
  std::size_t path_mtu = 0;      ///< largest IP packet that text leaves in, bytes
  std::size_t memory = 0;        ///< bytes that this connection holds
  std::uint64_t bytes_sent = 0;  ///< text, with retransmissions
  std::uint64_t bytes_acked = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_retransmitted = 0;
  std::uint64_t segments_out = 0;
  std::uint64_t segments_in = 0;
  std::uint64_t retransmissions = 0;
  std::uint64_t ce_received = 0;     ///< segments that came with a CE mark
  std::uint64_t ecn_reductions = 0;  ///< of cwnd because of marks
};

}  // namespace sluice::tcp
