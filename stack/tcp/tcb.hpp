// The variables of a connection, with RFC 9293's letters (3.3.1), and what the handshake agreed on.
#pragma once

#include <algorithm>
#include <cstdint>

#include "stack/base/time.hpp"
#include "stack/tcp/seq.hpp"

namespace sluice::tcp {

/// The send sequence space:  acknowledged | in flight | may be sent now | not yet
///                                   snd.una   snd.nxt           snd.una + snd.wnd
struct SendVariables {
  Seq una;                       ///< oldest unacknowledged number
  Seq nxt;                       ///< next to be sent for the first time
  Seq iss;                       ///< initial number; our SYN
  Seq wl1;                       ///< SEG.SEQ of the last window update
  Seq wl2;                       ///< SEG.ACK of the last window update
  std::uint32_t wnd = 0;         ///< the peer's window, bytes, already scaled
  std::uint32_t max_wnd = 0;     ///< the largest that it ever offered, for silly-window avoidance and RFC 5961 5
  std::uint16_t peer_mss = 536;  ///< SendMSS: what the peer's MSS option said, or the default [9293 MUST-15]
  std::uint8_t scale = 0;        ///< the peer's windows are shifted left by this (Snd.Wind.Shift)

  /// The first number that the peer has not allowed.
  Seq edge() const noexcept { return una + wnd; }
  /// SEG.SEQ for a segment without text: numbers beyond a closed or shrunk window would be refused by the peer, and
  /// with them the ACK or RST (RFC 5961 3).
  Seq acceptable() const noexcept { return std::max(una, std::min(nxt, edge())); }
};

/// The receive sequence space:  taken | acceptable | not yet
///                             rcv.nxt          rcv.edge
struct ReceiveVariables {
  Seq nxt;                      ///< next number expected
  Seq irs;                      ///< the peer's initial number; its SYN
  Seq edge;                     ///< rcv.nxt + rcv.wnd as the furthest promise made: never goes back [9293 SHLD-14]
  Seq last_ack;                 ///< Last.ACK.sent (RFC 7323 4.3)
  Seq fin;                      ///< number of the peer's FIN; meaningful with fin_known
  std::uint32_t largest = 536;  ///< RMSS: the largest segment seen, or a guess
  std::uint8_t scale = 0;       ///< our windows are shifted right by this (Rcv.Wind.Shift)
  bool fin_known = false;

  std::uint64_t wnd() const noexcept { return edge - nxt; }
};

/// RFC 7323 sections 3 to 5.
struct TimestampVariables {
  std::uint32_t offset = 0;  ///< added to the clock
  std::uint32_t recent = 0;  ///< TS.Recent
  Time recent_at{};          ///< when it was stored: too old after 24 days (5.5)
  bool on = false;           ///< Snd.TS.OK
};

}  // namespace sluice::tcp
