// Settings of the TCP layer, of a listener and of a connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "stack/base/time.hpp"
#include "stack/congestion/controller.hpp"
#include "stack/wire/address.hpp"

namespace sluice::tcp {

using namespace std::chrono_literals;

/// What happens when a socket is closed with text still to send (POSIX SO_LINGER).
struct Linger {
  bool on = false;
  Duration timeout = 0s;  ///< 0 with on: abort (RST). Else: RST when the text isn't acknowledged by then
};

struct KeepAlive {
  bool on = false;        ///< [9293 MUST-25]
  Duration idle = 7200s;  ///< [9293 MUST-28]
  Duration interval = 75s;
  std::uint8_t probes = 9;  ///< unanswered ones before the connection ends [9293 MUST-29]
  friend bool operator==(const KeepAlive&, const KeepAlive&) = default;
};

/// Explicit Congestion Notification (RFC 3168, RFC 9768).
enum class EcnPolicy : std::uint8_t {
  off,
  passive,  ///< agreed to when the peer's SYN asks
  active,   ///< our SYN asks too
};

enum class CongestionControl : std::uint8_t {
  reno,   ///< RFC 5681
  cubic,  ///< RFC 9438 with HyStart++ (RFC 9406)
  bbr,    ///< draft-ietf-ccwg-bbr, version 3
};
using congestion::EcnResponse;

/// When packets larger than those known to pass are tried (RFC 8899, RFC 4821). It takes SACK.
enum class PathMtuProbing : std::uint8_t {
  off,            ///< nor are packets made smaller when they seem to vanish for their size
  on_black_hole,  ///< after full-sized packets stopped arriving, and went on in smaller ones
  always,         ///< from the base size of 1200 bytes upward, ICMP or not
};

/// Where a buffer begins that is sized by itself, bytes.
inline constexpr std::size_t kInitialBuffer = 256 * 1024;

/// Per connection; may be changed at any time. Buffers are bytes, 2 KiB .. 1 GiB; one of size 0 follows the speed of
/// the connection, from 256 KiB up to its maximum (0 = it stays there), and not while memory is short.
struct Options {
  bool no_delay = false;        ///< Nagle off [9293 MUST-17]
  bool cork = false;            ///< less than a full segment waits for more, a FIN, or 200 ms with nothing in flight
  std::size_t send_buffer = 0;  ///< 0: twice the congestion window
  std::size_t send_buffer_maximum = 4 << 20;
  std::size_t receive_buffer = 0;                ///< 0: twice what is read in a round trip
  std::size_t receive_buffer_maximum = 6 << 20;  ///< the largest buffer at open decides the window scale
  std::uint16_t maximum_segment =
      0;  ///< bytes without options: offered when opening, and kept to; 0 = what fits the path
  std::size_t unsent_low_water = 0;    ///< writable only while less than this is unsent, bytes; 0 = no such limit
  std::uint8_t hop_limit = 0;          ///< 0 = the IP layer's default [9293 MUST-49]
  std::uint8_t dscp = 0;               ///< 0..63 [9293 MUST-48]
  EcnPolicy ecn = EcnPolicy::passive;  ///< [9293 SHLD-8]; counts when the connection opens
  bool accurate_ecn = false;           ///< with ecn: RFC 9768's feedback where the peer has it too
  KeepAlive keep_alive = {};
  Linger linger = {};
  Duration user_timeout = 0s;            ///< 0 = R2 by count of retransmissions (RFC 9293 3.8.3) [9293 MUST-21]
  Duration user_timeout_advertise = 0s;  ///< ADV_UTO (RFC 5482): told to the peer, whose own is followed unless
                                         ///< user_timeout is set; whole seconds or minutes; 0 = the option is off
  std::uint8_t syn_retries = 0;          ///< of an active OPEN; 0 = Config's
  Duration fin_wait_2 = 0s;              ///< after close(); 0 = Config's
  PathMtuProbing path_mtu_probing = PathMtuProbing::on_black_hole;
  bool report_soft_errors = true;                   ///< [9293 SHLD-20]
  bool pacing = false;                              ///< of Reno and CUBIC; read when the connection is established
  EcnResponse ecn_response = EcnResponse::classic;  ///< likewise
};

/// Whether SYNs for which there is no room are answered with cookies (RFC 4987 3.6).
enum class SynCookieUse : std::uint8_t { off, on, always };

/// Active OPEN.
struct OpenOptions {
  std::optional<Endpoint> local = std::nullopt;  ///< address and/or port 0 are chosen when unspecified [9293 MUST-43]
  std::optional<CongestionControl> congestion = std::nullopt;  ///< nullopt = Config's
  Options options = {};
  /// What is written before the SYN leaves (by the next poll_transmit) goes with it, if the server gave a cookie before
  /// (RFC 7413). It may arrive twice there: only for requests that do no harm by it [R7413-2-1, R7413-6.1-1].
  bool fast_open = false;
};

/// Passive OPEN.
struct ListenOptions {
  std::size_t backlog = 128;  ///< established connections that may wait for accept(); half-open ones get as many again
  bool dual_stack = true;     ///< a listener on [::] takes IPv4 too, with v4-mapped addresses
  std::size_t maximum_connections = 0;  ///< accepted or waiting for accept(), and not over yet; 0 = no limit
  std::size_t fast_open =
      0;  ///< connections that may hold text of a SYN before their handshake is over; 0 = off (RFC 7413)
  std::optional<CongestionControl> congestion = std::nullopt;  ///< nullopt = Config's
  Options options = {};                                        ///< inherited by accepted connections
};

/// The layer's constants. Defaults are DECISIONS in force; each names its source.
struct Config {
  /// Where an OPEN doesn't say.
  CongestionControl congestion = CongestionControl::cubic;

  bool sack = true;                         ///< RFC 2018
  bool timestamps = true;                   ///< RFC 7323
  bool window_scaling = true;               ///< RFC 7323
  Duration rto_initial = 1s;                ///< RFC 6298 2.1
  Duration rto_variance_floor = 200ms;      ///< RTO = SRTT + max(4 RTTVAR, this); deviates from RFC 6298 2.4
  Duration rto_floor = 0s;                  ///< 1 s here and 0 above restore RFC 6298 to the letter
  Duration rto_ceiling = 120s;              ///< RFC 6298 2.5, at least 60 s
  Duration delayed_ack = 40ms;              ///< below 500 ms [9293 MUST-40]
  std::uint8_t quick_acks = 16;             ///< acknowledged at once: first, after a gap, and if fewer come an RTT
  Duration time_wait = 60s;                 ///< 2 MSL with MSL 30 s; deviates from RFC 9293's 2 minutes
  Duration fin_wait_2 = 60s;                ///< after close(); a half-close by finish() waits without limit
  std::uint8_t r1 = 3;                      ///< retransmissions before the IP layer is told [9293 SHLD-10]
  std::uint8_t r2 = 15;                     ///< timeouts before the connection ends [9293 SHLD-11]
  std::uint8_t syn_retries = 7;             ///< 1+2+4+…+64+120 s, more than three minutes [9293 MUST-23]
  std::uint8_t syn_ack_retries = 5;         ///< [A-TCP-38]
  Duration challenge_ack_interval = 500ms;  ///< per connection, jittered; 0 = no limit (RFC 5961 7)
  std::size_t minimum_send_mss = 48;        ///< smaller offers count as this
  std::uint32_t small_segments_per_second = 1000;  ///< of text to a peer whose MSS is below 88; 0 = no limit
  Duration user_timeout_floor = 100s;              ///< L_LIMIT of RFC 5482 3.1: what a peer can't ask to go below
  Duration user_timeout_ceiling = 3600s;           ///< U_LIMIT
  Duration stall_patience = 10s;  ///< a peer that takes nothing for so long may be dropped when memory is short
  std::size_t maximum_half_open = 4096;
  SynCookieUse syn_cookies = SynCookieUse::on;  ///< when a listener's backlog or maximum_half_open is reached
  std::size_t maximum_connections = 262144;     ///< in all; records in SYN-RECEIVED and TIME-WAIT have their own limits
  std::size_t maximum_from_peer = 0;      ///< connections that one remote address may open; 0 = no limit [A-TCP-22]
  Duration fast_open_period = 3600s * 4;  ///< a cookie given out is good for one to two of these
  Duration fast_open_retry = 60s;         ///< a server with which it failed is avoided so long, then twice that, …
  std::size_t maximum_fast_open_cache = 256;  ///< servers of which a client remembers cookies
  std::size_t maximum_time_wait = 65536;
  bool compact_time_wait = true;     ///< TIME-WAIT as a 64-byte record; false keeps the connection (for tests)
  std::size_t maximum_frame = 0;     ///< bytes of IP packet for a device that cuts text and sums it; 0 = path MTU
  std::uint16_t port_first = 32768;  ///< the ephemeral range
  std::uint16_t port_last = 60999;
};

}  // namespace sluice::tcp
