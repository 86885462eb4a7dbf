// Why a WebSocket ends: the close codes and the body of a Close frame (RFC 6455 5.5.1 and 7.4).
#pragma once

#include <cstdint>
#include <string_view>

#include "stack/base/bytes.hpp"
#include "ws/fault.hpp"

namespace sluice::ws {

/// RFC 6455 7.4.1 and IANA's later additions. Other values, such as CloseCode{4001}, are as good.
enum class CloseCode : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unsupported_data = 1003,
  no_status = 1005,  ///< never on the wire: the peer's Close had no code (RFC 6455 7.1.5)
  abnormal = 1006,   ///< never on the wire: the stream ended without a Close
  invalid_data = 1007,
  policy_violation = 1008,
  too_big = 1009,
  extension_missing = 1010,
  internal_error = 1011,
  service_restart = 1012,
  try_again_later = 1013,
  bad_gateway = 1014,
  tls_failure = 1015,  ///< never on the wire
};

constexpr std::uint16_t number(CloseCode code) noexcept { return static_cast<std::uint16_t>(code); }

/// True for a code that a Close frame may carry: 1000-1003, 1007-1014, 3000-4999 (RFC 6455 7.4).
bool may_be_sent(CloseCode code) noexcept;

/// The longest reason: 125 bytes of a control frame less two of the code.
inline constexpr std::size_t kMaxCloseReason = 123;

/// What a Close frame said. No code is no_status; `reason` points into the body.
struct CloseBody {
  CloseCode code = CloseCode::no_status;
  std::string_view reason;
  Fault fault = Fault::none;  ///< set when the body breaks RFC 6455 5.5.1 or 7.4; then the rest means nothing
};
CloseBody parse_close_body(Bytes body) noexcept;

/// Writes the body and returns its size, 0 for no_status.
/// REQUIRES may_be_sent(code) or no_status with no reason, reason.size() <= kMaxCloseReason, body.size() >= 125.
std::size_t write_close_body(MutableBytes body, CloseCode code, std::string_view reason) noexcept;

}  // namespace sluice::ws
