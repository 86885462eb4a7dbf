// What an acceptable ACK changes (RFC 9293 3.10.7.4, fifth): snd.una, the window, and what recovery, the RTT estimator
// and congestion control learn from it.
#include <algorithm>
#include <array>

#include "stack/tcp/connection.hpp"

namespace sluice::tcp {

// RFC 5681 section 2, but for (a): whether anything is out, recovery knows.
bool Connection::is_duplicate_ack(const Segment& segment) const noexcept {
  const bool same_window = std::uint32_t{segment.header.window} << snd_.scale == snd_.wnd;
  return segment.ack == snd_.una && segment.length() == 0 && same_window;
}

// What is echoed left before the end of its tick, by our own clock [R8985-6.2-2]. An echo of the future is none.
Time Connection::echoed_before(const Segment& segment) const noexcept {
  const wire::tcp::Options& options = segment.header.options;
  if (!ts_.on || !options.timestamps) return kNever;
  const auto age = static_cast<std::int32_t>(env_.timestamp(ts_.offset) - options.ts_echo);
  if (age < 0) return kNever;
  const auto tick = std::chrono::floor<std::chrono::milliseconds>(env_.now);
  return Time(tick) - std::chrono::milliseconds(age - 1);
}

void Connection::take_acknowledgement(const Segment& segment) {
  const bool window_was_closed = snd_.wnd == 0;
  // What answers a probe of a closed window tells of no loss: the byte was refused [9293 MUST-37].
  const bool duplicate = is_duplicate_ack(segment) && !window_was_closed;
  const bool advances = segment.ack > snd_.una;
  const std::size_t room_before = writable();
  update_send_window(segment);
  std::array<SeqRange, 4> sacks;
  const std::size_t sack_count = sack_ ? segment.header.options.sack_count : 0u;
  for (std::size_t i = 0; i < sack_count; ++i) {
    const wire::tcp::SackBlock& block = segment.header.options.sacks[i];
    sacks[i] = {Seq::unwrap(WireSeq{block.left}, snd_.una), Seq::unwrap(WireSeq{block.right}, snd_.una)};
  }
  if (advances) {
    if (snd_.una == snd_.iss) begin_data_phase();  // closed while in SYN-RECEIVED
    cold_->bytes_acked += std::min(segment.ack, send_queue_.end()) - std::min(snd_.una, send_queue_.end());
    snd_.una = segment.ack;
    send_queue_.release_before(snd_.una);
    cold_->evidence.on_acknowledged(snd_.una);
    env_.ip.confirm(tuple_.remote.address, env_.now);
    if (cold_->plpmtud) cold_->plpmtud->on_progress();
    timeouts_ = orphan_probes_ = 0;
    cold_->progress_at = env_.now;
  }
  bool paced_by_timer = false;
  if (recovery_ && segment.ack >= snd_.una) {
    RecoveryFacts facts = recovery_->on_ack({.ack = segment.ack,
                                             .sacks = std::span(sacks).first(sack_count),
                                             .duplicate = duplicate,
                                             .smss = effective_mss(),
                                             .now = env_.now,
                                             .echoed_before = echoed_before(segment),
                                             .congestion_echoed = segment.has(flag::ece) && !is_accurate()},
                                            rtt_);
    if (cold_->ecn) paced_by_timer = hear_of_marks(segment, facts);
    digest(facts);
    // The window opens again: what lay beyond it was lost for certain, and not by congestion.
    if (window_was_closed && snd_.wnd > 0 && outstanding() > 0) recovery_->on_refused();
    follow_mtu_probe();
  }
  if (window_was_closed && snd_.wnd > 0) backoff_ = 0;
  if (advances) {
    restart_retransmit_timer();
    schedule_probe();
    watch_progress();
    tell_writer(room_before);
  }
  if (paced_by_timer) wait_for_timer();
  if (unsent() > 0 || outstanding() > 0 || fin_queued_) request_output();
}

// Worth a call when a quarter of the buffer is free: for who was refused, and for who saw little room and stopped.
void Connection::tell_writer(std::size_t room_before) noexcept {
  const std::size_t low_water = cold_->options.unsent_low_water;
  const std::size_t worth = std::min(send_buffer() / 4, low_water > 0 ? (low_water + 1) / 2 : send_buffer());
  const bool grew_enough = writable() >= worth && (writer_waits_ || room_before < worth);
  if (!grew_enough) return;
  writer_waits_ = false;
  signal(Readiness::writable);
}

// RFC 9293 3.10.7.4, fifth: the window of the newest segment counts; an old one must not overwrite it.
void Connection::update_send_window(const Segment& segment) noexcept {
  const bool newer = snd_.wl1 < segment.seq || (snd_.wl1 == segment.seq && snd_.wl2 <= segment.ack);
  if (segment.ack < snd_.una || !newer) return;
  snd_.wnd = std::uint32_t{segment.header.window} << snd_.scale;  // [R7323-2.3-1]
  snd_.max_wnd = std::max(snd_.max_wnd, snd_.wnd);
  snd_.wl1 = segment.seq;
  snd_.wl2 = segment.ack;
  watch_window();
}

// A window in which not even a small full segment fits pins our text for as long as the peer likes [A-TCP-23].
void Connection::watch_window() noexcept {
  const bool enough = snd_.wnd >= std::min<std::uint32_t>(effective_mss(), 536);
  if (enough)
    cold_->starved_window_at = kNever;
  else if (cold_->starved_window_at == kNever)
    cold_->starved_window_at = env_.now;
}

void Connection::take_rtt_sample(const RecoveryFacts& facts) {
  const congestion::AckSample& sample = facts.sample;
  if (sample.rtt == Duration::zero()) return;
  const std::uint64_t per_ack = 2 * std::uint64_t{effective_mss()};
  if (facts.adapt_rtt) {
    rtt_.sample_after_spurious_timeout(sample.rtt, env_.now);
  } else {
    rtt_.sample(sample.rtt, env_.now,
                static_cast<std::uint32_t>(std::max<std::uint64_t>(1, sample.in_flight_before / per_ack)));
  }
  backoff_ = 0;
  if (env_.tracer.on())
    env_.tracer.tell(env_.now, TraceKind::rtt_sample, flow(),
                     {{"rtt_us", sample.rtt.count() / 1000},
                      {"srtt_us", rtt_.srtt().count() / 1000},
                      {"rttvar_us", rtt_.rttvar().count() / 1000},
                      {"rto_us", rtt_.rto().count() / 1000}});
}

// What recovery found out goes to the RTT estimator and to congestion control.
void Connection::digest(RecoveryFacts facts) {
  congestion::AckSample& sample = facts.sample;
  take_rtt_sample(facts);
  if (facts.duplicate_reported) env_.count(Counter::duplicates_reported);
  if (!congestion_) return;
  // One ACK may end a recovery and begin the next.
  if (facts.recovery_ended) congestion_->on_recovery_end(env_.now);
  if (facts.undo) {
    env_.count(facts.undo_timeout ? Counter::spurious_timeouts : Counter::spurious_recoveries);
    if (facts.undo_timeout) backoff_ = 0;
    congestion_->on_undo(env_.now);
  }
  if (facts.congestion_event) {
    if (!facts.probe_repaired) env_.count(Counter::fast_retransmits);
    if (!answered_by_mark()) congestion_->on_congestion_event(env_.now, facts.event_flight);
  }
  sample.cwnd_limited = cwnd_limited_;
  sample.ended_recovery = facts.recovery_ended && !facts.congestion_event;
  if (sample.newly_acked > 0 || sample.newly_delivered > 0 || facts.congestion_event) congestion_->on_ack(sample);
  if (!env_.tracer.on()) return;
  if (sample.newly_lost > 0)
    env_.tracer.tell(env_.now, TraceKind::loss, flow(),
                     {{"bytes", static_cast<std::int64_t>(sample.newly_lost)},
                      {"una", static_cast<std::int64_t>(snd_.una.number())}});
  env_.tracer.tell(env_.now, TraceKind::congestion, flow(),
                   {{"cwnd", static_cast<std::int64_t>(congestion_->cwnd())},
                    {"ssthresh", static_cast<std::int64_t>(congestion_->ssthresh())},
                    {"pipe", static_cast<std::int64_t>(sample.in_flight)}});
}

}  // namespace sluice::tcp
