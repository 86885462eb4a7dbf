// A second opinion on TCP's state machine: what RFC 9293 3.10 says about one event in one state, written from the RFC's
// text and from nothing else, slow and plain. The grid of tests/tcp/grid_test.cpp asks it about each cell.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "stack/base/result.hpp"
#include "stack/tcp/state.hpp"

namespace sluice::test::grid {

using tcp::State;
using Number = std::int64_t;  ///< a sequence number; both sides' SYN is 0, so nothing wraps

/// A transmission control block (RFC 9293 3.3.1), and what the user has done so far.
struct Block {
  State state = State::closed;
  bool passive = false;  ///< opened by a listener, which still listens
  bool handle = true;    ///< the user holds a handle of this connection
  bool let_go = false;   ///< the user gave it away: nobody will read
  Number una = 0, nxt = 0, wnd = 0, max_wnd = 0, wl1 = 0, wl2 = 0;
  Number rcv_nxt = 0, rcv_edge = 0;  ///< RCV.NXT + RCV.WND is the edge
  bool fin_sent = false;             ///< the number before nxt is our FIN
  Number unread = 0;                 ///< bytes that wait for the user
  bool timestamps = false;
};

enum class Stamp : std::uint8_t { current, old, none };

struct Arrival {
  bool syn = false, ack = false, rst = false, fin = false, psh = false, urg = false;
  Number seq = 0, ack_number = 0, text = 0, window = 0, urgent = 0;
  Stamp stamp = Stamp::current;
  Number length() const noexcept { return text + (syn ? 1 : 0) + (fin ? 1 : 0); }
  Number end() const noexcept { return seq + length(); }
};

enum class Call : std::uint8_t { open, send, receive, close, close_handle, abort, status };
enum class Clock : std::uint8_t {
  retransmission,
  user_timeout,
  silence,
  persist,
  keep_alive,
  keep_alive_last,
  delayed_ack
};

/// A cell of the grid.
struct Outcome {
  std::string reply = "-";  ///< in the notation of lab/notation.hpp, with "challenge" where RFC 5961 asks for it
  State next = State::closed;
  std::string took = "-";  ///< what the event changed beside the state, or what a call answered
};

Outcome segment_arrives(const Block& block, const Arrival& arrival);
/// SEND is of 1000 bytes, OPEN is active and names the same two ends.
Outcome user_call(const Block& block, Call call);
/// nullopt: this clock can't run in this state.
std::optional<Outcome> timeout(const Block& block, Clock clock);

}  // namespace sluice::test::grid
