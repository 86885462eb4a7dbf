// ICMP errors about our segments (RFC 9293 3.9.2.2) under the rules that keep forged ones harmless (RFC 5927).
#include "stack/tcp/connection.hpp"

namespace sluice::tcp {
namespace {

Errc meaning(ip::IcmpKind kind) noexcept {
  switch (kind) {
    case ip::IcmpKind::network_unreachable: return Errc::network_unreachable;
    case ip::IcmpKind::protocol_unreachable: return Errc::protocol_unreachable;
    case ip::IcmpKind::port_unreachable: return Errc::connection_refused;
    case ip::IcmpKind::administratively_prohibited: return Errc::permission_denied;
    default: return Errc::host_unreachable;
  }
}

// RFC 1122's codes 2, 3 and the prohibitions; 0, 1, 5, time exceeded and parameter problem are soft [9293 MUST-56].
bool is_hard(ip::IcmpKind kind) noexcept {
  return kind == ip::IcmpKind::protocol_unreachable || kind == ip::IcmpKind::port_unreachable ||
         kind == ip::IcmpKind::administratively_prohibited;
}

}  // namespace

void Connection::icmp_error(const ip::IcmpError& error, WireSeq quoted_seq) {
  const Seq quoted = Seq::unwrap(quoted_seq, snd_.nxt);
  const bool in_flight = snd_.una <= quoted && quoted < snd_.nxt;  // RFC 5927 4.1 [A-TCP-08]
  if (!in_flight) return env_.count(Counter::icmp_ignored);
  if (error.kind == ip::IcmpKind::packet_too_big) return packet_too_big(error, quoted);
  const bool opening = state_ == State::syn_sent || state_ == State::syn_received;
  if (opening && is_hard(error.kind)) {
    env_.count(Counter::icmp_hard_errors);
    return fail(meaning(error.kind));
  }
  env_.count(Counter::icmp_soft_errors);
  if (cold_->options.report_soft_errors) soft_error_ = meaning(error.kind);  // [9293 MUST-47, SHLD-25]
}

}  // namespace sluice::tcp
