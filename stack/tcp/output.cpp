// From a plan to a frame: headers are written, the sink is asked, and only what it accepted changes the connection.
#include <algorithm>
#include <array>

#include "stack/tcp/connection.hpp"
#include "stack/wire/pseudo_header.hpp"

namespace sluice::tcp {
namespace {

// RFC 9293 3.8.6.2.1 (4): the override timeout lies between 0.1 and 1 second.
constexpr Duration kOverride = std::chrono::milliseconds(200);

}  // namespace

bool Connection::transmit(FrameSink& sink, unsigned quota) {
  for (; quota > 0; --quota) {
    std::optional<Plan> plan = next_plan();
    if (!plan) {
      output_due_ = false;
      note_app_limit();
      settle_timers();
      return true;
    }
    if (!emit(*plan, sink)) return false;
  }
  return true;
}

bool Connection::emit(Plan& plan, FrameSink& sink) {
  std::array<Slice, SendQueue::kMaximumPieces> pieces;
  std::size_t piece_count = 0;
  if (plan.text > 0) {
    std::size_t covered = 0;
    piece_count = send_queue_.gather(plan.text_begin(), static_cast<std::size_t>(plan.text), pieces, covered);
    if (covered < plan.text) {
      // Many small pieces: a shorter segment now, the rest in the next.
      plan.text = plan.mtu_probe == 0 ? covered : std::min<std::uint64_t>(covered, segment_text_limit());
      plan.fin = false;
      plan.mtu_probe = 0;
    }
  }
  std::array<std::uint8_t, ip::kMaximumHeader + wire::tcp::kMaximumHeader> room;
  plan.edge = plan.syn ? rcv_.edge : window_edge();
  const wire::tcp::Header header = header_for(plan);
  const std::size_t ip_size = ip::header_size(tuple_.local.address.family());
  const std::size_t tcp_size = wire::tcp::write(MutableBytes(room).subspan(ip_size), header);
  const MutableBytes tcp_header = MutableBytes(room).subspan(ip_size, tcp_size);
  const std::size_t payload = tcp_size + static_cast<std::size_t>(plan.text);
  const std::uint64_t mss = plan.text > 0 ? segment_text_limit() : 0;
  const bool super = !plan.syn && plan.text > mss && plan.mtu_probe == 0;
  plan.packet = ip_size + tcp_size + static_cast<std::size_t>(super ? mss : plan.text);
  plan.segments = super ? segments_of(plan.text, mss) : 1;

  // [9293 MUST-2]. A device that cuts super-segments sums each piece; it sums a segment of text as well, and its kernel
  // believes it then, while it would look at a sum of ours. The field holds the pseudo-header's sum for it.
  const bool partial = super || (plan.text > 0 && env_.config.maximum_frame > 0);
  ChecksumSum sum = wire::pseudo_header(tuple_.local.address, tuple_.remote.address,
                                        static_cast<std::uint8_t>(ip::Protocol::tcp), payload);
  if (!partial) {
    sum.add(tcp_header);
    for (std::size_t i = 0; i < piece_count; ++i) sum.add(pieces[i].bytes());
  }
  wire::tcp::set_checksum(tcp_header, partial ? sum.folded() : sum.checksum());
  const bool fragmentable = cold_->fragmentable && plan.mtu_probe == 0;
  ip::write_header(room, {.source = tuple_.local.address,
                          .destination = tuple_.remote.address,
                          .protocol = ip::Protocol::tcp,
                          .hop_limit = hop_limit(),
                          .dscp = cold_->options.dscp,
                          .ecn = mark_of(plan),
                          .dont_fragment = !fragmentable,  // [R8899-3-2]
                          .identification = fragmentable ? env_.ip.next_identification(tuple_.remote.address) : ip_id_,
                          .payload_size = payload});
  const Frame frame{.head = Bytes(room).first(ip_size + tcp_size),
                    .body = std::span(pieces).first(piece_count),
                    .gso_size = static_cast<std::uint16_t>(super ? mss : 0),
                    .transport_offset = static_cast<std::uint16_t>(ip_size),
                    .checksum_partial = partial};
  if (!sink.accept(frame)) return false;
  ip_id_ = static_cast<std::uint16_t>(ip_id_ + plan.segments);
  commit(plan, header);
  return true;
}

// --- headers -----------------------------------------------------------------------------------------------------

wire::tcp::Header Connection::header_for(const Plan& plan) const noexcept {
  wire::tcp::Header header;
  header.source_port = tuple_.local.port;
  header.destination_port = tuple_.remote.port;
  header.seq = static_cast<std::uint32_t>(plan.seq.wire());
  const bool acks = state_ != State::syn_sent;
  std::uint8_t flags = acks ? flag::ack : 0;
  if (acks) header.ack = static_cast<std::uint32_t>(rcv_.nxt.wire());
  if (plan.syn) flags |= flag::syn;
  if (plan.fin) flags |= flag::fin;
  if (plan.text > 0 && plan.text_begin() + plan.text == send_queue_.end())
    flags |= flag::psh;  // [9293 MUST-61, SHLD-27]
  if (cold_->send_up > plan.seq && !plan.syn) {
    flags |= flag::urg;
    header.urgent = static_cast<std::uint16_t>(std::min<std::uint64_t>(cold_->send_up - plan.seq, 65535));
  }
  header.flags = flags;
  if (ts_.on) {
    header.options.timestamps = true;  // [R7323-3.2-1]
    header.options.ts_value = env_.timestamp(ts_.offset);
    header.options.ts_echo = acks ? ts_.recent : 0;  // [R7323-3.2-7]
  }
  if (plan.syn) {
    add_syn_options(header.options);
    // Never scaled on a SYN [R7323-2.2-3].
    const std::uint64_t window = acks ? rcv_.wnd() : receive_buffer();
    header.window = static_cast<std::uint16_t>(std::min<std::uint64_t>(window, 65535));
  } else {
    add_sacks(header.options);
    if (cold_->user_timeout_due && header.options.sack_count == 0) add_user_timeout(header.options);
    header.window = static_cast<std::uint16_t>(std::min<std::uint64_t>((plan.edge - rcv_.nxt) >> rcv_.scale, 65535));
  }
  if (cold_->ecn) add_ecn(plan, header);
  return header;
}

// What we can receive: the MTU without fixed headers [9293 MUST-67, SHLD-6], or less where the application says so.
std::uint16_t Connection::offered_mss() const noexcept {
  const std::size_t fits = std::min<std::size_t>(env_.ip.interface_mtu(tuple_.local.address) - fixed_headers(), 65535);
  return static_cast<std::uint16_t>(std::min(fits, segment_ceiling()));
}

void Connection::add_syn_options(wire::tcp::Options& options) const noexcept {
  options.mss = offered_mss();
  options.sack_permitted = sack_;
  if (scaling_) options.window_scale = rcv_.scale;
  if (cold_->fast_open && !sent_syn_) options.fast_open = cold_->fast_open->option;
  const bool room = wire::tcp::written_size(options) + 4 <= wire::tcp::kMaximumHeader;
  if (room && cold_->options.user_timeout_advertise > Duration::zero()) add_user_timeout(options);
}

// A duplicate comes first [R2883-4-1]; then the block of the segment that came last, which holds the duplicate unless
// that lies below rcv.nxt [R2883-4-3].
void Connection::add_sacks(wire::tcp::Options& options) const noexcept {
  const std::span<const SeqRange> ranges = receive_queue_.sacks();
  const std::size_t count = sack_blocks();
  const std::size_t reported = cold_->duplicate.empty() ? 0 : 1;
  for (std::size_t i = 0; i < count; ++i) {
    SeqRange range = i < reported ? cold_->duplicate : ranges[i - reported];
    if (i >= reported && rcv_.fin_known && range.end == rcv_.fin) range.end += 1;  // the FIN that came with this text
    options.sacks[i] = {static_cast<std::uint32_t>(range.begin.wire()), static_cast<std::uint32_t>(range.end.wire())};
  }
  options.sack_count = static_cast<std::uint8_t>(count);
}

// --- what the accepted segment changes ---------------------------------------------------------------------------

void Connection::commit(const Plan& plan, const wire::tcp::Header& header) {
  cold_->segments_out += plan.segments;
  if (cold_->ecn) ecn_departed(plan, header);
  env_.count(Counter::segments_out, plan.segments);
  if (env_.tracer.on()) trace_departure(plan, header);
  if (plan.syn) {
    syn_due_ = false;
    sent_syn_ = true;
    sent_at_ = env_.now;
    if (!armed(Timer::retransmit)) arm(Timer::retransmit, env_.now + rtt_.rto(backoff_));
    if (plan.text > 0) {  // in no log: what SYN,ACK does not acknowledge counts as never sent
      snd_.nxt = plan.range().end;
      cold_->bytes_sent += plan.text;
    }
  } else {
    rcv_.edge = plan.edge;
    if (header.options.user_timeout != 0) cold_->user_timeout_due = false;
  }
  if (header.has(flag::ack)) {
    rcv_.last_ack = rcv_.nxt;
    if (header.options.sack_count > 0) cold_->duplicate = {};  // once only [R2883-4-2]
    ack_due_ = SendReason::none;
    unacked_text_ = 0;
    disarm(Timer::delayed_ack);
  }
  if (plan.reason == SendReason::keep_alive) {
    keep_alive_due_ = false;
    env_.count(Counter::keep_alives);
  }
  if (plan.probe) {
    probe_due_ = false;
    env_.count(Counter::window_probes);
  }
  if (plan.occupies() && !plan.syn) commit_text(plan);
}

void Connection::commit_text(const Plan& plan) {
  const SeqRange range = plan.range();
  if (plan.resend) {
    recovery().on_resent(range, env_.now);
    cold_->bytes_retransmitted += plan.text;
    cold_->retransmissions += plan.segments;
    env_.count(Counter::retransmissions, plan.segments);
  } else {
    recovery().on_sent(range, env_.now);
    if (outstanding() == 0) cold_->progress_at = env_.now;
    const std::size_t room_before = cold_->options.unsent_low_water > 0 ? writable() : 0;
    snd_.nxt = range.end;
    if (cold_->options.unsent_low_water > 0) tell_writer(room_before);
    if (plan.mtu_probe != 0) {
      env_.count(Counter::mtu_probes);
      recovery().watch_probe(range);
      cold_->plpmtud->on_sent(plan.mtu_probe, range.end);
    }
  }
  if (cwnd() > 0) controller().on_sent(env_.now, range.size(), pipe());
  if (const std::uint64_t rate = congestion_ ? congestion_->pacing_rate() : 0; rate > 0) {
    cold_->pacer.on_sent(env_.now, range.size(), rate);
    cold_->release_at = kNever;
  }
  cold_->evidence.on_sent(static_cast<std::uint32_t>(plan.packet), range.end);
  pay_small_segments(plan);
  cold_->bytes_sent += plan.text;
  sent_at_ = env_.now;
  override_due_ = false;
  const bool oldest_again = plan.resend && plan.seq == snd_.una;  // it gets a whole timeout again [R6298-5-0]
  if (!plan.probe && (oldest_again || !armed(Timer::retransmit)))
    arm(Timer::retransmit, env_.now + rtt_.rto(backoff_));  // RFC 6298 5.1
  if (plan.reason == SendReason::tail_loss_probe) {
    recovery_->on_probe_sent(plan.resend);
    env_.count(Counter::tail_loss_probes);
  } else if (!plan.resend && !plan.probe && is_synchronized(state_)) {
    schedule_probe();
  }
}

// draft-ietf-ccwg-bbr 4.1.2.4: less than a segment waits, cwnd has room, and nothing lost waits for its turn.
void Connection::note_app_limit() noexcept {
  if (!recovery_ || unsent() >= effective_mss() || cwnd_room() == 0 || recovery_->lost_bytes() > 0) return;
  recovery_->on_app_limited();
}

// Exactly one of three watches over what can't leave now: the retransmission timer over what is out, the persist timer
// over a closed window, the override timer over text that is too small to go.
void Connection::settle_timers() noexcept {
  if (!is_synchronized(state_) || state_ == State::time_wait || snd_.una == snd_.iss) return;
  const bool fin_waits = fin_queued_ && !fin_sent();
  const bool waiting = outstanding() > 0 || unsent() > 0 || fin_waits;
  if (waiting && snd_.wnd == 0) {
    disarm(Timer::retransmit);
    if (recovery_) recovery_->cancel_probe();
    if (!armed(Timer::persist)) arm(Timer::persist, env_.now + rtt_.rto(backoff_));  // [9293 MUST-35, SHLD-29]
    return;
  }
  if (armed(Timer::persist)) disarm(Timer::persist);
  unanswered_probes_ = 0;
  if ((outstanding() > 0 || held_for_timer()) && !armed(Timer::retransmit))
    arm(Timer::retransmit, env_.now + rtt_.rto(backoff_));
  const bool too_small = unsent() > 0 && outstanding() == 0 && cold_->release_at == kNever && !held_for_timer();
  if (!too_small)
    disarm(Timer::override_sws);
  else if (!armed(Timer::override_sws))
    arm(Timer::override_sws, env_.now + kOverride);
}

void Connection::trace_departure(const Plan& plan, const wire::tcp::Header& header) const noexcept {
  const auto number = [](auto value) { return static_cast<std::int64_t>(value); };
  const auto us = [](Duration time) {
    return std::int64_t{std::chrono::duration_cast<std::chrono::microseconds>(time).count()};
  };
  const bool knows_peer = state_ != State::syn_sent;
  env_.tracer.tell(env_.now, TraceKind::segment_out, flow(),
                   {{"seq", header.seq},
                    {"ack", header.ack},
                    {"len", number(plan.text)},
                    {"flags", header.flags | (header.ae ? 256 : 0)},
                    {"win", std::int64_t{header.window} << (plan.syn ? 0 : rcv_.scale)},
                    {"reason", 0, name(plan.reason)},
                    {"clause", 0, clause(plan.reason)},
                    {"state", 0, name(state_)},
                    {"una", number(snd_.una - snd_.iss)},
                    {"nxt", number(snd_.nxt - snd_.iss)},
                    {"wnd", number(snd_.wnd)},
                    {"rcv_nxt", knows_peer ? number(rcv_.nxt - rcv_.irs) : 0},
                    {"rcv_wnd", number(rcv_.wnd())},
                    {"cwnd", number(cwnd())},
                    {"ssthresh", cwnd() > 0 ? number(ssthresh()) : -1},
                    {"pipe", number(pipe())},
                    {"srtt_us", us(rtt_.srtt())},
                    {"rto_us", us(rtt_.rto(backoff_))}});
}

}  // namespace sluice::tcp
