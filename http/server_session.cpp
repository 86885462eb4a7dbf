// What comes in: one request at a time, from head to body to its end, and the deadlines around it.
#include "http/server_session.hpp"

namespace sluice::http {

ServerSession::ServerSession(const ServerLimits& limits) noexcept : limits_(limits), head_(limits.head) {}

std::size_t ServerSession::receive(Bytes bytes, Time now) {
  if (phase_ == Phase::flushing || phase_ == Phase::lingering) return upgrading_ ? 0 : bytes.size();
  if (phase_ != Phase::serving || bytes.empty() || event_ || end_due_ || failure_) return 0;
  switch (reading_) {
    case Reading::head: return may_read_head() ? receive_head(bytes, now) : 0;
    case Reading::body: return held_ ? 0 : receive_body(bytes, now);
    case Reading::nothing: break;
  }
  return 0;
}

/// Back-pressure: answers that the peer doesn't fetch stop its requests.
bool ServerSession::may_read_head() const noexcept {
  return outbox_.entries() < limits_.answers && outbox_.held() < limits_.queued;
}

std::size_t ServerSession::receive_head(Bytes bytes, Time now) {
  const bool was_started = head_.started();
  const std::size_t taken = head_.receive(bytes);
  if (!was_started && head_.started()) read_deadline_ = now + limits_.head_time;
  if (head_.state() == HeadReader::State::refused) {
    refuse(head_.refusal());
  } else if (head_.state() == HeadReader::State::complete) {
    std::variant<Request, Refusal> parsed = parse_request(head_.head(), limits_.head);
    head_.clear();
    if (const Refusal* refusal = std::get_if<Refusal>(&parsed))
      refuse(*refusal);
    else
      open_request(std::get<Request>(std::move(parsed)));
  }
  return taken;
}

void ServerSession::open_request(Request&& request) {
  if (request.content_length.value_or(0) > limits_.body) return refuse({413, "the body is too large"});
  ++requests_;
  answer_ = Answer::owed;
  head_request_ = request.method == "HEAD";
  old_version_ = request.minor_version == 0;
  keep_alive_ = request.keep_alive && (limits_.requests == 0 || requests_ < limits_.requests);
  body_pace_.stop();
  may_upgrade_ = request.upgrade && !request.has_body();
  continue_due_ = request.expect_continue;
  decoder_ = request.chunked ? BodyDecoder::chunked() : BodyDecoder::with_length(request.content_length.value_or(0));
  content_ = 0;
  discard_ = false;
  held_ = false;
  reading_ = decoder_.done() ? Reading::nothing : Reading::body;
  end_due_ = decoder_.done();
  read_deadline_ = kNever;
  event_ = RequestHead{std::move(request)};
}

std::size_t ServerSession::receive_body(Bytes bytes, Time now) {
  continue_due_ = false;
  await_body(now);
  const BodyDecoder::Step step = decoder_.decode(bytes);
  content_ += step.content.size();
  body_pace_.moved(step.content.size(), now);  // framing alone is no progress
  if (decoder_.refusal()) {
    refuse(decoder_.refusal());
  } else if (content_ > limits_.body) {
    refuse({413, "the body is too large"});
  } else {
    if (!step.content.empty() && !discard_) event_ = BodyPart{step.content};
    if (decoder_.done()) end_of_body();
  }
  return step.consumed;
}

/// Both deadlines of a body: its next byte's, and the one that its pace allows.
void ServerSession::await_body(Time now) noexcept {
  if (!body_pace_.running()) body_pace_.start(now, limits_.rate_time, limits_.least_rate);
  read_deadline_ = std::min(now + limits_.body_time, body_pace_.due());
}

void ServerSession::end_of_body() {
  reading_ = Reading::nothing;
  read_deadline_ = kNever;
  end_due_ = !discard_;
  complete_when_done();
}

/// The open request is over when it is read, reported and answered.
void ServerSession::complete_when_done() {
  if (answer_ != Answer::given || reading_ != Reading::nothing || end_due_) return;
  answer_ = Answer::none;
  if (!keep_alive_ || eof_) return start_flushing();
  reading_ = Reading::head;
  read_deadline_ = kNever;
}

void ServerSession::receive_eof() {
  if (std::exchange(eof_, true)) return;
  keep_alive_ = false;
  if (phase_ == Phase::lingering) phase_ = Phase::closed;
  if (phase_ != Phase::serving) return;
  if (reading_ == Reading::head) {
    if (head_.started())
      refuse({400, "the connection ended inside a head"});
    else
      start_flushing();
  } else if (reading_ == Reading::body) {
    refuse({400, "the connection ended inside a body"});
  }
}

std::optional<ServerEvent> ServerSession::poll_event() {
  if (event_) return std::exchange(event_, std::nullopt);
  if (failure_) return *std::exchange(failure_, std::nullopt);
  if (std::exchange(end_due_, false)) {
    complete_when_done();
    return RequestEnd{};
  }
  // The owner has seen the head and answered nothing: it waits for the body.
  if (answer_ == Answer::owed && !held_) ask_for_body();
  return std::nullopt;
}

void ServerSession::hold_body(bool hold) noexcept {
  held_ = hold;
  if (reading_ == Reading::body) read_deadline_ = kNever;
  body_pace_.stop();
}

void ServerSession::shut_down() noexcept {
  keep_alive_ = false;
  if (phase_ == Phase::serving && reading_ == Reading::head) start_flushing();
}

void ServerSession::start_flushing() noexcept {
  phase_ = Phase::flushing;
  reading_ = Reading::nothing;
  answer_ = Answer::none;
  read_deadline_ = kNever;
}

/// Once the last answer is sent: on to lingering, or to the new protocol.
void ServerSession::settle() noexcept {
  if (phase_ != Phase::flushing || !outbox_.empty()) return;
  if (upgrading_) {
    phase_ = Phase::upgraded;
    return;
  }
  finish_due_ = true;
  phase_ = eof_ ? Phase::closed : Phase::lingering;
}

void ServerSession::abort(std::string_view reason) {
  phase_ = Phase::aborted;
  reading_ = Reading::nothing;
  answer_ = Answer::none;
  end_due_ = false;
  event_.reset();
  outbox_.clear();
  failure_ = Failed{0, reason};
}

Gather ServerSession::poll_transmit(std::size_t room, Time now) {
  settle();
  set_deadlines(now);
  const Gather pieces = outbox_.gather(room);
  if (!outbox_.broken()) return pieces;
  abort("a resource became shorter while it was sent");
  set_deadlines(now);
  return {};
}

void ServerSession::transmitted(std::size_t count, Time now) {
  outbox_.drop(count);
  if (count > 0) write_deadline_ = kNever;
  send_pace_.moved(count, now);
  settle();
  set_deadlines(now);
}

/// Sets the deadlines that are missing; whoever changes what is waited for has removed the old one.
void ServerSession::set_deadlines(Time now) noexcept {
  if (outbox_.empty()) {
    write_deadline_ = kNever;
    send_pace_.stop();
  } else {
    if (write_deadline_ == kNever) write_deadline_ = now + limits_.send_time;
    if (!send_pace_.running()) send_pace_.start(now, limits_.rate_time, limits_.least_rate);
  }
  if (phase_ == Phase::lingering) {
    if (read_deadline_ == kNever) read_deadline_ = now + limits_.linger_time;
  } else if (phase_ != Phase::serving) {
    read_deadline_ = kNever;
  } else if (read_deadline_ == kNever) {
    if (reading_ == Reading::head && outbox_.empty()) read_deadline_ = now + limits_.idle_time;
    if (reading_ == Reading::body && !held_) await_body(now);
  }
}

void ServerSession::handle_timeout(Time now) {
  if (now >= write_deadline_ || now >= send_pace_.due()) {
    abort(now >= write_deadline_ ? "the peer takes no bytes" : "the peer takes bytes too slowly");
  } else if (now >= read_deadline_) {
    read_deadline_ = kNever;
    if (phase_ == Phase::lingering)
      phase_ = Phase::closed;
    else if (reading_ == Reading::head && !head_.started())
      start_flushing();
    else
      refuse({408, reading_ == Reading::head ? "the head came too slowly" : "the body came too slowly"});
  }
  set_deadlines(now);
}

}  // namespace sluice::http
