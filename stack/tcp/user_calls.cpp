// What the application asks for: OPEN, SEND, RECEIVE, CLOSE, ABORT, STATUS (RFC 9293 3.10.1 to 3.10.6).
#include <algorithm>
#include <bit>

#include "stack/tcp/connection.hpp"

namespace sluice::tcp {
namespace {

// RFC 7323 2.3: the smallest shift with which the whole receive buffer can be offered, at most 14.
std::uint8_t scale_for(std::size_t receive_buffer) noexcept {
  std::uint8_t scale = 0;
  while (scale < 14 && (receive_buffer >> scale) > 65535) ++scale;
  return scale;
}

// 0: sized by itself, or no maximum beyond the initial size.
bool in_range(std::size_t buffer) noexcept {
  return buffer == 0 || (buffer >= 2048 && buffer <= (std::size_t{1} << 30));
}

std::size_t first_buffer(std::size_t fixed, std::size_t maximum) noexcept {
  if (fixed != 0) return fixed;
  return maximum == 0 ? kInitialBuffer : std::min(kInitialBuffer, maximum);
}

}  // namespace

Connection::Connection(Environment& env, const FourTuple& tuple, const Options& options, CongestionControl congestion)
    : env_(env),
      tuple_(tuple),
      send_queue_(env.memory),
      receive_queue_(env.memory),
      cold_(std::make_unique<Cold>()),
      rtt_(env.rtt),
      congestion_kind_(congestion) {
  deadlines_.fill(kNever);
  cold_->options = options;
  snd_.peer_mss = tuple.local.address.is_v4() ? 536 : 1220;  // [9293 MUST-15]
  cold_->tuner.set_buffer(first_buffer(options.receive_buffer, options.receive_buffer_maximum));
  rcv_.scale = scale_for(std::max(receive_buffer(), options.receive_buffer == 0 ? options.receive_buffer_maximum : 0));
  ts_.offset = env.timestamp_offset(tuple);
  ip_id_ = static_cast<std::uint16_t>(env.jitter.u32());
  quick_acks_ = env.config.quick_acks;
  heard_at_ = sent_at_ = cold_->progress_at = env.now;
}

Connection::~Connection() = default;

// --- 3.10.1 OPEN ---

void Connection::open_active() {
  env_.count(Counter::active_opens);
  snd_.iss = Seq::initial(env_.initial_sequence(tuple_));
  snd_.una = snd_.iss;
  snd_.nxt = snd_.iss + 1;
  send_queue_.start(snd_.nxt);
  sack_ = env_.config.sack;
  scaling_ = env_.config.window_scaling;
  ts_.on = env_.config.timestamps;
  ask_for_ecn();
  refresh_mss();
  enter(State::syn_sent);
  syn_due_ = true;
  request_output();
  watch_progress();
}

void Connection::open_passive() {
  passive_ = true;
  enter(State::listen);
}

// --- 3.10.2 SEND ---

std::size_t Connection::writable() const noexcept {
  const bool open = state_ == State::syn_sent || state_ == State::syn_received || may_send_text(state_);
  if (!open || fin_queued_) return 0;
  const std::size_t limit = send_buffer();
  const std::size_t room = limit - std::min(limit, send_queue_.size());
  const std::size_t mark = cold_->options.unsent_low_water;
  return mark == 0 ? room : std::min(room, mark - std::min<std::size_t>(mark, unsent()));
}

// Text in flight and as much again, so that there is always something to send when the window has doubled.
std::size_t Connection::send_buffer() const noexcept {
  const Options& options = cold_->options;
  const std::size_t first = first_buffer(options.send_buffer, options.send_buffer_maximum);
  if (options.send_buffer != 0 || env_.memory.budget.under_pressure()) return first;
  return static_cast<std::size_t>(
      std::clamp<std::uint64_t>(2 * cwnd(), first, std::max(first, options.send_buffer_maximum)));
}

Result<std::size_t> Connection::send(Gather pieces) { return queue_text(pieces, gather_size(pieces)); }

Result<std::size_t> Connection::send(const Slice& shared) { return queue_text(shared, shared.size()); }

template <class Text>
Result<std::size_t> Connection::queue_text(const Text& text, std::size_t size) {
  if (error_ != Errc::none) return error_;
  if (fin_queued_ || state_ == State::closed) return Errc::connection_closing;
  const std::size_t room = writable();
  const std::size_t taken = send_queue_.append(text, room);
  writer_waits_ = taken < size;
  starved_ = taken < std::min(size, room);
  if (taken > 0) request_output();
  watch_progress();
  return taken;
}

void Connection::feed() noexcept {
  const bool waits = starved_ && writable() > 0;
  starved_ = false;
  if (!waits) return;
  writer_waits_ = false;
  signal(Readiness::writable);
}

// RFC 9293 3.8.5: the urgent pointer covers everything up to the end of this call's text [9293 MUST-31].
Result<std::size_t> Connection::send_urgent(Bytes bytes) {
  const Result<std::size_t> taken = send(Gather(&bytes, 1));
  if (taken && *taken > 0) cold_->send_up = send_queue_.end();
  return taken;
}

// --- 3.10.3 RECEIVE ---

void Connection::consume(std::size_t count) noexcept {
  receive_queue_.consume(count);
  cold_->bytes_received += count;
  note_consumed(count);
  // Room again: output decides whether the window has grown enough to say so.
  if (count > 0 && may_receive_text(state_)) request_output();
  if (urgent_told_ && !urgent_ahead()) urgent_told_ = false;
}

// What was read in each round trip sizes the buffer, and tells how much the sender has under way.
void Connection::note_consumed(std::size_t count) noexcept {
  // Not while memory is short: the window that a larger buffer promises can't be taken back.
  const bool may_grow = cold_->options.receive_buffer == 0 && !env_.memory.budget.under_pressure();
  const std::size_t a_round =
      cold_->tuner.on_consumed(count, env_.now, may_grow ? cold_->options.receive_buffer_maximum : 0);
  // A sender of few segments waits for each ACK; one of single messages does not. Where we send, too, our text carries
  // it.
  const bool few = a_round > 2 * rcv_.largest && a_round < env_.config.quick_acks * rcv_.largest;
  if (few && env_.now - sent_at_ > cold_->tuner.rtt()) quick_acks_ = env_.config.quick_acks;
}

bool Connection::at_eof() const noexcept { return peer_finished() && receive_queue_.readable() == 0; }

std::optional<std::size_t> Connection::urgent_ahead() const noexcept {
  const Seq read = (peer_finished() ? rcv_.fin : rcv_.nxt) - receive_queue_.readable();
  if (cold_->receive_up <= read) return std::nullopt;
  return static_cast<std::size_t>(cold_->receive_up - read);
}

// --- 3.10.4 CLOSE ---

void Connection::close() {
  if (fin_queued_) return;
  switch (state_) {
    case State::closed:
    case State::listen:
    case State::syn_sent:
      // Nothing was agreed with anybody yet.
      if (state_ != State::closed) finished_with_error(Errc::connection_aborted);
      return;
    case State::syn_received:
      fin_queued_ = true;
      // FIN goes out now; behind text it waits until ESTABLISHED.
      if (send_queue_.empty()) enter(State::fin_wait_1);
      break;
    case State::established:
      fin_queued_ = true;
      enter(State::fin_wait_1);
      break;
    case State::close_wait:
      fin_queued_ = true;
      enter(State::last_ack);
      break;
    default: return;  // closed by us already
  }
  request_output();
  watch_progress();
}

// --- 3.10.5 ABORT ---

void Connection::abort() {
  if (state_ == State::closed) return;
  const bool peer_cares = state_ == State::syn_received || state_ == State::established ||
                          state_ == State::fin_wait_1 || state_ == State::fin_wait_2 || state_ == State::close_wait ||
                          state_ == State::closing || state_ == State::last_ack;
  if (peer_cares) reset_peer(SendReason::abort);
  finished_with_error(Errc::connection_aborted);
}

void Connection::detach() {
  if (detached_) return;
  detached_ = true;
  const Linger linger = cold_->options.linger;
  const bool unread = receive_queue_.readable() > 0;
  if (unread || (linger.on && linger.timeout == Duration::zero())) {
    abort();
    return;
  }
  close();
  if (state_ == State::fin_wait_2)
    arm(Timer::closing, env_.now + fin_wait_2());
  else if (linger.on && state_ != State::closed && state_ != State::time_wait)
    arm(Timer::closing, env_.now + linger.timeout);
}

Time Connection::stalled_since() const noexcept { return send_queue_.empty() ? kNever : cold_->starved_window_at; }

void Connection::drop_stalled() {
  env_.count(Counter::stalled_dropped);
  reset_peer(SendReason::reset_stalled);
  finished_with_error(Errc::connection_aborted);
}

// --- 3.10.6 STATUS and settings ---

Result<void> Connection::set_options(const Options& options) {
  const bool valid = in_range(options.send_buffer) && in_range(options.receive_buffer) &&
                     in_range(options.send_buffer_maximum) && in_range(options.receive_buffer_maximum) &&
                     options.user_timeout_advertise >= Duration::zero() && options.dscp < 64 &&
                     options.keep_alive.idle > Duration::zero() && options.keep_alive.interval > Duration::zero() &&
                     options.keep_alive.probes > 0 && options.user_timeout >= Duration::zero() &&
                     options.linger.timeout >= Duration::zero();
  if (!valid) return Errc::invalid_argument;
  if (options.user_timeout_advertise != cold_->options.user_timeout_advertise)
    cold_->user_timeout_due = options.user_timeout_advertise > Duration::zero();
  if (options.receive_buffer != 0) cold_->tuner.set_buffer(options.receive_buffer);
  const Options before = std::exchange(cold_->options, options);
  if (options.maximum_segment != before.maximum_segment && is_synchronized(state_)) refresh_mss();
  if (options.keep_alive != before.keep_alive) watch_keep_alive();
  follow_user_timeout();
  request_output();  // no_delay may free small text, a larger buffer may open the window
  return {};
}

Errc Connection::take_soft_error() noexcept { return std::exchange(soft_error_, Errc::none); }

Readiness Connection::take_readiness() noexcept { return std::exchange(ready_, Readiness::none); }

Info Connection::status() const noexcept {
  Info info;
  info.state = state_;
  info.local = tuple_.local;
  info.remote = tuple_.remote;
  info.rto = rtt_.rto(backoff_);
  info.srtt = rtt_.srtt();
  info.rttvar = rtt_.rttvar();
  info.min_rtt = rtt_.min_rtt();
  info.delayed_ack = env_.config.delayed_ack;
  info.send_mss = effective_mss();
  info.receive_mss = rcv_.largest;
  info.cwnd = static_cast<std::uint32_t>(std::min<std::uint64_t>(cwnd(), 0xffffffff));
  info.ssthresh = static_cast<std::uint32_t>(std::min<std::uint64_t>(ssthresh(), 0xffffffff));
  info.pipe = static_cast<std::uint32_t>(pipe());
  if (recovery_) {
    info.sacked = recovery_->sacked_bytes();
    info.lost = recovery_->lost_bytes();
    info.delivered = recovery_->delivered();
    info.after_timeout = recovery_->after_timeout();
  }
  info.pacing_rate = congestion_ ? congestion_->pacing_rate() : 0;
  info.advertised_mss = static_cast<std::uint32_t>(offered_mss());
  info.send_window = snd_.wnd;
  info.receive_window = static_cast<std::uint32_t>(rcv_.wnd());
  info.send_scale = snd_.scale;
  info.receive_scale = scaling_ ? rcv_.scale : std::uint8_t{0};
  info.sack = sack_;
  info.timestamps = ts_.on;
  info.window_scaling = scaling_;
  info.fast_open = cold_->fast_open ? cold_->fast_open->outcome : FastOpen::unused;
  info.ecn = cold_->ecn ? cold_->ecn->mode : EcnMode::off;
  info.in_recovery = recovery_ && recovery_->in_recovery();
  info.backoff = timeouts_;
  info.doublings = backoff_;
  info.probes = std::max(unanswered_probes_, keep_alive_probes_);
  info.unsent = static_cast<std::size_t>(unsent());
  info.unacked = state_ == State::closed ? 0 : static_cast<std::size_t>(outstanding());
  info.unread = receive_queue_.readable();
  info.send_buffer = send_buffer();
  info.receive_buffer = receive_buffer();
  info.path_mtu = mss_ + fixed_headers();
  info.memory = sizeof(Connection) + sizeof(Cold) + (cold_->ecn ? sizeof(EcnState) : 0) + send_queue_.footprint() +
                receive_queue_.footprint() + (recovery_ ? sizeof(Recovery) + recovery_->footprint() : 0);
  info.bytes_sent = cold_->bytes_sent;
  info.bytes_acked = cold_->bytes_acked;
  info.bytes_received = cold_->bytes_received + receive_queue_.readable();
  info.bytes_retransmitted = cold_->bytes_retransmitted;
  info.segments_out = cold_->segments_out;
  info.segments_in = cold_->segments_in;
  info.retransmissions = cold_->retransmissions;
  if (!cold_->ecn) return info;
  info.ce_received = cold_->ecn->ce_received;
  info.ecn_reductions = cold_->ecn->reductions;
  return info;
}

// A range of the log is a frame: with offloads several segments, and the FIN counts as a byte of the last.
Segments Connection::segments() const noexcept {
  Segments count;
  if (!recovery_ || recovery_->log().empty()) {
    count.unacked = state_ != State::closed && outstanding() > 0;
    return count;
  }
  const SentLog& log = recovery_->log();
  const std::uint64_t mss = std::max<std::uint64_t>(segment_text_limit(), 1);
  for (std::size_t i = 0; i < log.size(); ++i) {
    const bool with_fin = fin_sent() && i + 1 == log.size() && log.span(i).size() > 1;
    const auto segments = static_cast<std::uint32_t>((log.span(i).size() - with_fin + mss - 1) / mss);
    count.unacked += segments;
    if (log[i].sacked) count.sacked += segments;
    if (log[i].lost) count.lost += segments;
    if (log[i].resent && !log[i].sacked && !log[i].lost) count.resent += segments;
  }
  if (!sack_) count.sacked = recovery_->duplicates();
  return count;
}

}  // namespace sluice::tcp
