// The table of faults: code, clause, sentence.
#include "ws/fault.hpp"

#include <array>
#include <cstddef>

#include "ws/close.hpp"

namespace sluice::ws {
namespace {

struct Row {
  Fault fault;
  FaultInfo info;
};

using Code = CloseCode;
constexpr std::array kRows = {
    Row{Fault::none, {Code::normal, ""}},
    Row{Fault::reserved_bit, {Code::protocol_error, "RFC 6455 5.2: a reserved bit is set"}},
    Row{Fault::reserved_opcode, {Code::protocol_error, "RFC 6455 5.2: a reserved opcode"}},
    Row{Fault::mask_missing, {Code::protocol_error, "RFC 6455 5.1: a client's frame is not masked"}},
    Row{Fault::mask_present, {Code::protocol_error, "RFC 6455 5.1: a server's frame is masked"}},
    Row{Fault::length_not_shortest, {Code::protocol_error, "RFC 6455 5.2: the length is not in its shortest form"}},
    Row{Fault::length_out_of_range, {Code::protocol_error, "RFC 6455 5.2: the length's top bit is set"}},
    Row{Fault::control_fragmented, {Code::protocol_error, "RFC 6455 5.5: a fragmented control frame"}},
    Row{Fault::control_too_long, {Code::protocol_error, "RFC 6455 5.5: a control frame longer than 125 bytes"}},
    Row{Fault::stray_continuation, {Code::protocol_error, "RFC 6455 5.4: a continuation of no message"}},
    Row{Fault::message_interleaved, {Code::protocol_error, "RFC 6455 5.4: a message inside another"}},
    Row{Fault::compressed_bit, {Code::protocol_error, "RFC 7692 6.1: RSV1 where no message begins"}},
    Row{Fault::not_deflate, {Code::invalid_data, "RFC 7692 7.2.2: compressed payload that does not inflate"}},
    Row{Fault::text_not_utf8, {Code::invalid_data, "RFC 6455 8.1: text that is not UTF-8"}},
    Row{Fault::close_body_short, {Code::protocol_error, "RFC 6455 5.5.1: a Close body of one byte"}},
    Row{Fault::close_code_invalid, {Code::protocol_error, "RFC 6455 7.4: a close code that may not be sent"}},
    Row{Fault::close_reason_not_utf8, {Code::invalid_data, "RFC 6455 5.5.1: a Close reason that is not UTF-8"}},
    Row{Fault::frame_too_big, {Code::too_big, "RFC 6455 10.4: the frame is too big"}},
    Row{Fault::message_too_big, {Code::too_big, "RFC 6455 10.4: the message is too big"}},
    Row{Fault::inflates_too_much, {Code::too_big, "RFC 7692 8: the message inflates too much"}},
    Row{Fault::too_many_fragments, {Code::policy_violation, "RFC 6455 10.4: too many fragments"}},
    Row{Fault::message_stalled, {Code::policy_violation, "RFC 6455 10.4: the message does not go on"}},
    Row{Fault::lost, {Code::abnormal, "RFC 6455 7.1.5: the stream ended without a Close"}},
    Row{Fault::close_unanswered, {Code::abnormal, "RFC 6455 7.1.5: our Close was not answered in time"}},
    Row{Fault::output_stalled, {Code::abnormal, "RFC 6455 7.1.5: the peer takes nothing of what we send"}},
    Row{Fault::ping_unanswered, {Code::abnormal, "RFC 6455 5.5.2: our Ping was not answered in time"}},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i)
    if (kRows[i].fault != static_cast<Fault>(i) || kRows[i].info.text.size() > kMaxCloseReason) return false;
  return kRows.back().fault == Fault::ping_unanswered;
}
static_assert(in_order());

}  // namespace

FaultInfo describe(Fault fault) noexcept { return kRows[static_cast<std::size_t>(fault)].info; }

}  // namespace sluice::ws
