// The input is read only when the session has room, and the session only when the output has.
#include "tools/ws_talk.hpp"

#include <fmt/format.h>

#include "tools/hex.hpp"

namespace sluice::tools {

void WsTalk::operator()(const ws::Opened& opened, ws::Session&) {
  closing_ = enough_ = false;
  close_at_ = kNever;
  end_.reset();
  say(fmt::format("open{}{}{}", opened.subprotocol.empty() ? "" : ", subprotocol ", opened.subprotocol,
                  opened.deflate ? ", compressed" : ""));
  output_.opened(options_.url, opened.subprotocol);
}

void WsTalk::operator()(const ws::Event& event, ws::Session& session) {
  if (const auto* data = std::get_if<ws::Data>(&event)) {
    on_data(*data, session);
  } else if (const auto* ping = std::get_if<ws::Ping>(&event)) {
    say(fmt::format("ping, {} bytes", ping->payload.size()));
    output_.ping(ping->payload);
  } else if (const auto* pong = std::get_if<ws::Pong>(&event)) {
    on_pong(pong->payload);
  } else {
    on_closed(std::get<ws::Closed>(event));
  }
}

void WsTalk::on_data(const ws::Data& data, ws::Session& session) {
  if (close_at_ != kNever) close_at_ = now_ + options_.wait;
  if (enough_ || !output_.data(data) || !options_.one) return;
  enough_ = true;
  close(session);
}

void WsTalk::on_pong(Bytes payload) {
  const bool latest = as_text(payload) == std::to_string(pings_) && pings_ > 0;
  const Duration after = latest ? Duration(now_ - pinged_at_) : Duration(-1);
  output_.pong(payload, after);
  say(latest ? fmt::format("pong after {}", lab::time_text(after)) : fmt::format("pong, {} bytes", payload.size()));
}

void WsTalk::on_closed(const ws::Closed& closed) {
  output_.closed(closed);
  end_ = End{closed.clean, closing_, closed.code, std::string(closed.reason)};
}

std::size_t WsTalk::wanted(const ws::Session& session) const noexcept {
  return session.writable() > 0 ? input_.wanted() : 0;
}

void WsTalk::speak(ws::Session& session) {
  send_input(session);
  if (!input_.ended() || input_.has_message() || closing_ || !options_.close_at_end) return;
  if (close_at_ == kNever) close_at_ = now_ + options_.wait;
  if (now_ >= close_at_) close(session);
}

void WsTalk::send_input(ws::Session& session) {
  while (session.writable() > 0 && input_.has_message()) {
    const lab::Parsed<WsMessage> message = input_.take();
    if (message) {
      (void)session.send((*message).type, (*message).payload);
      continue;
    }
    ++complaints_;
    if (options_.complain) options_.complain(message.error + " and was not sent");
  }
}

/// The number tells its Pong from others: a peer may send some unasked.
void WsTalk::ping(ws::Session& session) {
  if (!session.ping(as_bytes(std::to_string(pings_ + 1)))) return;
  ++pings_;
  pinged_at_ = now_;
}

void WsTalk::close(ws::Session& session) {
  if (session.close(options_.code, options_.reason)) closing_ = true;
}

}  // namespace sluice::tools
