// A session's patience: silence, messages that stand still, closes that are not answered.
#include <algorithm>
#include <utility>

#include "ws/session.hpp"

namespace sluice::ws {

Time Session::next_timeout() const noexcept {
  if (gave_up_ || settled()) return kNever;
  Time next = open() ? kNever : phase_deadline_;
  if (settings().send_timeout > Duration{} && !sender_.queue().empty()) next = std::min(next, output_deadline_);
  if (closed()) return next;
  if (open() && settings().idle_ping > Duration{}) next = std::min(next, phase_deadline_);
  if (settings().message_timeout > Duration{} && receiver_.in_message()) next = std::min(next, message_deadline_);
  return next;
}

void Session::handle_timeout(Time now) {
  if (!closed() && settings().message_timeout > Duration{}) watch_message(now);
  if (open() && settings().idle_ping > Duration{}) watch_silence(now);
  if (!gave_up_ && settings().send_timeout > Duration{}) watch_output(now);
  watch_close(now);
}

/// Silence asks for a Ping, more of it for the end (RFC 6455 5.5.2 calls it a keepalive).
void Session::watch_silence(Time now) {
  if (heard_) {
    heard_ = false;
    pinged_ = false;
    phase_deadline_ = now + settings().idle_ping;
    return;
  }
  if (now < phase_deadline_) return;
  if (pinged_) {
    on_fault(Fault::ping_unanswered);
    gave_up_ = true;
    return;
  }
  sender_.control(Opcode::ping, {});
  pinged_ = true;
  phase_deadline_ = now + settings().ping_timeout;
}

/// A message in progress must go on [A-WS-05].
void Session::watch_message(Time now) {
  if (!receiver_.in_message()) {
    message_deadline_ = Time::min();
    return;
  }
  if (receiver_.take_progress() || message_deadline_ == Time::min()) {
    message_deadline_ = now + settings().message_timeout;
  } else if (now >= message_deadline_) {
    on_fault(Fault::message_stalled);
  }
}

/// A peer that does not read holds our memory, so it must not do so for ever [A-WS-19].
void Session::watch_output(Time now) {
  if (sender_.queue().empty()) {
    output_deadline_ = Time::min();
  } else if (std::exchange(output_moved_, false) || output_deadline_ == Time::min()) {
    output_deadline_ = now + settings().send_timeout;
  } else if (now >= output_deadline_) {
    if (!closed()) on_fault(Fault::output_stalled);
    gave_up_ = true;
  }
}

/// Our Close waits for the peer's, then for the end of its stream; never for ever [A-WS-15].
void Session::watch_close(Time now) {
  if (open() || settled()) return;
  if (phase_deadline_ == Time::min()) {
    phase_deadline_ = now + settings().close_timeout;
    return;
  }
  if (now < phase_deadline_) return;
  if (!closed()) on_fault(Fault::close_unanswered);
  gave_up_ = true;
}

}  // namespace sluice::ws
