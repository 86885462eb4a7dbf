// Names, clauses and sentences of the reasons to send.
#include "stack/tcp/send_reason.hpp"

#include <array>
#include <cstddef>

namespace sluice::tcp {
namespace {

struct Words {
  std::string_view name;
  std::string_view clause;
  std::string_view sentence;
};

constexpr std::array kWords = {
    Words{"none", "", ""},
    Words{"open", "RFC 9293 3.10.1", "the SYN of connect()"},
    Words{"open_again", "RFC 9293 3.8.3", "no answer to the SYN yet"},
    Words{"accept_open", "RFC 9293 3.10.7.2", "the answer to a SYN"},
    Words{"accept_open_again", "RFC 9293 3.8.1", "the SYN,ACK was not acknowledged, or the SYN came again"},
    Words{"syn_cookie", "RFC 4987 3.6", "the answer to a SYN of which nothing is remembered"},
    Words{"fast_open", "RFC 7413 4.2.2", "a SYN that brings text and its cookie"},
    Words{"new_data", "RFC 9293 3.8.6.2.1", "text that goes for the first time"},
    Words{"override_small", "RFC 9293 3.8.6.2.1 (4)", "a small segment: the silly-window rule has waited long enough"},
    Words{"finish", "RFC 9293 3.10.4", "FIN: everything was written"},
    Words{"fast_retransmit", "RFC 5681 3.2", "fast retransmission: the third duplicate ACK"},
    Words{"partial_ack", "RFC 6582 3.2", "retransmission: the next hole behind a partial ACK"},
    Words{"rack_loss", "RFC 8985 6.2", "retransmission: lost by RACK, text sent later has arrived"},
    Words{"tail_loss_probe", "RFC 8985 7.3", "probe: nothing acknowledged the end of the flight"},
    Words{"timeout", "RFC 6298 5.4", "retransmission: the timer ran out"},
    Words{"mtu_probe", "RFC 8899 5.3", "text in a packet that may be too large for the path"},
    Words{"window_probe", "RFC 9293 3.8.6.1", "probe: is the window still closed?"},
    Words{"keep_alive", "RFC 9293 3.8.4", "probe: is the peer still there?"},
    Words{"delayed_ack", "RFC 9293 3.8.6.3", "ACK: the delay is over"},
    Words{"second_segment", "RFC 9293 3.8.6.3", "ACK of every second full segment"},
    Words{"quick_ack", "RFC 5681 4.2", "ACK at once: the connection is young"},
    Words{"gap", "RFC 5681 4.2", "duplicate ACK: something is missing, or a gap shrank"},
    Words{"window_update", "RFC 9293 3.8.6.2.2", "window update: the reader made room"},
    Words{"handshake_ack", "RFC 9293 3.10.7.3", "the ACK that ends the handshake"},
    Words{"finish_ack", "RFC 9293 3.10.7.4 eighth", "the ACK of a FIN"},
    Words{"unacceptable", "RFC 9293 3.10.7.4 first", "ACK: a segment came from outside the window"},
    Words{"challenge", "RFC 5961", "challenge ACK: is this really yours?"},
    Words{"paws", "RFC 7323 5.3", "ACK: a segment came with an old timestamp"},
    Words{"ecn_feedback", "RFC 9768 3.2.2.5.1", "ACK: congestion marks arrived"},
    Words{"abort", "RFC 9293 3.10.5", "RST: the connection was aborted"},
    Words{"reset_stalled", "RFC 6429 4", "RST: memory is short, and this peer reads nothing"},
    Words{"reset_no_connection", "RFC 9293 3.10.7.1", "RST: nobody is here"},
    Words{"reset_bad_ack", "RFC 9293 3.5.2", "RST: an ACK of what was never sent"},
    Words{"reset_mixed_ecn", "RFC 9768 3.1.5", "RST: two SYNs that want two kinds of ECN"},
    Words{"reset_late_data", "RFC 9293 3.6.1", "RST: text came, and nobody will read it"},
};
static_assert(kWords.size() == static_cast<std::size_t>(SendReason::reset_late_data) + 1);

}  // namespace

std::string_view name(SendReason reason) noexcept { return kWords[static_cast<std::size_t>(reason)].name; }
std::string_view clause(SendReason reason) noexcept { return kWords[static_cast<std::size_t>(reason)].clause; }
std::string_view sentence(std::string_view reason) noexcept {
  for (const Words& words : kWords)
    if (words.name == reason) return words.sentence;
  return {};
}

}  // namespace sluice::tcp
