// What goes out: answers of the owner, and refusals by the session itself.
#include <cassert>

#include "http/date.hpp"
#include "http/head_writer.hpp"
#include "http/server_session.hpp"

namespace sluice::http {

bool ServerSession::respond(const Response& response, Body body) {
  if (phase_ != Phase::serving || answer_ != Answer::owed) return false;
  if (response.status == 101) return respond_upgrade(response);
  assert(response.status >= 200 && response.status <= 999);
  const bool has_content = !head_request_ && response.status != 204 && response.status != 304;
  const StreamedBody* stream = has_content ? std::get_if<StreamedBody>(&body) : nullptr;
  if (stream)
    ask_for_body();  // its writer may wait for the body
  else
    drop_unread_body();
  if (response.fields.has_token("Connection", "close")) keep_alive_ = false;
  write_head(response, body);
  if (stream) {
    writer_.start(stream->size, !old_version_);
    answer_ = Answer::streaming;
    return true;
  }
  if (has_content) outbox_.add_body(std::move(body));
  answer_given();
  return true;
}

/// RFC 9110 7.8: the last words of HTTP on this connection.
bool ServerSession::respond_upgrade(const Response& response) {
  if (!may_upgrade_) {
    refuse({400, "this request can't change the protocol"});
    return false;
  }
  std::string& out = outbox_.text();
  write_status_line(out, 101);
  write_fields(out, response.fields);
  out += "\r\n";
  end_due_ = false;
  upgrading_ = true;
  start_flushing();
  return true;
}

/// The owner wants the body, and so the peer may send it (RFC 9110 10.1.1).
void ServerSession::ask_for_body() {
  if (!std::exchange(continue_due_, false)) return;
  write_status_line(outbox_.text(), 100);
  outbox_.text() += "\r\n";
}

/// The answer is given before the body's end, and what is left of it stands before the next request: a short rest is
/// read and dropped, a long, unknown or perhaps never sent one ends the connection (RFC 9112 9.3, RFC 9110 10.1.1).
void ServerSession::drop_unread_body() noexcept {
  if (reading_ != Reading::body) return;
  discard_ = true;
  held_ = false;
  if (decoder_.length_known() && decoder_.remaining() <= limits_.drain && !continue_due_) return;
  keep_alive_ = false;
  reading_ = Reading::nothing;
}

void ServerSession::answer_given() {
  answer_ = Answer::given;
  end_due_ = false;
  event_.reset();
  complete_when_done();
}

void ServerSession::write_head(const Response& response, const Body& body) {
  const std::optional<std::uint64_t> size = body_size(body);
  if (!size && old_version_) keep_alive_ = false;  // only the connection's end can end it
  std::string& out = outbox_.text();
  out.reserve(out.size() + 256);
  write_status_line(out, response.status);
  if (!response.fields.find("Date")) write_date(out);
  write_fields(out, response.fields);
  const bool bare = response.status == 204 || (response.status == 304 && std::holds_alternative<NoBody>(body));
  if (size && !bare) write_content_length(out, *size);
  if (!size && !old_version_ && !bare) out += "Transfer-Encoding: chunked\r\n";
  if (!keep_alive_ && !response.fields.has_token("Connection", "close")) out += "Connection: close\r\n";
  if (keep_alive_ && old_version_) out += "Connection: keep-alive\r\n";
  out += "\r\n";
}

void ServerSession::write_date(std::string& out) {
  if (date_seconds_ < 0) return;
  if (formatted_seconds_ != date_seconds_) {
    const std::string formatted = format_date(date_seconds_);
    std::copy_n(formatted.begin(), std::min(formatted.size(), date_.size()), date_.begin());
    formatted_seconds_ = date_seconds_;
  }
  out.append("Date: ").append(date_.data(), date_.size()).append("\r\n");
}

std::size_t ServerSession::body_room() const noexcept {
  if (phase_ != Phase::serving || answer_ != Answer::streaming) return 0;
  return limits_.queued - std::min(limits_.queued, outbox_.held());
}

std::size_t ServerSession::write_body(Bytes bytes) {
  const std::size_t count = std::min(bytes.size(), body_room());
  if (count > 0) writer_.write(outbox_, bytes.first(count));
  return count;
}

void ServerSession::finish_body() {
  if (phase_ != Phase::serving || answer_ != Answer::streaming) return;
  if (!writer_.finish(outbox_)) return abort("an answer was left unfinished");
  drop_unread_body();
  answer_given();
}

/// The peer's fault, or its slowness: answered when an answer is still possible, and the connection ends.
void ServerSession::refuse(const Refusal& refusal) {
  keep_alive_ = false;
  reading_ = Reading::nothing;
  if (answer_ == Answer::given) return complete_when_done();  // what broke was no longer wanted
  if (answer_ == Answer::streaming) return abort(refusal.reason);
  if (answer_ == Answer::none) head_request_ = old_version_ = false;  // nothing is known of this request
  event_.reset();
  end_due_ = false;
  failure_ = Failed{refusal.status, refusal.reason};
  std::string text = std::to_string(refusal.status);
  text.append(" ").append(reason_phrase(refusal.status)).append(": ").append(refusal.reason).append("\n");
  Response response{refusal.status, {}};
  response.fields.add("Content-Type", "text/plain; charset=utf-8");
  const bool has_content = !head_request_;
  Body body = std::move(text);
  write_head(response, body);
  if (has_content) outbox_.add_body(std::move(body));
  start_flushing();
}

}  // namespace sluice::http
