// What happens when a deadline passes (RFC 9293 3.8.1, 3.8.3, 3.8.4, 3.8.6.1, 3.10.8; RFC 6298).
#include <algorithm>

#include "stack/tcp/connection.hpp"

namespace sluice::tcp {

Time Connection::next_deadline() const noexcept {
  const Time recovery = recovery_ ? recovery_->next_deadline() : kNever;
  return std::min(
      {recovery, cold_->small_again_at, cold_->release_at, *std::min_element(deadlines_.begin(), deadlines_.end())});
}

void Connection::arm(Timer which, Time deadline) noexcept {
  deadlines_[static_cast<std::size_t>(which)] = deadline;
  if (env_.tracer.on())
    env_.tracer.tell(env_.now, TraceKind::timer_set, flow(),
                     {{"timer", 0, name(which)}, {"in_us", (deadline - env_.now).count() / 1000}});
}

void Connection::handle_timeouts() {
  if (recovery_ && recovery_->probe_deadline() <= env_.now) probe_timeout();
  for (std::size_t i = 0; i < kTimerCount && state_ != State::closed; ++i) {
    if (deadlines_[i] > env_.now) continue;
    deadlines_[i] = kNever;
    const auto which = static_cast<Timer>(i);
    if (env_.tracer.on()) env_.tracer.tell(env_.now, TraceKind::timer_fired, flow(), {{"timer", 0, name(which)}});
    fire(which);
  }
  if (std::min(cold_->small_again_at, cold_->release_at) <= env_.now) {
    cold_->small_again_at = cold_->release_at = kNever;
    request_output();
  }
  if (recovery_ && recovery_->reorder_deadline() <= env_.now) {
    digest(recovery_->on_reorder_timer(env_.now, rtt_));
    follow_mtu_probe();
    request_output();
  }
}

void Connection::fire(Timer which) {
  switch (which) {
    case Timer::retransmit: return retransmission_timeout();
    case Timer::persist: return persist_timeout();
    case Timer::override_sws: override_due_ = true; return request_output();
    case Timer::delayed_ack: return request_ack(SendReason::delayed_ack);
    case Timer::keep_alive: return keep_alive_timeout();
    case Timer::user_timeout: return user_timeout_expired();
    case Timer::closing: return closing_timeout();
  }
}

// RFC 6298 5.4 to 5.7.
void Connection::retransmission_timeout() {
  if (release_held()) return;
  env_.count(Counter::timeouts);
  if (state_ == State::syn_sent || state_ == State::syn_received) return handshake_timeout();
  if (snd_.una == snd_.iss) {                                         // closed before our SYN,ACK was acknowledged
    if (timeouts_ >= env_.config.syn_ack_retries) return time_out();  // [A-TCP-38]
    syn_due_ = true;
  }
  if (honour_claim()) return arm(Timer::retransmit, env_.now + rtt_.rto(backoff_));
  if (timeouts_ >= env_.config.r2 && user_timeout() == Duration::zero()) return time_out();
  const bool first = timeouts_ == 0;
  if (timeouts_ == env_.config.r1) {
    env_.count(Counter::r1_advice);  // [9293 MUST-20] RFC 1122's advice to IP: look for another route
    refresh_mss();
    soft_error_ = Errc::timed_out;  // [9293 SHLD-9]
  }
  if (timeouts_ < 255) ++timeouts_;
  if (backoff_ < 255) ++backoff_;
  if (recovery_) {
    RecoveryFacts facts = recovery_->on_timeout(env_.now, rtt_);
    if (congestion_) congestion_->on_timeout(env_.now, facts.event_flight, first);
    note_reduction();
    digest(facts);
    follow_mtu_probe();
    leave_black_hole();
  }
  arm(Timer::retransmit, env_.now + rtt_.rto(backoff_));
  request_output();
}

// RFC 8985 7.3: a probe, or not; the retransmission timer takes over again [R8985-7.3-3, R8985-8-1].
void Connection::probe_timeout() {
  if (env_.tracer.on()) env_.tracer.tell(env_.now, TraceKind::timer_fired, flow(), {{"timer", 0, "tail_loss_probe"}});
  restart_retransmit_timer();
  recovery_->on_probe_timer();
  request_output();
}

void Connection::schedule_probe() noexcept {
  const Time rto_deadline = deadlines_[static_cast<std::size_t>(Timer::retransmit)];
  if (recovery_) recovery_->schedule_probe(env_.now, rto_deadline, effective_mss(), rtt_);
}

// SYN and SYN,ACK are repeated by the same rules, with limits of their own [9293 MUST-22, MUST-23].
void Connection::handshake_timeout() {
  const std::uint8_t own = cold_->options.syn_retries;
  const std::uint8_t active = own != 0 ? own : env_.config.syn_retries;
  const std::uint8_t limit = passive_ ? env_.config.syn_ack_retries : active;
  if (backoff_ >= limit) return time_out();
  ++backoff_;
  syn_due_ = true;
  fast_open_timed_out();
  arm(Timer::retransmit, env_.now + rtt_.rto(backoff_));
  request_output();
}

// RFC 9293 3.8.6.1: a probe now, the next one after twice the time [9293 MUST-36, SHLD-30].
void Connection::persist_timeout() {
  const bool hopeless = unanswered_probes_ >= env_.config.r2 && user_timeout() == Duration::zero();
  // Nobody is left to hear of an endless stall: an orphan gets as many probes as a dead peer would.
  const bool orphan_stalled = detached_ && ++orphan_probes_ > env_.config.r2;
  if (hopeless) return time_out();
  if (orphan_stalled) return abort();
  ++unanswered_probes_;
  if (backoff_ < 255) ++backoff_;
  probe_due_ = true;
  arm(Timer::persist, env_.now + rtt_.rto(backoff_));
  request_output();
}

// RFC 9293 3.8.4: only on an idle line, and one lost probe proves nothing [9293 MUST-26, MUST-29].
void Connection::keep_alive_timeout() {
  const KeepAlive& settings = cold_->options.keep_alive;
  if (!settings.on) return;
  const Time idle_since = std::max(heard_at_, sent_at_);
  const bool line_idle = outstanding() == 0 && unsent() == 0;
  if (!line_idle) return arm(Timer::keep_alive, env_.now + keep_alive_idle());
  if (keep_alive_probes_ == 0 && env_.now < idle_since + keep_alive_idle()) return watch_keep_alive();
  if (keep_alive_probes_ >= settings.probes) {
    reset_peer(SendReason::abort);
    return time_out();
  }
  ++keep_alive_probes_;
  keep_alive_due_ = true;
  arm(Timer::keep_alive, env_.now + settings.interval);
  request_output();
}

void Connection::watch_keep_alive() noexcept {
  const KeepAlive& settings = cold_->options.keep_alive;
  if (!settings.on || !is_synchronized(state_) || state_ == State::time_wait) return disarm(Timer::keep_alive);
  arm(Timer::keep_alive, std::max(env_.now + Duration(1), std::max(heard_at_, sent_at_) + keep_alive_idle()));
}

// The user timeout runs from the moment when progress stopped, while something waits to be acknowledged.
void Connection::watch_progress() noexcept {
  const Duration limit = user_timeout();
  const bool waiting = outstanding() > 0 || unsent() > 0 || (fin_queued_ && !our_fin_acknowledged());
  if (limit == Duration::zero() || !waiting || state_ == State::closed) return disarm(Timer::user_timeout);
  if (armed(Timer::user_timeout)) return;
  cold_->progress_at = env_.now;
  arm(Timer::user_timeout, env_.now + limit);
}

// It runs only while something waits: text or a FIN, sent or not.
void Connection::user_timeout_expired() {
  const Time due = cold_->progress_at + user_timeout();
  if (env_.now < due) return arm(Timer::user_timeout, due);
  if (is_synchronized(state_)) reset_peer(SendReason::abort);
  time_out();
}

void Connection::closing_timeout() {
  switch (state_) {
    case State::time_wait:
    case State::fin_wait_2:
      enter(State::closed);
      deadlines_.fill(kNever);
      return;
    default: return abort();  // linger: text or FIN wasn't acknowledged in time
  }
}

// R2 passed: delete the TCB, tell the user; a soft error that ICMP reported says more than "timed out" [9293 MUST-56].
void Connection::time_out() {
  env_.count(Counter::connections_timed_out);
  const bool icmp_told = soft_error_ != Errc::none && soft_error_ != Errc::timed_out;
  fail(icmp_told ? soft_error_ : Errc::timed_out);
}

// RFC 6298 5.3.
void Connection::restart_retransmit_timer() noexcept {
  if (outstanding() == 0)
    disarm(Timer::retransmit);
  else
    arm(Timer::retransmit, env_.now + rtt_.rto(backoff_));
}

}  // namespace sluice::tcp
