// A WebSocket connection after its handshake, either role: bytes in, events out; messages in, bytes out (RFC 6455).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "stack/base/buffer.hpp"
#include "stack/base/bytes.hpp"
#include "stack/base/random.hpp"
#include "stack/base/result.hpp"
#include "stack/base/time.hpp"
#include "ws/close.hpp"
#include "ws/event.hpp"
#include "ws/prepared.hpp"
#include "ws/receiver.hpp"
#include "ws/sender.hpp"
#include "ws/settings.hpp"

namespace sluice::ws {

/// What the owner of the byte stream under a session is to do with it.
enum class StreamStep : std::uint8_t {
  keep,    ///< go on reading and writing
  finish,  ///< nothing more will be sent: finish() the stream, go on reading
  abort,   ///< out of patience: abort() the stream and drop both
  done,    ///< the peer's direction ended and nothing waits: finish() the stream and drop both
};

/// Input: receive(), poll_event() until it is empty, receive() again with what is left.
/// Output: poll_transmit() shows everything that waits, transmitted() says how much of it left.
/// Time: handle_timeout() after any of these and at next_timeout(); an extra call is harmless.
///
/// What the peer does wrong ends the session with a Close that names the clause and a Closed event with its Fault;
/// further input is ignored. What the caller does wrong is the Errc of that call and leaves the session as it was.
class Session {
 public:
  /// `settings` and `random` outlive the session. `random` makes masks: REQUIRED of a client, unused by a server.
  /// `deflate` is what the handshake agreed on; nullopt: nothing is compressed.
  Session(Role role, const Settings& settings, Random* random = nullptr,
          const std::optional<DeflateParameters>& deflate = {});
  Session(Role, Settings&&, Random* = nullptr, const std::optional<DeflateParameters>& = {}) = delete;

  // --- in ---

  /// Consumes bytes from the front of `input`, up to the first event, and says how many; payload is unmasked in place.
  /// REQUIRES that poll_event() was called until it was empty. Call again with the rest after polling.
  std::size_t receive(MutableBytes input);

  /// The stream ended, or failed: nothing will follow.
  void receive_eof();

  /// A compressed message comes to as many Data as it fills buffers.
  std::optional<Event> poll_event();
  /// poll_event() has something to say, or may have.
  bool has_event() const noexcept {
    return event_.kind != Received::Kind::nothing || closed_waits_ || (!closed() && receiver_.waiting());
  }

  // --- out ---
  // Errors of all: connection_closing after close(), after the peer's Close or a fault;
  // would_block when high_water bytes wait (nothing was taken; a call that begins below the mark is taken whole);
  // invalid_argument for text that is not UTF-8 and for a message inside another.

  /// A whole message in one frame.
  Result<void> send(MessageType type, Bytes payload, Compress compress = Compress::yes);
  Result<void> send_text(std::string_view text, Compress compress = Compress::yes) {
    return send(MessageType::text, as_bytes(text), compress);
  }
  /// The same without a copy where the role allows it: many sessions may share one slice. Nobody may change its bytes.
  Result<void> send(MessageType type, Slice payload);
  /// A message that was framed before, for many sessions. REQUIRES the server's role.
  Result<void> send(const Prepared& message);

  /// A message of unknown length: begin(), append()..., end(). It leaves in frames of Settings::fragment_size, or
  /// in one if it is shorter. After invalid_argument the message can't be ended; only close() is left.
  Result<void> begin(MessageType type, Compress compress = Compress::yes);
  Result<void> append(Bytes piece);
  Result<void> end();

  /// REQUIRES nothing; more than 125 bytes are invalid_argument.
  Result<void> ping(Bytes payload = {});

  /// Begins the closing handshake (RFC 6455 7.1.2): what is queued leaves first, an unended message is cut off.
  /// invalid_argument: a code that may not be sent, a reason over 123 bytes or not UTF-8.
  Result<void> close(CloseCode code = CloseCode::normal, std::string_view reason = {});

  /// Bytes until high_water; 0 = not now.
  std::size_t writable() const noexcept { return open() ? sender_.room() : 0; }

  /// Everything that waits to leave, in order, as one gather list of many messages. Valid until the next call.
  std::span<const Slice> poll_transmit() const noexcept { return sender_.queue().slices(); }
  /// The first `count` bytes of that left. REQUIRES count <= what waits.
  void transmitted(std::size_t count);

  /// What to do with the stream now, after everything in poll_transmit() left.
  StreamStep stream_step() const noexcept;

  // --- time ---

  /// When to call handle_timeout() next; Time::min() = now, to be told the time; kNever.
  Time next_timeout() const noexcept;
  void handle_timeout(Time now);

  // --- state ---

  Role role() const noexcept { return role_; }
  /// True while messages may be sent.
  bool open() const noexcept { return phase_ == Phase::open; }
  /// True once Closed was reported or waits to be: input is ignored.
  bool closed() const noexcept { return phase_ == Phase::closed; }

 private:
  enum class Phase : std::uint8_t { open, closing, closed };

  void on_received(const Received& received);
  void on_ping(const Received& ping);
  void on_close(Bytes body);
  void on_fault(Fault fault);
  void queue_pong(Bytes payload);
  void queue_close(CloseCode code, std::string_view reason);
  void end_session(CloseCode code, Fault fault);
  bool settled() const noexcept { return closed() && eof_ && sender_.queue().empty(); }

  void watch_silence(Time now);
  void watch_message(Time now);
  void watch_output(Time now);
  void watch_close(Time now);

  const Settings& settings() const noexcept { return sender_.settings(); }

  /// What only some connections ever need.
  struct Rare {
    std::optional<Slice> late_pong;  ///< the answer to the latest of too many Pings
    std::string peer_reason;         ///< what the peer's Close said, if anything
  };
  Rare& rare();
  void forget_late_pong() noexcept;

  Received event_;  ///< Kind::nothing: there is none

  Receiver receiver_;
  Sender sender_;

  std::uint64_t pongs_end_ = 0;  ///< where in the outgoing stream the last of the Pongs ends
  std::unique_ptr<Rare> rare_;

  Time phase_deadline_ = Time::min();  ///< of silence while open, of the close afterwards; Time::min(): to be set
  Time message_deadline_ = Time::min();
  Time output_deadline_ = Time::min();

  // Small ones at the end: who holds a session may put its own behind them.
  CloseCode code_ = CloseCode::no_status;
  Role role_;
  Phase phase_ = Phase::open;
  Fault fault_ = Fault::none;
  bool clean_ = false;         ///< both sides said Close
  bool closed_waits_ = false;  ///< Closed is to be reported behind event_
  bool eof_ = false;
  bool gave_up_ = false;           ///< waited long enough for the peer's end
  bool heard_ = true;              ///< bytes came since the last handle_timeout()
  bool pinged_ = false;            ///< our idle Ping is out and nothing came since
  bool output_moved_ = false;      ///< bytes left since the last handle_timeout()
  std::uint8_t pongs_unsent_ = 0;  ///< Pongs in the queue
};

}  // namespace sluice::ws
