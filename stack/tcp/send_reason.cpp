// Names and clauses of the reasons to send.
#include "stack/tcp/send_reason.hpp"

#include <array>
#include <cstddef>

namespace sluice::tcp {
namespace {

struct Words {
  std::string_view name;
  std::string_view clause;
};

constexpr std::array kWords = {
    Words{"none", ""},
    Words{"open", "RFC 9293 3.10.1"},
    Words{"open_again", "RFC 9293 3.8.3"},
    Words{"accept_open", "RFC 9293 3.10.7.2"},
    Words{"accept_open_again", "RFC 9293 3.8.1"},
    Words{"syn_cookie", "RFC 4987 3.6"},
    Words{"fast_open", "RFC 7413 4.2.2"},
    Words{"new_data", "RFC 9293 3.8.6.2.1"},
    Words{"override_small", "RFC 9293 3.8.6.2.1 (4)"},
    Words{"finish", "RFC 9293 3.10.4"},
    Words{"fast_retransmit", "RFC 5681 3.2"},
    Words{"partial_ack", "RFC 6582 3.2"},
    Words{"rack_loss", "RFC 8985 6.2"},
    Words{"tail_loss_probe", "RFC 8985 7.3"},
    Words{"timeout", "RFC 6298 5.4"},
    Words{"mtu_probe", "RFC 8899 5.3"},
    Words{"window_probe", "RFC 9293 3.8.6.1"},
    Words{"keep_alive", "RFC 9293 3.8.4"},
    Words{"delayed_ack", "RFC 9293 3.8.6.3"},
    Words{"second_segment", "RFC 9293 3.8.6.3"},
    Words{"quick_ack", "RFC 5681 4.2"},
    Words{"gap", "RFC 5681 4.2"},
    Words{"window_update", "RFC 9293 3.8.6.2.2"},
    Words{"handshake_ack", "RFC 9293 3.10.7.3"},
    Words{"finish_ack", "RFC 9293 3.10.7.4 eighth"},
    Words{"unacceptable", "RFC 9293 3.10.7.4 first"},
    Words{"challenge", "RFC 5961"},
    Words{"paws", "RFC 7323 5.3"},
    Words{"ecn_feedback", "RFC 9768 3.2.2.5.1"},
    Words{"abort", "RFC 9293 3.10.5"},
    Words{"reset_stalled", "RFC 6429 4"},
    Words{"reset_no_connection", "RFC 9293 3.10.7.1"},
    Words{"reset_bad_ack", "RFC 9293 3.5.2"},
    Words{"reset_mixed_ecn", "RFC 9768 3.1.5"},
    Words{"reset_late_data", "RFC 9293 3.6.1"},
};
static_assert(kWords.size() == static_cast<std::size_t>(SendReason::reset_late_data) + 1);

}  // namespace

std::string_view name(SendReason reason) noexcept { return kWords[static_cast<std::size_t>(reason)].name; }
std::string_view clause(SendReason reason) noexcept { return kWords[static_cast<std::size_t>(reason)].clause; }

}  // namespace sluice::tcp
