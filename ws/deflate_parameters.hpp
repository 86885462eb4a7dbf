// What permessage-deflate's two ends agree on: offers, the server's choice, the client's judgement (RFC 7692 5
// and 7.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ws/extensions.hpp"
#include "ws/frame.hpp"

namespace sluice::ws {

/// One direction: how far back the sender's references reach, and whether they reach into earlier messages.
struct DeflateWindow {
  std::uint8_t bits = 15;  ///< 8 to 15: a window of 2^bits bytes (RFC 7692 7.1.2)
  bool takeover = true;    ///< kept between messages (RFC 7692 7.1.1)
  friend bool operator==(const DeflateWindow&, const DeflateWindow&) = default;
};

/// The outcome of a handshake that agreed on permessage-deflate.
struct DeflateParameters {
  DeflateWindow server;  ///< of what the server sends
  DeflateWindow client;  ///< of what the client sends
  friend bool operator==(const DeflateParameters&, const DeflateParameters&) = default;

  const DeflateWindow& sent_by(Role role) const noexcept { return role == Role::server ? server : client; }
};

/// What an end wishes. The peer may have smaller windows; it need not follow a wish for its own.
struct DeflatePolicy {
  /// Of what we send. Windows of 12 bits compress messages of a few KiB nearly as well as those of 15, in a sixth of
  /// the memory. Without takeover nothing is held between messages.
  DeflateWindow ours{12, true};
  /// Of what the peer sends. A server can't make a client that doesn't say client_max_window_bits use less than 15.
  DeflateWindow peers{12, true};
};

inline constexpr std::string_view kDeflateName = "permessage-deflate";

// --- server ---

/// An offer taken: what it comes to, and the element of Sec-WebSocket-Extensions that says so.
struct DeflateChoice {
  DeflateParameters parameters;
  std::string answer;
};

/// The first of `offers` that can be accepted under `policy`; nullopt: none, and the answer names no such extension.
/// Offers with unknown, repeated or ill-valued parameters are passed over (RFC 7692 7).
std::optional<DeflateChoice> choose_deflate(const std::vector<Extension>& offers, const DeflatePolicy& policy);

// --- client ---

/// The elements for the request's Sec-WebSocket-Extensions, in the order of preference.
std::string deflate_offer(const DeflatePolicy& policy);

/// What the server's answer to deflate_offer(policy) agreed to; nullopt: it agrees to what was not offered, and the
/// connection must fail (RFC 7692 5 and 7).
std::optional<DeflateParameters> judge_deflate(const Extension& answer, const DeflatePolicy& policy);

}  // namespace sluice::ws
