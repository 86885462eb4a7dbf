// The table behind RFC 9293's state diagram.
#include "stack/tcp/state.hpp"

#include <array>

namespace sluice::tcp {
namespace {

using enum State;

constexpr std::array kEdges = {
    Edge{closed, listen, "passive OPEN", ""},
    Edge{closed, syn_sent, "active OPEN", "SYN"},
    Edge{listen, syn_received, "SYN", "SYN,ACK"},
    Edge{listen, closed, "CLOSE", ""},
    Edge{syn_sent, established, "SYN,ACK", "ACK"},
    Edge{syn_sent, syn_received, "SYN", "SYN,ACK"},
    Edge{syn_sent, closed, "CLOSE, RST or timeout", ""},
    Edge{syn_received, established, "ACK of SYN", ""},
    Edge{syn_received, listen, "RST or SYN after passive OPEN", ""},
    Edge{syn_received, fin_wait_1, "CLOSE", "FIN"},
    Edge{syn_received, closed, "RST, ABORT or timeout", ""},
    Edge{established, fin_wait_1, "CLOSE", "FIN"},
    Edge{established, close_wait, "FIN", "ACK"},
    Edge{established, closed, "RST, ABORT or timeout", ""},
    Edge{fin_wait_1, fin_wait_2, "ACK of FIN", ""},
    Edge{fin_wait_1, closing, "FIN", "ACK"},
    Edge{fin_wait_1, closed, "RST, ABORT or timeout", ""},
    Edge{fin_wait_2, time_wait, "FIN", "ACK"},
    Edge{fin_wait_2, closed, "RST, ABORT or timeout", ""},
    Edge{close_wait, last_ack, "CLOSE", "FIN"},
    Edge{close_wait, closed, "RST, ABORT or timeout", ""},
    Edge{closing, time_wait, "ACK of FIN", ""},
    Edge{closing, closed, "RST, ABORT or timeout", ""},
    Edge{last_ack, closed, "ACK of FIN, RST or timeout", ""},
    Edge{time_wait, closed, "2 MSL, or a new SYN", ""},
};

}  // namespace

std::string_view name(State state) noexcept {
  switch (state) {
    case closed: return "CLOSED";
    case listen: return "LISTEN";
    case syn_sent: return "SYN-SENT";
    case syn_received: return "SYN-RECEIVED";
    case established: return "ESTABLISHED";
    case fin_wait_1: return "FIN-WAIT-1";
    case fin_wait_2: return "FIN-WAIT-2";
    case close_wait: return "CLOSE-WAIT";
    case closing: return "CLOSING";
    case last_ack: return "LAST-ACK";
    case time_wait: return "TIME-WAIT";
  }
  return "?";
}

std::span<const Edge> edges() noexcept { return kEdges; }

bool is_edge(State from, State to) noexcept {
  for (const Edge& edge : kEdges)
    if (edge.from == from && edge.to == to) return true;
  return false;
}

}  // namespace sluice::tcp
