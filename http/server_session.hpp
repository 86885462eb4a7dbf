// A server's side of one HTTP/1.1 connection, without I/O: bytes and time in, events and bytes out (RFC 9112).
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "http/body_decoder.hpp"
#include "http/body_writer.hpp"
#include "http/events.hpp"
#include "http/pace.hpp"
#include "stack/base/time.hpp"

namespace sluice::http {

struct ServerLimits {
  HeadLimits head;
  std::uint64_t body = 16u << 20;  ///< bytes of content in one request; more is 413
  std::uint64_t drain = 65536;     ///< an unwanted body up to this size is read and dropped, to keep the connection
  std::size_t queued = 65536;      ///< bytes of answers waiting in memory before the next request is read
  std::size_t answers = 32;        ///< answers waiting, likewise
  Duration head_time = std::chrono::seconds(10);  ///< from a head's first byte to its last; then 408
  Duration idle_time = std::chrono::seconds(60);  ///< between requests, and before the first; then a quiet close
  Duration body_time = std::chrono::seconds(30);  ///< without a byte of a body that is due; then 408
  Duration send_time = std::chrono::seconds(60);  ///< without progress in sending; then the connection is aborted
  /// Bytes a second that a body must come with, and answers be taken with, on average over rate_time; slower is as if
  /// nothing moved. 0: no such limit. The owner's own pauses don't count.
  std::uint64_t least_rate = 500;
  Duration rate_time = std::chrono::seconds(60);
  std::uint64_t requests = 0;  ///< of one connection; the last answer says Connection: close. 0: any number
  Duration linger_time = std::chrono::seconds(2);  ///< after finish(), for the peer to see the last answer
};

/// One request at a time is open: its head is reported, its body streams in, the owner answers, the next one follows.
/// Pipelined requests wait unconsumed in the stream until then, so answers can't overtake and memory is bounded.
/// An answer may come while the body still arrives. Unless it is streamed, it ends the request's events: what is left
/// of the body is read and dropped when that is cheap, and otherwise the connection ends after the answer. Refused
/// requests are answered here, by status and one line of text, and end the connection.
///
/// A turn: receive() until it takes nothing; poll_event() after each until it has nothing; poll_transmit(), send,
/// transmitted() until there is nothing; take_finish(), phase(), next_timeout(). http/driver.hpp does it for a
/// ByteStream.
class ServerSession {
 public:
  explicit ServerSession(const ServerLimits& limits = {}) noexcept;

  // What comes from the peer

  /// Takes bytes from the front of `bytes` and says how many: none while an event waits, while an answer is owed to a
  /// request that is here as a whole, while too many answers are queued, while hold_body(), and once upgraded.
  std::size_t receive(Bytes bytes, Time now);
  /// The peer sends no more. Everything received before must have been given to receive().
  void receive_eof();
  /// In order: RequestHead, BodyPart..., RequestEnd; Failed ends the sequence anywhere.
  std::optional<ServerEvent> poll_event();
  /// True stops body parts (they wait in the stream, and their timeout with them) until false.
  void hold_body(bool hold) noexcept;

  // What the owner answers

  /// Answers the open request. Content-Length, Transfer-Encoding, Date and Connection: close are added as due; of a
  /// body for HEAD, 204 or 304 only the size is told. A field Connection: close makes it the last answer. 101 ends
  /// HTTP: REQUIRES then Request::upgrade and a body-less request, else 400 is answered. Other 1xx are not for the
  /// owner. False, and nothing sent, when no answer is owed: the request failed in the meantime or is answered already.
  bool respond(const Response& response, Body body = NoBody{});
  /// The next bytes of a StreamedBody; how many were taken, at most body_room(). REQUIRES no more than its size.
  std::size_t write_body(Bytes bytes);
  /// 0 when no streamed answer is open or the queue is full.
  std::size_t body_room() const noexcept;
  /// Ends a StreamedBody. One that is short of its size aborts the connection: its peer must not take it for whole.
  void finish_body();
  /// Answers no more requests than the open one: the connection ends in good order.
  void shut_down() noexcept;
  /// The wall-clock second for the Date field; without one there is no Date.
  void set_date(std::int64_t unix_seconds) noexcept { date_seconds_ = unix_seconds; }

  // What goes to the peer

  /// What is to be sent next, about `room` bytes of it (one piece may reach beyond); valid until the next call.
  Gather poll_transmit(std::size_t room, Time now);
  /// The memory of a piece of the last poll_transmit(), for a stream that takes it without a copy; empty: none.
  Slice shared(std::size_t piece) const noexcept { return outbox_.shared(piece); }
  /// The first `count` bytes of the last poll_transmit() are sent.
  void transmitted(std::size_t count, Time now);
  /// True once: now finish() the stream.
  bool take_finish() noexcept { return std::exchange(finish_due_, false); }
  Phase phase() const noexcept { return phase_; }

  // Time

  /// When handle_timeout() is due; kNever for none. Deadlines are set by poll_transmit() and receive().
  Time next_timeout() const noexcept { return std::min({read_deadline_, write_deadline_, send_pace_.due()}); }
  /// Harmless before next_timeout().
  void handle_timeout(Time now);

 private:
  /// What is read next of the open request, or of the next one.
  enum class Reading : std::uint8_t { head, body, nothing };
  enum class Answer : std::uint8_t { none, owed, streaming, given };

  // server_session.cpp: what comes in, and time
  std::size_t receive_head(Bytes bytes, Time now);
  std::size_t receive_body(Bytes bytes, Time now);
  void await_body(Time now) noexcept;
  bool may_read_head() const noexcept;
  void open_request(Request&& request);
  void end_of_body();
  void complete_when_done();
  void start_flushing() noexcept;
  void settle() noexcept;
  void abort(std::string_view reason);
  void set_deadlines(Time now) noexcept;

  // server_answers.cpp: what goes out
  bool respond_upgrade(const Response& response);
  void ask_for_body();
  void drop_unread_body() noexcept;
  void answer_given();
  void write_head(const Response& response, const Body& body);
  void write_date(std::string& out);
  void refuse(const Refusal& refusal);

  ServerLimits limits_;
  HeadReader head_;
  BodyDecoder decoder_ = BodyDecoder::none();
  Outbox outbox_;
  std::optional<ServerEvent> event_;
  std::optional<Failed> failure_;
  Time read_deadline_ = kNever;
  Time write_deadline_ = kNever;
  std::uint64_t content_ = 0;   ///< received of the open request's body
  std::uint64_t requests_ = 0;  ///< opened so far
  Pace body_pace_;              ///< of the open request's body
  Pace send_pace_;              ///< of what is queued, since it was nothing
  BodyWriter writer_;           ///< of a streamed answer
  std::int64_t date_seconds_ = -1;
  std::int64_t formatted_seconds_ = -1;
  std::array<char, 29> date_{};
  Phase phase_ = Phase::serving;
  Reading reading_ = Reading::head;
  Answer answer_ = Answer::none;
  bool head_request_ = false;  ///< the open request is HEAD
  bool old_version_ = false;   ///< it is HTTP/1.0
  bool may_upgrade_ = false;
  bool continue_due_ = false;  ///< 100 goes out if the owner wants the body
  bool end_due_ = false;       ///< RequestEnd follows what is in event_
  bool discard_ = false;       ///< body parts are dropped
  bool held_ = false;
  bool keep_alive_ = true;
  bool upgrading_ = false;
  bool eof_ = false;
  bool finish_due_ = false;
};

}  // namespace sluice::http
