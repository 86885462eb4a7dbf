// What to send now, and why: the order of preference is the order of the functions.
#include <algorithm>

#include "stack/tcp/connection.hpp"

namespace sluice::tcp {
namespace {

constexpr std::uint32_t kTinyMss = 88;
constexpr Duration kSmallBurst = std::chrono::milliseconds(50);

}  // namespace

std::optional<Connection::Plan> Connection::next_plan() {
  if (state_ == State::closed || state_ == State::listen) return std::nullopt;
  if (syn_due_) return plan_handshake();
  if (state_ == State::syn_sent) return std::nullopt;
  if (state_ == State::syn_received) return plan_in_syn_received();
  if (is_accurate() && ack_due_ == SendReason::handshake_ack) return plan_ack();  // by itself [9768 3.2.2.1]
  if (small_segments_wait()) {
    if (auto plan = plan_probe()) return plan;
    return plan_ack();
  }
  if (auto plan = plan_tail_probe()) return plan;
  const bool held = pacer_holds();
  if (auto plan = held ? std::nullopt : plan_resend()) return plan;
  if (auto plan = plan_probe()) return plan;
  if (held_for_timer()) return plan_ack();
  Plan probe;
  const ProbeTurn turn = held ? ProbeTurn::none : plan_mtu_probe(probe);
  if (turn == ProbeTurn::now) return probe;
  if (turn == ProbeTurn::wait) return plan_ack();
  if (auto plan = held ? std::nullopt : plan_new_text()) return plan;
  if (auto plan = plan_finish()) return plan;
  return plan_ack();
}

// Text waits for its release, whether it is new or lost [R9937-6.4-2]; ACKs, probes and a FIN alone don't.
bool Connection::pacer_holds() noexcept {
  const std::uint64_t rate = congestion_ ? congestion_->pacing_rate() : 0;
  const bool text_waits = unsent() > 0 || (recovery_ && recovery_->lost_bytes() > 0);
  if (rate == 0 || !text_waits || snd_.wnd == 0) return false;
  const Time release_at = cold_->pacer.release_at(rate, effective_mss());
  if (release_at <= env_.now) return false;
  cold_->release_at = release_at;
  return true;
}

std::optional<Connection::Plan> Connection::plan_handshake() const noexcept {
  const bool again = backoff_ > 0 || sent_syn_;
  Plan plan{.reason = again ? SendReason::open_again : SendReason::open, .seq = snd_.iss, .syn = true, .resend = again};
  if (state_ != State::syn_sent) plan.reason = again ? SendReason::accept_open_again : SendReason::accept_open;
  if (stateless_) plan.reason = SendReason::syn_cookie;
  if (!again) plan.text = syn_text();
  if (plan.text > 0) plan.reason = SendReason::fast_open;
  return plan;
}

// Whose cookie was good may have its answer before its ACK comes, within the initial window [R7413-4.2.2-5].
std::optional<Connection::Plan> Connection::plan_in_syn_received() noexcept {
  std::optional<Plan> plan = fast_opened() ? plan_new_text() : std::nullopt;
  if (!plan) return plan_ack();
  plan->fin = false;
  return plan;
}

// RFC 8985 7.3: new text if the peer's window has room for it, else what was sent last; one segment, whatever cwnd says
// [R8985-7.3-2].
std::optional<Connection::Plan> Connection::plan_tail_probe() const noexcept {
  if (!recovery_ || !recovery_->probe_due() || snd_.wnd == 0) return std::nullopt;
  const std::uint64_t mss = segment_text_limit();
  const std::uint64_t usable = snd_.edge() > snd_.nxt ? snd_.edge() - snd_.nxt : 0;
  Plan plan{.reason = SendReason::tail_loss_probe, .seq = snd_.nxt, .text = std::min({unsent(), usable, mss})};
  if (plan.text > 0) {
    plan.fin = fin_queued_ && plan.text == unsent() && usable > plan.text;
    return plan;
  }
  const SeqRange tail = recovery_->tail(mss + (fin_sent() ? 1 : 0));  // the FIN takes a number, and no room
  plan.seq = tail.begin;
  plan.fin = tail.end > send_queue_.end();
  plan.text = tail.size() - (plan.fin ? 1u : 0u);
  plan.resend = true;
  return plan;
}

// Lost text goes before new text. What is lost waits for the congestion window's permit [R8985-9.3-1], except for the
// fast retransmit itself (RFC 5681 3.2 step 3). With a closed window the persist timer rules instead.
std::optional<Connection::Plan> Connection::plan_resend() noexcept {
  if (!recovery_ || recovery_->lost_bytes() == 0 || snd_.wnd == 0) return std::nullopt;
  const std::uint64_t mss = segment_text_limit();
  std::uint64_t limit = mss;
  if (!recovery_->owes_fast_retransmit()) {
    const std::uint64_t permitted = cwnd_room();
    cwnd_limited_ = permitted < mss && pipe() > 0;
    if (cwnd_limited_) return std::nullopt;
    limit = std::max(mss, std::min(permitted / mss * mss, frame_text_limit()));
  }
  const std::optional<SeqRange> range = recovery_->next_to_resend(limit);
  if (!range) return std::nullopt;
  const bool fin = range->end > send_queue_.end();
  return Plan{.reason = resend_reason(),
              .seq = range->begin,
              .text = range->size() - (fin ? 1u : 0u),
              .fin = fin,
              .resend = true};
}

SendReason Connection::resend_reason() const noexcept {
  if (recovery_->after_timeout()) return SendReason::timeout;
  if (sack_) return SendReason::rack_loss;
  return recovery_->owes_fast_retransmit() && snd_.una == recovery_->log().begin() && recovery_->duplicates() >= 3
             ? SendReason::fast_retransmit
             : SendReason::partial_ack;
}

// RFC 9293 3.8.6.1: one octet beyond the closed window; the same octet again until it is taken.
std::optional<Connection::Plan> Connection::plan_probe() const noexcept {
  if (keep_alive_due_) return Plan{.reason = SendReason::keep_alive, .seq = snd_.nxt - 1};  // [9293 SHLD-12]
  if (!probe_due_) return std::nullopt;
  const bool again = outstanding() > 0;
  const Seq at = again ? snd_.una : snd_.nxt;
  Plan plan{.reason = SendReason::window_probe, .seq = at, .resend = again, .probe = true};
  if (at < send_queue_.end())
    plan.text = 1;
  else
    plan.fin = fin_queued_;
  return plan;
}

std::optional<Connection::Plan> Connection::plan_new_text() noexcept {
  const std::uint64_t queued = unsent();
  if (queued == 0 || (recovery_ && recovery_->lost_bytes() > 0)) return std::nullopt;
  if (env_.now >= cold_->path_aged_at) refresh_mss();
  const std::uint64_t usable =
      snd_.edge() > snd_.nxt ? snd_.edge() - snd_.nxt : 0;  // may have been shrunk [9293 MUST-34, SHLD-15]
  const bool idle = outstanding() == 0 && env_.now - sent_at_ > rtt_.rto();
  if (idle) controller().on_idle(env_.now);  // [R5681-4.1-1]
  const std::uint64_t text = sendable_text(queued, usable, cwnd_room());
  if (text == 0) return std::nullopt;
  Plan plan{.reason = override_due_ ? SendReason::override_small : SendReason::new_data, .seq = snd_.nxt, .text = text};
  plan.fin = fin_queued_ && text == queued && usable > text;
  return plan;
}

// RFC 9293 3.8.6.2.1: full segments as far as both windows reach [9293 SHLD-28]; a smaller one only by its rules.
std::uint64_t Connection::sendable_text(std::uint64_t queued, std::uint64_t usable, std::uint64_t permitted) noexcept {
  const std::uint64_t mss = segment_text_limit();
  const std::uint64_t room = std::min(queued, usable);
  const std::uint64_t reach = std::min(room, permitted);
  cwnd_limited_ = permitted < room && (permitted < mss || permitted / mss < room / mss);
  const std::uint64_t whole = std::min(reach, frame_text_limit()) / mss * mss;
  if (whole == 0) {
    const bool window_permits = permitted >= room || pipe() == 0;
    return window_permits && room > 0 && may_send_small(room, queued, usable) ? std::min(room, std::max(permitted, mss))
                                                                              : 0;
  }
  // A super-segment takes the small rest along where a segment of its own would leave at once as well.
  const std::uint64_t rest = queued - whole;
  const bool takes_rest = rest > 0 && rest < mss && queued <= reach && queued <= frame_text_limit() &&
                          ((cold_->options.no_delay && !cold_->options.cork) || fin_queued_);
  return takes_rest ? queued : whole;
}

// The four cases, for less than a full segment. All text counts as pushed: nobody calls PUSH [9293 MUST-60, MUST-61].
bool Connection::may_send_small(std::uint64_t small, std::uint64_t queued, std::uint64_t usable) const noexcept {
  if (small >= segment_text_limit()) return true;  // (1)
  const bool only_syn = snd_.una == snd_.iss && snd_.nxt == snd_.iss + 1;
  const bool nothing_out = outstanding() == 0 || only_syn;
  const Options& options = cold_->options;
  const bool nagle_permits =
      fin_queued_ || (!options.cork && (options.no_delay || nothing_out));  // [9293 SHLD-7, MUST-17]
  if (nagle_permits && queued <= usable) return true;                       // (2)
  if (nagle_permits && small * 2 >= snd_.max_wnd) return true;              // (3)
  return override_due_;                                                     // (4)
}

std::optional<Connection::Plan> Connection::plan_finish() const noexcept {
  if (!fin_queued_ || fin_sent() || unsent() > 0) return std::nullopt;
  if (snd_.edge() <= snd_.nxt) return std::nullopt;  // FIN takes a number too: the persist timer probes with it
  return Plan{.reason = SendReason::finish, .seq = snd_.nxt, .fin = true};
}

std::optional<Connection::Plan> Connection::plan_ack() const noexcept {
  SendReason reason = ack_due_;
  if (reason == SendReason::none && window_update_due()) reason = SendReason::window_update;
  if (reason == SendReason::none) return std::nullopt;
  return Plan{.reason = reason, .seq = control_seq()};
}

// --- peers with a tiny MSS ----------------------------------------------------------------------------------------

// Headers and work per segment are the same for a few bytes: such segments leave at a bounded rate, after a burst of a
// twentieth of a second [A-TCP-31].
bool Connection::small_segments_wait() noexcept {
  const Time free_at = cold_->small_paid_until - kSmallBurst;
  if (mss_ >= kTinyMss || free_at <= env_.now) return false;
  if (unsent() > 0 || fin_queued_ || (recovery_ && recovery_->lost_bytes() > 0)) cold_->small_again_at = free_at;
  return true;
}

void Connection::pay_small_segments(const Plan& plan) noexcept {
  const std::uint32_t rate = env_.config.small_segments_per_second;
  if (mss_ >= kTinyMss || rate == 0) return;
  const auto segments = static_cast<Duration::rep>((plan.text + effective_mss() - 1) / effective_mss());
  cold_->small_paid_until =
      std::max(cold_->small_paid_until, env_.now) + segments * Duration(std::chrono::seconds(1)) / rate;
}

// --- limits ------------------------------------------------------------------------------------------------------

std::size_t Connection::sack_blocks() const noexcept {
  const std::size_t to_tell = sack_ ? blocks_to_tell() : 0;
  if (to_tell == 0) return 0;
  const std::size_t options = (ts_.on ? 12 : 0) + ecn_option().padded_size();
  const std::size_t most = (wire::tcp::kMaximumHeader - wire::tcp::kMinimumHeader - options - 4) / 8;
  return std::min({to_tell, most, std::size_t{4}});  // [R2018-3-1, R2018-3-2]
}

// Eff.snd.MSS: what fits beside the options that this segment will carry [9293 MUST-16].
std::uint64_t Connection::segment_text_limit() const noexcept {
  const std::size_t blocks = sack_blocks();
  const std::size_t user_timeout = cold_->user_timeout_due ? 4 : 0;
  return effective_mss() - ecn_option().padded_size() - (blocks > 0 ? 4 + 8 * blocks : user_timeout);
}

// A device with offloads takes many segments in one frame; they must be cut the same way as if they had left one by
// one.
std::uint64_t Connection::frame_text_limit() const noexcept {
  const std::uint64_t mss = segment_text_limit();
  const std::size_t headers = ip::header_size(tuple_.local.address.family()) + wire::tcp::kMaximumHeader;
  const std::size_t frame = std::min<std::size_t>(env_.config.maximum_frame, 65535);
  if (frame < headers + 2 * mss) return mss;
  const bool urgent = cold_->send_up > snd_.una;  // the pointer counts from each segment's own number
  const bool tiny = mss_ < kTinyMss && env_.config.small_segments_per_second > 0;  // each is paid for
  // An option of one segment alone, which a device would write into all that it cuts.
  const bool said_once = ecn_option().kind != 0 || (cold_->user_timeout_due && sack_blocks() == 0);
  if (urgent || tiny || said_once || ecn_forbids_cutting()) return mss;
  const std::uint64_t rate = congestion_ ? congestion_->pacing_rate() : 0;
  const std::uint64_t burst = rate > 0 ? congestion::Pacer::quantum(rate, mss) : frame;
  return std::min<std::uint64_t>(frame - headers, burst) / mss * mss;
}

// --- the receive window ------------------------------------------------------------------------------------------

// Where the right edge may stand now. It never goes back [9293 SHLD-14], moves on only by steps worth a segment
// (RFC 9293 3.8.6.2.2 [9293 MUST-39]), and not at all while memory is short.
Seq Connection::window_edge() const noexcept {
  const std::size_t buffer = receive_buffer();
  const std::size_t used = std::min(buffer, receive_queue_.readable());
  const std::uint64_t largest = std::uint64_t{65535} << rcv_.scale;
  const Seq candidate = rcv_.nxt + std::min<std::uint64_t>(buffer - used, largest);
  const std::uint64_t step = std::min<std::uint64_t>(buffer / 2, effective_mss());
  if (candidate < rcv_.edge + step || env_.memory.budget.under_pressure()) return rcv_.edge;
  return candidate;
}

// Worth a segment of its own when the window at least doubles.
bool Connection::window_update_due() const noexcept {
  if (!may_receive_text(state_)) return false;
  if (rcv_.nxt == rcv_.irs + 1) return false;  // no text came: the SYN's window is untouched, the next ACK tells more
  const Seq edge = window_edge();
  const std::uint64_t gain = edge - rcv_.edge;
  return gain > 0 && (gain >= rcv_.wnd() || gain >= receive_buffer() / 2);
}

}  // namespace sluice::tcp
