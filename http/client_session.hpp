// A client's side of one HTTP/1.1 connection, without I/O: one request and its answer at a time (RFC 9112).
#pragma once

#include <algorithm>
#include <optional>
#include <utility>

#include "http/body_decoder.hpp"
#include "http/body_writer.hpp"
#include "http/events.hpp"
#include "stack/base/time.hpp"

namespace sluice::http {

struct ClientLimits {
  HeadLimits head{65536, 8000, 100};
  std::size_t queued = 65536;                        ///< bytes of a streamed body waiting in memory
  Duration continue_time = std::chrono::seconds(1);  ///< for 100 (Continue), where the request expects it
  Duration head_time = std::chrono::seconds(60);     ///< from the sent request to the whole answer's head
  Duration body_time = std::chrono::seconds(60);     ///< without a byte of the answer's body
  Duration send_time = std::chrono::seconds(60);     ///< without progress in sending
};

/// With a field Expect: 100-continue the body waits for the server's 100, or for continue_time; after a final answer it
/// is not sent, and the connection ends (RFC 9110 10.1.1).
///
/// request(), then the turn of ServerSession with the same verbs; the events are ResponseHead, BodyPart...,
/// ResponseEnd, or Failed. Interim answers (1xx) are passed over. After ResponseEnd idle() says whether the connection
/// takes another request.
class ClientSession {
 public:
  explicit ClientSession(const ClientLimits& limits = {}) noexcept;

  /// Queues a request of `head`'s method, target and fields (Host among them); the framing fields are added for the
  /// body. False, and nothing queued, when not idle(), or the method or target can't stand in a request line.
  bool request(const Request& head, Body body = NoBody{});
  /// True when request() may be called.
  bool idle() const noexcept { return phase_ == Phase::serving && reading_ == Reading::nothing && !busy(); }
  /// As in ServerSession, for a request with a StreamedBody.
  std::size_t write_body(Bytes bytes);
  std::size_t body_room() const noexcept;
  void finish_body();

  /// Takes bytes from the front and says how many: none while an event waits, and behind an answer's end or a 101.
  std::size_t receive(Bytes bytes, Time now);
  /// The peer sends no more: the proper end of some bodies, a failure else.
  void receive_eof();
  std::optional<ClientEvent> poll_event();

  Gather poll_transmit(std::size_t room, Time now);
  Slice shared(std::size_t piece) const noexcept { return outbox_.shared(piece); }
  void transmitted(std::size_t count, Time now);
  /// True once: now finish() the stream.
  bool take_finish() noexcept { return std::exchange(finish_due_, false); }
  /// serving, upgraded, closed or aborted.
  Phase phase() const noexcept { return phase_; }

  Time next_timeout() const noexcept { return std::min({read_deadline_, write_deadline_, continue_deadline_}); }
  void handle_timeout(Time now);

 private:
  enum class Reading : std::uint8_t { nothing, head, body };

  bool busy() const noexcept { return event_ || end_due_ || failure_; }
  void receive_head(Time now);
  void open_response(ReceivedResponse&& received);
  BodyDecoder decoder_for(const ReceivedResponse& received) const noexcept;
  void release_body();
  void end_response();
  void fail(std::string_view reason);
  void set_deadlines(Time now) noexcept;

  ClientLimits limits_;
  HeadReader head_;
  BodyDecoder decoder_ = BodyDecoder::none();
  BodyWriter writer_;
  Outbox outbox_;
  std::optional<ClientEvent> event_;
  std::optional<Failed> failure_;
  Time read_deadline_ = kNever;
  Time write_deadline_ = kNever;
  Time continue_deadline_ = kNever;
  std::optional<Body> withheld_;  ///< until the server wants it
  Phase phase_ = Phase::serving;
  Reading reading_ = Reading::nothing;
  bool head_request_ = false;
  bool asked_upgrade_ = false;
  bool streaming_ = false;
  bool keep_alive_ = true;
  bool end_due_ = false;
  bool finish_due_ = false;
};

}  // namespace sluice::http
