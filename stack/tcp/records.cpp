// Connections into records and back (half_open.hpp, time_wait.hpp): the state machine exists once.
#include <algorithm>
#include <chrono>

#include "stack/tcp/connection.hpp"
#include "stack/tcp/half_open.hpp"
#include "stack/tcp/syn_cookies.hpp"
#include "stack/tcp/time_wait.hpp"

namespace sluice::tcp {

HalfOpen Connection::freeze_half_open() const noexcept {
  assert(state_ == State::syn_received && passive_);
  HalfOpen record;
  record.listener = cold_->listener;
  record.deadline = deadlines_[static_cast<std::size_t>(Timer::retransmit)];
  record.sent_at = sent_at_;
  record.next_challenge_at = cold_->next_challenge_at;
  record.iss = static_cast<std::uint32_t>(snd_.iss.wire());
  record.irs = static_cast<std::uint32_t>(rcv_.irs.wire());
  record.ts_recent = ts_.recent;
  record.peer_mss = snd_.peer_mss;
  record.window = static_cast<std::uint16_t>(snd_.wnd);
  record.send_scale = snd_.scale;
  record.receive_scale = rcv_.scale;
  record.backoff = backoff_;
  record.sack = sack_;
  record.scaling = scaling_;
  record.timestamps = ts_.on;
  if (const EcnState* ecn = cold_->ecn.get()) {
    record.ecn = static_cast<std::uint8_t>(ecn->mode) & 3;
    record.syn_mark = static_cast<std::uint8_t>(ecn->arrived) & 3;
    record.ecn_mute = !ecn->ect;
    record.syn_repeated = ecn->syn_repeated;
  }
  return record;
}

void Connection::thaw(const HalfOpen& record) {
  passive_ = true;
  sent_syn_ = true;
  state_ = State::syn_received;  // not an edge: it was there before
  cold_->listener = record.listener;
  sack_ = record.sack;
  scaling_ = record.scaling;
  snd_.iss = snd_.una = Seq::initial(WireSeq{record.iss});
  snd_.nxt = snd_.iss + 1;
  snd_.peer_mss = record.peer_mss;
  snd_.wnd = snd_.max_wnd = record.window;
  snd_.scale = record.send_scale;
  rcv_.irs = Seq::initial(WireSeq{record.irs});
  rcv_.nxt = rcv_.last_ack = rcv_.irs + 1;
  rcv_.edge = rcv_.nxt + std::min<std::size_t>(receive_buffer(), 65535);
  rcv_.scale = record.receive_scale;
  snd_.wl1 = rcv_.irs;
  snd_.wl2 = snd_.una;
  ts_.on = record.timestamps;
  ts_.recent = record.ts_recent;
  ts_.recent_at = record.sent_at;
  backoff_ = record.backoff;
  sent_at_ = record.sent_at;
  if (const auto mode = static_cast<EcnMode>(record.ecn); mode != EcnMode::off) {
    cold_->ecn = std::make_unique<EcnState>();
    cold_->ecn->mode = mode;
    cold_->ecn->arrived = static_cast<Ecn>(record.syn_mark);
    cold_->ecn->ect = !record.ecn_mute;
    cold_->ecn->syn_repeated = record.syn_repeated;
  }
  cold_->next_challenge_at = record.next_challenge_at;
  send_queue_.start(snd_.nxt);
  refresh_mss();
  deadlines_[static_cast<std::size_t>(Timer::retransmit)] = record.deadline;
}

void Connection::bake(const SynCookies& cookies) noexcept {
  const std::uint32_t clock = env_.timestamp(ts_.offset);
  const SynCookies::Numbers numbers = cookies.bake(tuple_, freeze_half_open(), clock, env_.now);
  snd_.iss = snd_.una = Seq::initial(WireSeq{numbers.iss});
  snd_.nxt = snd_.iss + 1;
  send_queue_.start(snd_.nxt);
  ts_.offset += numbers.timestamp - clock;
  stateless_ = true;
}

namespace {

std::int64_t whole_milliseconds(Time time) noexcept {
  return std::chrono::ceil<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

}  // namespace

TimeWait Connection::freeze_time_wait() const noexcept {
  assert(state_ == State::time_wait);
  TimeWait record;
  record.expires = deadlines_[static_cast<std::size_t>(Timer::closing)];
  record.snd_nxt = static_cast<std::uint32_t>(snd_.nxt.wire());
  record.rcv_nxt = static_cast<std::uint32_t>(rcv_.nxt.wire());
  record.ts_recent = ts_.recent;
  record.max_wnd = snd_.max_wnd;
  record.answers_at = static_cast<std::uint32_t>(whole_milliseconds(std::max(cold_->next_challenge_at, env_.now)));
  record.window = static_cast<std::uint16_t>(std::min<std::uint64_t>(rcv_.wnd() >> rcv_.scale, 65535));
  record.scale = rcv_.scale & 15;
  record.dscp = cold_->options.dscp & 63u;
  record.timestamps = ts_.on;
  if (is_accurate())
    record.ace = cold_->ecn->received.ace() & 7;
  else if (cold_->ecn && cold_->ecn->echo)
    record.ace = 1;
  return record;
}

void Connection::thaw(const TimeWait& record) {
  state_ = State::time_wait;
  fin_queued_ = detached_ = true;
  snd_.nxt = snd_.una = Seq::initial(WireSeq{record.snd_nxt});
  snd_.iss = snd_.una - 2;
  snd_.max_wnd = record.max_wnd;
  const std::int64_t now = whole_milliseconds(env_.now);
  const auto wait = static_cast<std::int32_t>(record.answers_at - static_cast<std::uint32_t>(now));
  if (wait > 0) cold_->next_challenge_at = Time(std::chrono::milliseconds(now + wait));
  rcv_.nxt = rcv_.last_ack = Seq::initial(WireSeq{record.rcv_nxt});
  rcv_.fin = rcv_.nxt - 1;
  rcv_.fin_known = true;
  // The window goes out as it last did; nothing can arrive in it any more.
  rcv_.scale = record.scale;
  const std::uint32_t window = std::uint32_t{record.window} << record.scale;
  rcv_.edge = rcv_.nxt + window;
  cold_->tuner.set_buffer(window);
  cold_->options.dscp = record.dscp;
  ts_.on = record.timestamps;
  ts_.recent = record.ts_recent;
  ts_.recent_at = record.expires - env_.config.time_wait;
  if (record.ace != 0) {  // the same bits on each ACK, whichever mode they come from
    cold_->ecn = std::make_unique<EcnState>();
    cold_->ecn->mode = EcnMode::accurate;
    cold_->ecn->received = AccurateEcnReceiver(record.ace);
    cold_->ecn->heard_first = true;
  }
  send_queue_.start(snd_.una - 1);
  deadlines_[static_cast<std::size_t>(Timer::closing)] = record.expires;
}

}  // namespace sluice::tcp
