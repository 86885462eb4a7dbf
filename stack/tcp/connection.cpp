// What all events of a connection share: changing state, failing, becoming established, asking for ACKs.
#include "stack/tcp/connection.hpp"

#include <array>

namespace sluice::tcp {
namespace {

std::unique_ptr<congestion::Controller> make_controller(CongestionControl kind, const congestion::Settings& settings) {
  switch (kind) {
    case CongestionControl::reno: return congestion::make_reno(settings);
    case CongestionControl::cubic: return congestion::make_cubic(settings);
    case CongestionControl::bbr: return congestion::make_bbr(settings);
  }
  return nullptr;
}

}  // namespace

std::string_view name(Timer timer) noexcept {
  static constexpr std::array<std::string_view, kTimerCount> kNames = {
      "retransmit", "persist", "override_sws", "delayed_ack", "keep_alive", "user_timeout", "closing"};
  return kNames[static_cast<std::size_t>(timer)];
}

/// The only place that writes the state.
void Connection::enter(State next) {
  assert(is_edge(state_, next));
  if (env_.tracer.on())
    env_.tracer.tell(env_.now, TraceKind::state, flow(), {{"from", 0, name(state_)}, {"to", 0, name(next)}});
  state_ = next;
  // What lingered is acknowledged: from here on the peer alone is waited for.
  if (next == State::fin_wait_2 && detached_) arm(Timer::closing, env_.now + fin_wait_2());
}

// Both directions end; what was received in order stays readable. REQUIRES state != CLOSED.
void Connection::finished_with_error(Errc error) {
  enter(State::closed);
  error_ = error;
  deadlines_.fill(kNever);
  send_queue_.clear();
  recovery_.reset();
  output_due_ = false;
  signal(Readiness::failed | Readiness::readable | Readiness::writable);
}

void Connection::fail(Errc error) {
  if (state_ == State::syn_sent || state_ == State::syn_received) env_.count(Counter::failed_opens);
  finished_with_error(error);
}

// SYN-SENT or SYN-RECEIVED to ESTABLISHED.
void Connection::establish() {
  enter(State::established);
  begin_data_phase();
  signal(Readiness::connected | Readiness::writable);
  // CLOSE came while text waited for the handshake (RFC 9293 3.10.4, SYN-RECEIVED).
  if (fin_queued_) enter(State::fin_wait_1);
}

// Our SYN is acknowledged: congestion control and the timers of an open connection begin.
void Connection::begin_data_phase() {
  env_.count(Counter::established);
  disarm(Timer::retransmit);
  refresh_mss();
  const bool syn_was_lost = backoff_ > 0;
  if (syn_was_lost)
    rtt_.syn_timed_out();
  else if (env_.now > sent_at_ && !(passive_ && snd_.nxt > snd_.iss + 1))  // something left after the SYN,ACK
    rtt_.sample(env_.now - sent_at_, env_.now);
  backoff_ = 0;
  start_congestion(syn_was_lost);
  begin_mtu_search();
  cold_->tuner.start(env_.now, rtt_.srtt());
  cold_->user_timeout_due = cold_->options.user_timeout_advertise > Duration::zero();
  cold_->progress_at = env_.now;
  watch_keep_alive();
  watch_progress();
  request_output();
}

// [R5681-3.1-4]: one segment after a lost SYN or SYN,ACK.
void Connection::start_congestion(bool syn_was_lost) {
  const std::uint32_t smss = effective_mss();
  cold_->initial_window = static_cast<std::uint32_t>(syn_was_lost ? smss : congestion::initial_window(smss));
  const Options& options = cold_->options;
  const bool may_rest = congestion_kind_ != CongestionControl::bbr && !options.pacing &&
                        options.ecn_response == EcnResponse::classic && !recovery_;
  if (!may_rest) make_congestion(options.pacing, options.ecn_response);
}

void Connection::make_congestion(bool pacing, EcnResponse ecn) {
  congestion_ = make_controller(
      congestion_kind_,
      {.smss = effective_mss(), .initial = cwnd(), .pacing = pacing, .ecn = ecn, .seed = snd_.iss.number()});
}

congestion::Controller& Connection::controller() {
  if (!congestion_) make_congestion(false, EcnResponse::classic);
  return *congestion_;
}

// Before the first loss a controller knows nothing but its window: another one can go on from there.
Result<void> Connection::set_congestion(CongestionControl kind) {
  if (kind == congestion_kind_) return {};
  if (congestion_) {
    const bool recovers = recovery_ && recovery_->in_recovery();
    if (recovers || congestion_->ssthresh() != ~std::uint64_t{0}) return Errc::not_supported;
  }
  congestion_kind_ = kind;
  if (cwnd() > 0) make_congestion(cold_->options.pacing, cold_->options.ecn_response);
  return {};
}

Recovery& Connection::recovery() {
  if (!recovery_) {
    recovery_ = std::make_unique<Recovery>();
    recovery_->start(sack_, snd_.nxt, &env_.memory.ranges);
  }
  return *recovery_;
}

// The ACK leaves with the next output, after the whole batch of input [9293 MUST-58, MUST-59]; the first reason stays.
void Connection::request_ack(SendReason reason) noexcept {
  if (ack_due_ == SendReason::none) ack_due_ = reason;
  request_output();
}

// RFC 5961 7: per connection, with jitter, so that nobody can count our answers [A-TCP-04, A-TCP-15].
void Connection::request_limited_ack(SendReason reason) noexcept {
  const Duration interval = env_.config.challenge_ack_interval;
  if (env_.now < cold_->next_challenge_at) {
    env_.count(Counter::acks_suppressed);
    return;
  }
  if (interval > Duration::zero()) {
    const auto spread = static_cast<std::uint32_t>(interval / 4 / std::chrono::microseconds(1)) + 1;
    cold_->next_challenge_at =
        env_.now + interval - interval / 8 + std::chrono::microseconds(env_.jitter.below(spread));
  }
  if (reason == SendReason::challenge) env_.count(Counter::challenge_acks);
  request_ack(reason);
}

// Answers a segment that is refused. Two ends that disagree must not answer each other's bare ACKs for ever [A-TCP-15],
// and a SYN is answered as sparingly wherever it stands (RFC 5961 4.2 and 7) [A-TCP-02].
void Connection::refuse_with_ack(const Segment& segment, SendReason reason) noexcept {
  const bool carries_text = segment.length() > 0 && !segment.has(flag::syn);
  if (carries_text)
    request_ack(reason);
  else
    request_limited_ack(reason);
}

// RFC 9293 3.10.7.4: the other timers are turned off, 2 MSL begin [9293 MUST-13].
void Connection::enter_time_wait() {
  if (state_ != State::time_wait) enter(State::time_wait);
  deadlines_.fill(kNever);
  arm(Timer::closing, env_.now + env_.config.time_wait);
}

void Connection::reset_peer(SendReason reason) {
  ControlSegment reset{.tuple = tuple_, .header = {}, .hop_limit = hop_limit(), .dscp = cold_->options.dscp};
  reset.header.seq = static_cast<std::uint32_t>(control_seq().wire());
  reset.header.ack = static_cast<std::uint32_t>(rcv_.nxt.wire());
  reset.header.flags = flag::rst | flag::ack;
  if (ts_.on) {
    reset.header.options.timestamps = true;  // [R7323-3.2-2]
    reset.header.options.ts_value = env_.timestamp(ts_.offset);
    reset.header.options.ts_echo = ts_.recent;
  }
  send_reset(env_, reset, flow(), reason);
}

Seq Connection::control_seq() const noexcept { return state_ == State::syn_received ? snd_.nxt : snd_.acceptable(); }

Duration Connection::fin_wait_2() const noexcept {
  const Duration own = cold_->options.fin_wait_2;
  return own > Duration::zero() ? own : env_.config.fin_wait_2;
}

std::uint8_t Connection::hop_limit() const noexcept {
  return cold_->options.hop_limit != 0 ? cold_->options.hop_limit : env_.ip.config().hop_limit;
}

// TCPhdrsize counts the timestamps that every segment carries.
std::uint32_t Connection::effective_mss() const noexcept { return ts_.on ? mss_ - 12 : mss_; }

}  // namespace sluice::tcp
