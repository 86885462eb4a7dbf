// One exchange after another: the request goes into the outbox, the answer comes out as events.
#include "http/client_session.hpp"

#include "http/head_writer.hpp"

namespace sluice::http {

ClientSession::ClientSession(const ClientLimits& limits) noexcept : limits_(limits), head_(limits.head) {}

bool ClientSession::request(const Request& head, Body body) {
  if (!idle()) return false;
  std::string text;
  if (!write_request_line(text, head.method, head.target)) return false;
  write_fields(text, head.fields);
  const std::optional<std::uint64_t> size = body_size(body);
  const bool announces = head.method == "POST" || head.method == "PUT" || head.method == "PATCH";
  if (!size)
    text += "Transfer-Encoding: chunked\r\n";
  else if (*size > 0 || announces)
    write_content_length(text, *size);
  text += "\r\n";
  outbox_.add(std::move(text));
  streaming_ = std::holds_alternative<StreamedBody>(body);
  writer_.start(size, true);
  if (head.fields.has_token("Expect", "100-continue") && size != 0)
    withheld_ = std::move(body);
  else
    outbox_.add_body(std::move(body));
  head_request_ = head.method == "HEAD";
  asked_upgrade_ = head.fields.find("Upgrade").has_value();
  keep_alive_ = !head.fields.has_token("Connection", "close");
  reading_ = Reading::head;
  return true;
}

/// The server wants the body, or was given time enough to say so.
void ClientSession::release_body() {
  continue_deadline_ = kNever;
  if (withheld_) outbox_.add_body(*std::exchange(withheld_, std::nullopt));
}

std::size_t ClientSession::body_room() const noexcept {
  if (phase_ != Phase::serving || !streaming_ || withheld_) return 0;
  return limits_.queued - std::min(limits_.queued, outbox_.held());
}

std::size_t ClientSession::write_body(Bytes bytes) {
  const std::size_t count = std::min(bytes.size(), body_room());
  if (count > 0) writer_.write(outbox_, bytes.first(count));
  return count;
}

void ClientSession::finish_body() {
  if (!streaming_) return;
  release_body();
  streaming_ = false;
  if (!writer_.finish(outbox_)) fail("the request's body was left unfinished");
}

std::size_t ClientSession::receive(Bytes bytes, Time now) {
  if (phase_ != Phase::serving || bytes.empty() || busy()) return 0;
  if (reading_ == Reading::head) {
    const std::size_t taken = head_.receive(bytes);
    receive_head(now);
    return taken;
  }
  if (reading_ == Reading::nothing) {
    fail("the server sent what nobody asked for");
    return 0;
  }
  read_deadline_ = now + limits_.body_time;
  const BodyDecoder::Step step = decoder_.decode(bytes);
  if (!step.content.empty()) event_ = BodyPart{step.content};
  if (decoder_.refusal()) fail(decoder_.refusal().reason);
  if (decoder_.done()) end_response();
  return step.consumed;
}

void ClientSession::receive_head(Time now) {
  if (head_.state() == HeadReader::State::incomplete) return;
  if (head_.state() == HeadReader::State::refused) return fail(head_.refusal().reason);
  std::variant<ReceivedResponse, Refusal> parsed = parse_response(head_.head());
  head_.clear();
  if (const Refusal* refusal = std::get_if<Refusal>(&parsed)) return fail(refusal->reason);
  ReceivedResponse& received = std::get<ReceivedResponse>(parsed);
  const int status = received.response.status;
  if (status == 100) release_body();
  if (status < 200 && status != 101) return;  // interim: the head that counts is still to come
  if (status == 101 && !asked_upgrade_) return fail("the server changes the protocol unasked");
  read_deadline_ = now + limits_.body_time;
  open_response(std::move(received));
}

void ClientSession::open_response(ReceivedResponse&& received) {
  if (received.response.status == 101) {
    phase_ = Phase::upgraded;
    reading_ = Reading::nothing;
    event_ = ResponseHead{std::move(received)};
    return;
  }
  keep_alive_ = keep_alive_ && received.keep_alive;
  decoder_ = decoder_for(received);
  reading_ = Reading::body;
  event_ = ResponseHead{std::move(received)};
  if (decoder_.done()) end_response();
}

/// RFC 9112 6.3, in its order.
BodyDecoder ClientSession::decoder_for(const ReceivedResponse& received) const noexcept {
  const int status = received.response.status;
  if (head_request_ || status == 204 || status == 304) return BodyDecoder::none();
  if (received.chunked) return BodyDecoder::chunked();
  if (received.content_length) return BodyDecoder::with_length(*received.content_length);
  return BodyDecoder::until_close();
}

/// An answer that came before its request was sent whole leaves the rest unsent, and the connection can't go on.
void ClientSession::end_response() {
  end_due_ = true;
  reading_ = Reading::nothing;
  read_deadline_ = kNever;
  continue_deadline_ = kNever;
  if (keep_alive_ && outbox_.empty() && !streaming_ && !withheld_) return;
  withheld_.reset();
  outbox_.clear();
  streaming_ = false;
  finish_due_ = true;
  phase_ = Phase::closed;
}

void ClientSession::receive_eof() {
  if (phase_ != Phase::serving) return;
  keep_alive_ = false;
  if (reading_ == Reading::nothing) {
    finish_due_ = true;
    phase_ = Phase::closed;
  } else if (reading_ == Reading::body && decoder_.ends_with_connection()) {
    end_response();
  } else if (reading_ == Reading::head && !head_.started()) {
    fail("the server closed the connection without an answer");
  } else {
    fail("the connection ended inside the answer");
  }
}

std::optional<ClientEvent> ClientSession::poll_event() {
  if (event_) return std::exchange(event_, std::nullopt);
  if (failure_) return *std::exchange(failure_, std::nullopt);
  if (std::exchange(end_due_, false)) return ResponseEnd{};
  return std::nullopt;
}

void ClientSession::fail(std::string_view reason) {
  phase_ = Phase::aborted;
  reading_ = Reading::nothing;
  end_due_ = false;
  streaming_ = false;
  withheld_.reset();
  continue_deadline_ = kNever;
  outbox_.clear();
  failure_ = Failed{0, reason};
}

Gather ClientSession::poll_transmit(std::size_t room, Time now) {
  const Gather pieces = outbox_.gather(room);
  if (outbox_.broken()) {
    fail("a resource became shorter while it was sent");
    set_deadlines(now);
    return {};
  }
  set_deadlines(now);
  return pieces;
}

void ClientSession::transmitted(std::size_t count, Time now) {
  outbox_.drop(count);
  if (count > 0) write_deadline_ = kNever;
  set_deadlines(now);
}

void ClientSession::set_deadlines(Time now) noexcept {
  if (outbox_.empty())
    write_deadline_ = kNever;
  else if (write_deadline_ == kNever)
    write_deadline_ = now + limits_.send_time;
  if (withheld_ && outbox_.empty() && continue_deadline_ == kNever) continue_deadline_ = now + limits_.continue_time;
  if (reading_ == Reading::nothing)
    read_deadline_ = kNever;
  else if (read_deadline_ == kNever && outbox_.empty() && !streaming_ && !withheld_)
    read_deadline_ = now + (reading_ == Reading::head ? limits_.head_time : limits_.body_time);
}

void ClientSession::handle_timeout(Time now) {
  if (now >= write_deadline_)
    fail("the server takes no bytes");
  else if (now >= read_deadline_)
    fail("the server did not answer in time");
  else if (now >= continue_deadline_)
    release_body();
  set_deadlines(now);
}

}  // namespace sluice::http
