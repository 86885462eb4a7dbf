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

/// What is in flight, in segments as the peer sees them.
struct Segments {
  std::uint32_t unacked = 0;  ///< sent and not acknowledged
  std::uint32_t sacked = 0;   ///< of those: SACKed, or without SACK as many as duplicate ACKs came
  std::uint32_t lost = 0;     ///< of those: thought to be lost, and not resent since
  std::uint32_t resent = 0;   ///< of those: resent, and their fate is open
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
  Duration delayed_ack{};
  std::uint32_t send_mss = 0;     ///< effective, RFC 9293 3.7.1
  std::uint32_t receive_mss = 0;  ///< the largest segment seen
  std::uint32_t cwnd = 0;
  std::uint32_t ssthresh = 0;
  std::uint32_t pipe = 0;         ///< bytes thought to be in the network
  std::uint64_t sacked = 0;       ///< bytes in flight that the peer has out of order
  std::uint64_t lost = 0;         ///< bytes in flight that are thought to be lost
  std::uint64_t delivered = 0;    ///< bytes that arrived, by ACK or SACK
  std::uint64_t pacing_rate = 0;  ///< bytes per second; 0 = not paced
  std::uint32_t advertised_mss = 0;
  std::uint32_t send_window = 0;
  std::uint32_t receive_window = 0;
  std::uint8_t send_scale = 0;
  std::uint8_t receive_scale = 0;
  bool sack = false;
  bool timestamps = false;
  bool window_scaling = false;
  EcnMode ecn = EcnMode::off;
  bool in_recovery = false;
  bool after_timeout = false;  ///< with in_recovery: a timeout began it
  FastOpen fast_open = FastOpen::unused;
  std::uint8_t backoff = 0;     ///< consecutive timeouts of the oldest segment
  std::uint8_t doublings = 0;   ///< how often the RTO is doubled now
  std::uint8_t probes = 0;      ///< unanswered ones of a closed window or an idle line
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
