// The eleven states of a connection and the edges between them (RFC 9293 3.3.2, Figure 5).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::tcp {

enum class State : std::uint8_t {
  closed,
  listen,
  syn_sent,
  syn_received,
  established,
  fin_wait_1,
  fin_wait_2,
  close_wait,
  closing,
  last_ack,
  time_wait,
};
inline constexpr std::size_t kStateCount = 11;

/// "SYN-SENT" and so on, as the RFC writes them.
std::string_view name(State state) noexcept;

/// One arrow of the diagram.
struct Edge {
  State from;
  State to;
  std::string_view event;   ///< what happens
  std::string_view answer;  ///< what is sent, or ""
};

/// Every edge that a connection may take. enter() asserts membership, and docs/tcp.md's diagram is drawn from it.
std::span<const Edge> edges() noexcept;
bool is_edge(State from, State to) noexcept;

/// ESTABLISHED or later: both sides know each other's initial sequence number.
constexpr bool is_synchronized(State state) noexcept { return state >= State::established; }
/// States in which text may still arrive.
constexpr bool may_receive_text(State state) noexcept {
  return state == State::established || state == State::fin_wait_1 || state == State::fin_wait_2;
}
/// States in which the application may still write.
constexpr bool may_send_text(State state) noexcept { return state == State::established || state == State::close_wait; }

}  // namespace sluice::tcp
