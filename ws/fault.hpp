// What a peer or its connection can do wrong, each with the close code and the clause that it breaks.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::ws {

enum class CloseCode : std::uint16_t;

/// The peer's faults, never ours: misuse by the caller is an Errc of the call that did it.
enum class Fault : std::uint8_t {
  none,
  reserved_bit,           ///< RSV1-3 without an extension that defines it
  reserved_opcode,        ///< opcodes 3-7 and 11-15
  mask_missing,           ///< a client's frame without a mask
  mask_present,           ///< a server's frame with one
  length_not_shortest,    ///< 126 or 127 for a length that fits a shorter form
  length_out_of_range,    ///< top bit of the 64-bit length
  control_fragmented,     ///< a control frame without FIN
  control_too_long,       ///< a control frame of more than 125 bytes
  stray_continuation,     ///< a continuation without a message to continue
  message_interleaved,    ///< a new message before the last one ended
  compressed_bit,         ///< RSV1 where no compressed message begins
  not_deflate,            ///< compressed payload that does not inflate
  text_not_utf8,          ///< a text message that is not UTF-8
  close_body_short,       ///< a Close body of one byte
  close_code_invalid,     ///< a code that no Close frame may carry
  close_reason_not_utf8,  ///< a Close reason that is not UTF-8
  frame_too_big,          ///< beyond Settings::max_frame
  message_too_big,        ///< beyond Settings::max_message, fragments counted together
  inflates_too_much,      ///< beyond Settings::max_inflate_ratio
  too_many_fragments,     ///< beyond Settings::max_fragments
  message_stalled,        ///< no progress in a message for Settings::message_timeout
  lost,                   ///< the stream ended without a Close
  close_unanswered,       ///< no Close from the peer within Settings::close_timeout
  output_stalled,         ///< it took nothing of what waits for Settings::send_timeout
  ping_unanswered,        ///< silence for Settings::ping_timeout after a Ping
};

struct FaultInfo {
  CloseCode code;         ///< what our Close says; abnormal: none is sent
  std::string_view text;  ///< clause and sentence, short enough for a Close reason
};

FaultInfo describe(Fault fault) noexcept;

}  // namespace sluice::ws
