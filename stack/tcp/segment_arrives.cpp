// SEGMENT ARRIVES (RFC 9293 3.10.7): one function a paragraph, in the RFC's order, with the checks of RFC 5961 and
// RFC 7323 where those RFCs put them; what an ACK acknowledges is in acknowledgement.cpp. Nothing is sent from here:
// flags are raised, and output looks at them.
#include <algorithm>

#include "stack/tcp/connection.hpp"

namespace sluice::tcp {
namespace {

// RFC 7323 5.5: TS.Recent is worth nothing after 24 days.
constexpr Duration kTimestampLife = std::chrono::hours(24 * 24);

constexpr bool earlier(std::uint32_t a, std::uint32_t b) noexcept { return static_cast<std::int32_t>(a - b) < 0; }

}  // namespace

void Connection::segment_arrives(Segment& segment) {
  place(segment);
  cold_->segments_in += segment.packets();
  if (env_.tracer.on()) trace_arrival(segment);
  switch (state_) {
    case State::closed: return;  // 3.10.7.1 is the Layer's: it answers for connections that don't exist
    case State::listen: return arrives_in_listen(segment);
    case State::syn_sent: return arrives_in_syn_sent(segment);
    default: return arrives_synchronized(segment);
  }
}

// The segment's numbers lose their modulus: its SEQ lies near rcv.nxt, its ACK near snd.nxt.
void Connection::place(Segment& segment) const noexcept {
  const WireSeq seq{segment.header.seq};
  const bool knows_peer = state_ != State::listen && state_ != State::syn_sent;
  segment.seq = knows_peer ? Seq::unwrap(seq, rcv_.nxt) : Seq::initial(seq);
  segment.ack = Seq::unwrap(WireSeq{segment.header.ack}, snd_.nxt);
}

// --- 3.10.7.2 LISTEN ---------------------------------------------------------------------------------------------

void Connection::arrives_in_listen(Segment& segment) {
  if (segment.has(flag::rst)) return;  // first: RST
  if (segment.has(flag::ack)) {        // second: ACK
    env_.drop(Counter::drop_bad_ack, segment);
    return reply_with_reset(env_, segment, SendReason::reset_bad_ack);
  }
  if (!segment.has(flag::syn)) return env_.drop(Counter::drop_no_ack_bit, segment);  // fourth: anything else
  // third: SYN. Text and FIN on it are not taken, unless a cookie vouches for it: the peer sends them again.
  sack_ = env_.config.sack;
  scaling_ = env_.config.window_scaling;
  ts_.on = env_.config.timestamps;
  learn_from_syn(segment);
  answer_ecn(segment);
  snd_.iss = Seq::initial(env_.initial_sequence(tuple_));
  snd_.una = snd_.iss;
  snd_.nxt = snd_.iss + 1;
  send_queue_.start(snd_.nxt);
  enter(State::syn_received);
  take_syn_text(segment);
  syn_due_ = true;
  request_output();
}

// What both kinds of SYN tell: RFC 9293 3.7.1, RFC 7323 2.2 and 3.2, RFC 2018 2. An option counts only if both sides
// sent it.
void Connection::learn_from_syn(const Segment& segment) {
  const wire::tcp::Options& options = segment.header.options;
  rcv_.irs = segment.seq;
  rcv_.nxt = rcv_.last_ack = segment.seq + 1;
  rcv_.edge = rcv_.nxt + std::min<std::size_t>(receive_buffer(), 65535);
  if (options.mss) snd_.peer_mss = *options.mss;
  sack_ = sack_ && options.sack_permitted;
  scaling_ = scaling_ && options.window_scale.has_value();
  snd_.scale = scaling_ ? std::min<std::uint8_t>(*options.window_scale, 14) : std::uint8_t{0};  // [R7323-2.3-3]
  if (!scaling_) rcv_.scale = 0;
  ts_.on = ts_.on && options.timestamps;
  if (ts_.on) {
    ts_.recent = options.ts_value;
    ts_.recent_at = env_.now;
  }
  snd_.wnd = snd_.max_wnd = segment.header.window;  // never scaled on a SYN [R7323-2.2-3]
  snd_.wl1 = segment.seq;
  snd_.wl2 = segment.has(flag::ack) ? segment.ack : snd_.una;
  refresh_mss();
  learn_user_timeout(segment);
}

// --- 3.10.7.3 SYN-SENT -------------------------------------------------------------------------------------------

void Connection::arrives_in_syn_sent(Segment& segment) {
  const bool acks_our_syn = segment.has(flag::ack) && snd_.iss < segment.ack && segment.ack <= snd_.nxt;
  if (segment.has(flag::ack) && !acks_our_syn) {  // first: ACK
    env_.drop(Counter::drop_bad_ack, segment);
    return reply_with_reset(env_, segment, SendReason::reset_bad_ack);
  }
  if (segment.has(flag::rst)) {  // second: RST, valid only if it acknowledges the SYN [R5961-3.2-4]
    if (!acks_our_syn) return env_.drop(Counter::drop_bad_reset, segment);
    env_.count(Counter::resets_in);
    if (retry_without_ecn()) return;
    return fail(Errc::connection_refused);
  }
  if (!segment.has(flag::syn)) return env_.drop(Counter::drop_no_ack_bit, segment);  // fifth: neither SYN nor RST

  learn_from_syn(segment);  // fourth: SYN
  heard_at_ = env_.now;
  if (!acks_our_syn) {
    // Simultaneous open [9293 MUST-10]: our SYN goes again, now with an ACK.
    answer_ecn(segment);
    enter(State::syn_received);
    syn_due_ = true;
    return request_output();
  }
  fast_open_answered(segment);
  snd_.una = segment.ack;
  establish();
  conclude_ecn(segment);
  request_ack(SendReason::handshake_ack);
  if (segment.text_size == 0 && !segment.has(flag::fin)) return;
  // Controls or text beside the SYN: go on at the sixth step, with the SYN taken.
  segment.remove_syn();
  check_urgent(segment);
  if (take_text(segment)) check_fin(segment);
}

// --- 3.10.7.4 all other states -----------------------------------------------------------------------------------

void Connection::arrives_synchronized(Segment& segment) {
  if (!check_timestamps(segment)) return;  // RFC 7323 5.3 R1, before the first [R7323-5.3-2]
  if (!check_sequence(segment)) return;    // first
  note_timestamp(segment);
  if (!check_reset(segment)) return;  // second; third, security and compartment, is not built (declared)
  if (!check_syn(segment)) return;    // fourth
  if (!check_ack(segment)) return;    // fifth
  const bool marks_to_tell = cold_->ecn && note_mark(segment);
  check_urgent(segment);            // sixth
  if (!take_text(segment)) return;  // seventh
  check_fin(segment);               // eighth
  if (marks_to_tell) request_ack(SendReason::ecn_feedback);
}

// RFC 7323 5.3 R1 (PAWS), and 3.2: once agreed on, every segment but RST carries timestamps.
bool Connection::check_timestamps(const Segment& segment) {
  if (!ts_.on || segment.has(flag::rst)) return true;  // [R7323-5.2-1]
  const wire::tcp::Options& options = segment.header.options;
  if (!options.timestamps) {
    if (segment.has(flag::syn)) return true;  // a peer that restarted: the fourth step answers it
    env_.drop(Counter::drop_missing_timestamp, segment);
    return false;
  }
  const bool old = earlier(options.ts_value, ts_.recent) && recent_stamp_counts();
  if (!old || is_late_duplicate_ack(segment)) return true;
  env_.drop(Counter::drop_paws, segment);
  note_duplicate_segment(segment);
  refuse_with_ack(segment, SendReason::paws);
  return false;
}

// A bare ACK that another segment overtook has an older timestamp, and yet it may be the only one that tells of a SACK
// block. It is let through, against the letter of R1 (declared), if all that it can change is the scoreboard: it stands
// at rcv.nxt exactly, repeats snd.una and the window, and is late by no more than a retransmission timeout. An old
// duplicate from an earlier use of the sequence numbers is late by minutes.
bool Connection::is_late_duplicate_ack(const Segment& segment) const noexcept {
  const bool bare = segment.header.flags == flag::ack && segment.text_size == 0;
  if (!sack_ || segment.header.options.sack_count == 0 || outstanding() == 0) return false;
  if (!bare || segment.seq != rcv_.nxt || !is_synchronized(state_) || !is_duplicate_ack(segment)) return false;
  const std::chrono::milliseconds late(ts_.recent - segment.header.options.ts_value);
  return late <= rtt_.rto();
}

// RFC 2883 4: the next ACK tells of the latest duplicate.
void Connection::note_duplicate(SeqRange range) noexcept {
  if (sack_ && !range.empty() && state_ != State::time_wait) cold_->duplicate = range;
}

// Of a segment that is refused because all of it is known.
void Connection::note_duplicate_segment(const Segment& segment) noexcept {
  if (segment.has(flag::syn) || segment.end() > rcv_.nxt || segment.seq <= rcv_.irs) return;
  note_duplicate({segment.seq, segment.end()});
}

// First, check sequence number: does any of it lie in the window? An empty segment may stand right at the edge too, as
// the ACKs of a peer do that has filled our window.
bool Connection::check_sequence(Segment& segment) {
  // The SYN,ACK of a peer whose SYN crossed ours repeats a number that is taken; its ACK counts all the same (A.2).
  const bool crossed = state_ == State::syn_received && !passive_ && segment.has(flag::syn) && segment.has(flag::ack) &&
                       segment.seq == rcv_.irs;
  if (crossed) segment.remove_syn();
  const Seq first = segment.seq;
  const bool acceptable =
      segment.length() == 0 ? rcv_.nxt <= first && first <= rcv_.edge : first < rcv_.edge && rcv_.nxt < segment.end();
  if (acceptable) {
    heard_at_ = env_.now;
    keep_alive_probes_ = 0;
    return true;
  }
  const bool window_closed = rcv_.wnd() == 0;
  if (window_closed && first == rcv_.nxt && !segment.has(flag::syn)) {
    // Nothing fits, but ACK, URG and RST still count [9293 MUST-66]; the answer tells the window.
    heard_at_ = env_.now;
    if (!segment.has(flag::rst)) request_ack(SendReason::unacceptable);
    segment.trim_text_to(0);
    return true;
  }
  // Windows closed both ways but for what the scale can't show, and each end took the other's probe: their ACKs stand
  // before it, at SND.UNA, and if neither counted both would probe in vain for ever.
  const bool looks_closed = rcv_.wnd() >> rcv_.scale == 0;
  if (looks_closed && segment.length() == 0 && first + 1 == rcv_.nxt && !segment.has(flag::rst)) {
    heard_at_ = env_.now;
    request_limited_ack(SendReason::unacceptable);
    return true;
  }
  env_.drop(Counter::drop_unacceptable, segment);
  answer_unacceptable(segment);
  return false;
}

void Connection::answer_unacceptable(const Segment& segment) {
  if (segment.has(flag::rst)) return;  // [R5961-3.2-3]
  const bool repeated_syn = state_ == State::syn_received && segment.has(flag::syn) && segment.seq == rcv_.irs;
  if (repeated_syn && !repeat_ecn(segment)) {
    reset_peer(SendReason::reset_mixed_ecn);
    return passive_ ? enter(State::listen) : fail(Errc::connection_aborted);
  }
  if (repeated_syn) {
    syn_due_ = true;  // our SYN,ACK was lost: it says more than a bare ACK
    return request_output();
  }
  const bool repeated_fin = segment.has(flag::fin) && segment.end() == rcv_.nxt;
  if (state_ == State::time_wait && repeated_fin) enter_time_wait();  // restart the 2 MSL
  heard_at_ = env_.now;
  keep_alive_probes_ = 0;
  note_duplicate_segment(segment);
  const bool again = repeats_accurate_syn_ack(segment);
  refuse_with_ack(segment, again ? SendReason::handshake_ack : SendReason::unacceptable);
}

bool Connection::recent_stamp_counts() const noexcept { return env_.now - ts_.recent_at < kTimestampLife; }

// RFC 7323 4.3 (2): TS.Recent comes from the segment that holds the left edge of what we will acknowledge.
void Connection::note_timestamp(const Segment& segment) noexcept {
  const wire::tcp::Options& options = segment.header.options;
  if (!ts_.on || !options.timestamps || segment.has(flag::rst)) return;
  const bool older = earlier(options.ts_value, ts_.recent) && recent_stamp_counts();
  if (segment.seq > rcv_.last_ack || older) return;
  ts_.recent = options.ts_value;
  ts_.recent_at = env_.now;
}

// Second, check the RST bit (RFC 5961 3): only the exact number resets; a near one is asked to prove itself.
bool Connection::check_reset(const Segment& segment) {
  if (!segment.has(flag::rst)) return true;
  if (state_ == State::time_wait) {  // RFC 1337 [A-TCP-12]
    env_.drop(Counter::drop_bad_reset, segment);
    return false;
  }
  if (segment.seq != rcv_.nxt) {
    env_.drop(Counter::drop_bad_reset, segment);
    if (segment.seq < rcv_.edge) request_limited_ack(SendReason::challenge);  // [R5961-3.2-2]
    return false;
  }
  env_.count(Counter::resets_in);
  if (state_ == State::syn_received) {
    if (fast_opened()) cold_->fast_open->reset_by_peer = true;
    if (passive_ && !fast_opened())
      enter(State::listen);  // the listener is as if nothing had come
    else
      fail(passive_ ? Errc::connection_reset : Errc::connection_refused);
    return false;
  }
  const bool all_done = state_ == State::closing || state_ == State::last_ack;
  if (all_done && detached_)
    finished_with_error(Errc::none);
  else
    fail(Errc::connection_reset);
  return false;
}

// Fourth, check the SYN bit (RFC 5961 4): in synchronized states a SYN proves nothing.
bool Connection::check_syn(const Segment& segment) {
  if (!segment.has(flag::syn)) return true;
  if (state_ == State::syn_received && passive_ && !fast_opened()) {
    enter(State::listen);
    return false;
  }
  env_.drop(Counter::drop_unacceptable, segment);
  request_limited_ack(SendReason::challenge);
  return false;
}

// Fifth, check the ACK field.
bool Connection::check_ack(const Segment& segment) {
  if (!segment.has(flag::ack)) {
    env_.drop(Counter::drop_no_ack_bit, segment);
    return false;
  }
  if (state_ == State::syn_received && !ack_in_syn_received(segment)) return false;
  return process_ack(segment);
}

bool Connection::ack_in_syn_received(const Segment& segment) {
  if (snd_.una < segment.ack && segment.ack <= snd_.nxt) {
    take_back_syn_text(segment.ack);  // it crossed the peer's SYN
    snd_.una = snd_.iss + 1;
    establish();
    take_third_ack(segment);
    if (syn_due_) request_ack(SendReason::handshake_ack);  // our SYN,ACK had no time to leave
    syn_due_ = false;
    return true;
  }
  env_.drop(Counter::drop_bad_ack, segment);
  reply_with_reset(env_, segment, SendReason::reset_bad_ack);
  return false;
}

// ESTABLISHED and later; what the states add comes after what they share.
bool Connection::process_ack(const Segment& segment) {
  const bool too_new = segment.ack > snd_.nxt;
  const bool too_old = segment.ack + snd_.max_wnd < snd_.una;  // RFC 5961 5 [A-TCP-03]
  if (too_new || too_old) {
    env_.drop(Counter::drop_bad_ack, segment);
    request_limited_ack(SendReason::challenge);
    return false;
  }
  unanswered_probes_ = 0;
  if (segment.header.options.user_timeout != 0) learn_user_timeout(segment);
  take_acknowledgement(segment);
  return ack_of_fin();
}

// The states' own paragraphs of the fifth step. False: the segment is done with.
bool Connection::ack_of_fin() {
  if (!our_fin_acknowledged()) return state_ != State::closing && state_ != State::last_ack;
  switch (state_) {
    case State::fin_wait_1: enter(State::fin_wait_2); return true;
    case State::closing: enter_time_wait(); return false;
    case State::last_ack:
      enter(State::closed);
      deadlines_.fill(kNever);
      signal(Readiness::readable);
      return false;
    default: return true;
  }
}

// Sixth, check the URG bit: the mark only ever moves ahead, and the user hears of each move [9293 MUST-32].
void Connection::check_urgent(const Segment& segment) noexcept {
  if (!segment.has(flag::urg) || !may_receive_text(state_)) return;
  const Seq up = segment.seq + segment.header.urgent;
  if (up <= cold_->receive_up || up <= rcv_.nxt - receive_queue_.readable()) return;
  cold_->receive_up = up;
  urgent_told_ = true;
  signal(Readiness::urgent);
}

// Seventh, process the segment text. False: the connection is gone.
bool Connection::take_text(Segment& segment) {
  if (segment.text_size == 0 || !may_receive_text(state_)) return true;
  const Seq limit = rcv_.fin_known ? std::min(rcv_.fin, rcv_.edge) : rcv_.edge;
  if (segment.seq < rcv_.nxt) {
    const std::uint64_t known = std::min<std::uint64_t>(rcv_.nxt - segment.seq, segment.text_size);
    env_.count(Counter::duplicate_bytes, known);
    note_duplicate({segment.seq, segment.seq + known});
    segment.trim_front(known);
  }
  if (segment.text_size == 0) {
    request_ack(SendReason::unacceptable);
    return true;
  }
  if (detached_) {
    // CLOSE was called and nobody will read this [9293 SHLD-3].
    env_.count(Counter::late_data_resets);
    reset_peer(SendReason::reset_late_data);
    finished_with_error(Errc::connection_aborted);
    return false;
  }
  if (segment.seq + segment.text_size > limit) segment.trim_text_to(limit > segment.seq ? limit - segment.seq : 0);
  rcv_.largest = std::max(rcv_.largest, segment.segment_size());
  const bool had_gap = receive_queue_.has_gap();
  if (had_gap) note_duplicate(receive_queue_.held({segment.seq, segment.seq + segment.text_size}));
  const auto taken =
      receive_queue_.take(segment.seq, segment.packet.part(segment.text_offset, segment.text_size), rcv_.nxt);
  schedule_ack_for_text(segment, taken, had_gap);
  return true;
}

// RFC 9293 3.8.6.3, RFC 5681 4.2: at once for gaps, for two full segments, early on, after a gap and while few come;
// else within the delay.
void Connection::schedule_ack_for_text(const Segment& segment, ReceiveQueue::Taken taken, bool had_gap) noexcept {
  using Taken = ReceiveQueue::Taken;
  if (taken == Taken::no_memory) env_.count(Counter::drop_memory);
  if (taken == Taken::too_many_pieces) env_.count(Counter::drop_out_of_order_limit);
  if (taken == Taken::out_of_order) env_.count(Counter::out_of_order_segments);
  if (taken != Taken::in_order) return request_ack(SendReason::gap);
  env_.ip.confirm(tuple_.remote.address, env_.now);  // new text: our ACKs arrive
  note_text_round(segment);
  signal(Readiness::readable);
  unacked_text_ += segment.text_size;
  if (had_gap) {
    if (!receive_queue_.has_gap()) quick_acks_ = env_.config.quick_acks;  // the sender's window is small now
    return request_ack(SendReason::gap);
  }
  if (quick_acks_ > 0) {
    quick_acks_ = static_cast<std::uint8_t>(quick_acks_ - std::min<std::uint32_t>(quick_acks_, segment.packets()));
    return request_ack(SendReason::quick_ack);
  }
  if (unacked_text_ >= 2 * rcv_.largest) return request_ack(SendReason::second_segment);
  if (!armed(Timer::delayed_ack)) arm(Timer::delayed_ack, env_.now + env_.config.delayed_ack);
}

// One more sample of how long a round trip takes, for the size of the receive buffer and for quick ACKs.
void Connection::note_text_round(const Segment& segment) noexcept {
  const wire::tcp::Options& options = segment.header.options;
  Duration echoed{};
  if (ts_.on && options.timestamps)
    echoed = std::chrono::milliseconds(std::max<std::uint32_t>(env_.timestamp(ts_.offset) - options.ts_echo, 1));
  cold_->tuner.on_text(env_.now, echoed, rcv_.nxt, rcv_.edge);
}

// Eighth, check the FIN bit. A FIN behind a gap is remembered until everything before it is here.
void Connection::check_fin(const Segment& segment) {
  if (segment.has(flag::fin) && !rcv_.fin_known && segment.end() > rcv_.nxt) {
    rcv_.fin = segment.end() - 1;
    rcv_.fin_known = true;
    if (rcv_.nxt < rcv_.fin) request_ack(SendReason::gap);
  }
  if (!rcv_.fin_known || rcv_.nxt != rcv_.fin) return;
  rcv_.nxt = rcv_.fin + 1;
  rcv_.edge = std::max(rcv_.edge, rcv_.nxt);
  request_ack(SendReason::finish_ack);
  signal(Readiness::readable | Readiness::peer_closed);
  switch (state_) {
    case State::established: return enter(State::close_wait);
    case State::fin_wait_1: return our_fin_acknowledged() ? enter_time_wait() : enter(State::closing);
    case State::fin_wait_2: return enter_time_wait();
    default: return;
  }
}

void Connection::trace_arrival(const Segment& segment) const noexcept {
  env_.tracer.tell(env_.now, TraceKind::segment_in, flow(),
                   {{"seq", segment.header.seq},
                    {"ack", segment.header.ack},
                    {"len", segment.text_size},
                    {"flags", segment.header.flags | (segment.header.ae ? 256 : 0)},
                    {"win", std::int64_t{segment.header.window} << snd_.scale}});
}

}  // namespace sluice::tcp
