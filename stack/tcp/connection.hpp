// One connection: RFC 9293's state machine. The bodies stand where the RFC has them: user_calls.cpp (3.10.1-6),
// segment_arrives.cpp and acknowledgement.cpp (3.10.7), timeouts.cpp (3.10.8); plan.cpp and output.cpp decide what to
// send now, and why.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "stack/base/byte_stream.hpp"
#include "stack/base/result.hpp"
#include "stack/base/slot_map.hpp"
#include "stack/base/timers.hpp"
#include "stack/congestion/controller.hpp"
#include "stack/congestion/pacer.hpp"
#include "stack/congestion/rtt.hpp"
#include "stack/ip/datagram.hpp"
#include "stack/tcp/ecn.hpp"
#include "stack/tcp/environment.hpp"
#include "stack/tcp/fast_open.hpp"
#include "stack/tcp/info.hpp"
#include "stack/tcp/options.hpp"
#include "stack/tcp/path_evidence.hpp"
#include "stack/tcp/plpmtud.hpp"
#include "stack/tcp/receive_queue.hpp"
#include "stack/tcp/receive_tuner.hpp"
#include "stack/tcp/recovery.hpp"
#include "stack/tcp/segment.hpp"
#include "stack/tcp/send_queue.hpp"
#include "stack/tcp/send_reason.hpp"
#include "stack/tcp/state.hpp"
#include "stack/tcp/tcb.hpp"

namespace sluice::tcp {

struct HalfOpen;
struct TimeWait;
class SynCookies;

enum class Timer : std::uint8_t {
  retransmit,    ///< RFC 6298; also for SYN and SYN,ACK
  persist,       ///< zero-window probes (RFC 9293 3.8.6.1)
  override_sws,  ///< send a small segment after all (RFC 9293 3.8.6.2.1 (4))
  delayed_ack,
  keep_alive,
  user_timeout,  ///< nothing acknowledged for too long (RFC 9293 3.8.3, RFC 5482)
  closing,       ///< linger, FIN-WAIT-2 and TIME-WAIT
};
inline constexpr std::size_t kTimerCount = 7;
std::string_view name(Timer timer) noexcept;

/// Raises flags and sets deadlines, but sends nothing by itself: the Layer pulls transmit() and looks at the flags
/// after each call. All times are env.now.
class Connection {
 public:
  Connection(Environment& env, const FourTuple& tuple, const Options& options, CongestionControl congestion);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // --- user_calls.cpp: RFC 9293 3.10.1 to 3.10.6 -------------------------------------------------------------------
  /// Active OPEN: CLOSED to SYN-SENT.
  void open_active();
  /// Passive OPEN: CLOSED to LISTEN; the SYN comes by segment_arrives().
  void open_passive();
  /// Fast Open for the OPEN that comes next (RFC 7413; fast_open.cpp).
  void open_fast();
  void reply_fast_open(const wire::tcp::FastOpen& cookie);
  void accept_fast_open(SlotId listener);
  /// nullptr without Fast Open.
  const FastOpenState* fast_open() const noexcept { return cold_->fast_open.get(); }
  /// The text of the peer's SYN was taken.
  bool fast_opened() const noexcept { return passive_ && fast_open() && fast_open()->outcome == FastOpen::accepted; }
  Result<std::size_t> send(Gather pieces);
  Result<std::size_t> send(const Slice& shared);
  Result<std::size_t> send_urgent(Bytes bytes);
  std::size_t writable() const noexcept;
  /// The last write took less than the send buffer has room for: the stack's memory was used up.
  bool starved() const noexcept { return starved_; }
  /// There is memory again: tells a starved writer.
  void feed() noexcept;
  MutableBytes peek() const noexcept { return receive_queue_.peek(); }
  Slice peek_slice() const noexcept { return receive_queue_.peek_slice(); }
  void consume(std::size_t count) noexcept;
  std::size_t readable() const noexcept { return receive_queue_.readable(); }
  std::size_t copy_ahead(std::size_t offset, MutableBytes room) const noexcept {
    return receive_queue_.copy_ahead(offset, room);
  }
  /// FIN received, and all text before it.
  bool peer_finished() const noexcept { return rcv_.fin_known && rcv_.nxt > rcv_.fin; }
  /// FIN received and everything before it consumed.
  bool at_eof() const noexcept;
  std::optional<std::size_t> urgent_ahead() const noexcept;
  /// CLOSE: FIN after what is queued; reading goes on.
  void close();
  void abort();
  /// The application lets go of its handle: CLOSE by the linger option, RST if unread text waits (RFC 2525 2.17).
  void detach();
  bool detached() const noexcept { return detached_; }
  Info status() const noexcept;
  Segments segments() const noexcept;
  const Options& options() const noexcept { return cold_->options; }
  Result<void> set_options(const Options& options);
  Result<void> set_congestion(CongestionControl kind);
  CongestionControl congestion() const noexcept { return congestion_kind_; }
  Errc error() const noexcept { return error_; }
  Errc take_soft_error() noexcept;
  /// Since when the peer has offered too little window for a full segment while text waits for it; kNever = it hasn't.
  Time stalled_since() const noexcept;
  /// RST for a peer that doesn't read while others need the memory (RFC 6429) [A-TCP-23].
  void drop_stalled();

  // --- segment_arrives.cpp: RFC 9293 3.10.7 ------------------------------------------------------------------------
  void segment_arrives(Segment& segment);
  /// `quoted_seq` is the sequence number in the quote; the tuple was matched already (RFC 9293 3.9.2.2, RFC 5927).
  void icmp_error(const ip::IcmpError& error, WireSeq quoted_seq);
  /// The path MTU to our peer changed on another connection's account [R8201-5.2-2].
  void path_changed() noexcept { refresh_mss(); }

  // --- timeouts.cpp: RFC 9293 3.10.8 -------------------------------------------------------------------------------
  /// Acts on every deadline that has passed.
  void handle_timeouts();
  Time next_deadline() const noexcept;

  // --- output.cpp --------------------------------------------------------------------------------------------------
  /// Something may have to be sent: transmit() is worth calling.
  bool wants_transmit() const noexcept { return output_due_; }
  /// Offers at most `quota` frames; false = the sink is full. Clears wants_transmit() when nothing is left.
  bool transmit(FrameSink& sink, unsigned quota);

  State state() const noexcept { return state_; }
  const FourTuple& tuple() const noexcept { return tuple_; }
  /// Who will accept() it; generation 0 = nobody, or no longer.
  SlotId listener() const noexcept { return cold_->listener; }
  void set_listener(SlotId listener) noexcept { cold_->listener = listener; }
  /// Whose SYN it was, accepted or not.
  SlotId origin() const noexcept { return cold_->origin; }
  void set_origin(SlotId listener) noexcept { cold_->origin = listener; }
  bool syn_acknowledged() const noexcept { return snd_.una > snd_.iss; }
  /// What became ready since the last call.
  Readiness take_readiness() noexcept;
  bool has_readiness() const noexcept { return any(ready_); }

  // Compact forms for the states in which most connections of a busy server are (half_open.hpp, time_wait.hpp).
  HalfOpen freeze_half_open() const noexcept;
  void thaw(const HalfOpen& record);
  /// Its SYN,ACK will be a cookie. REQUIRES that none has left; the connection is good for nothing else then.
  void bake(const SynCookies& cookies) noexcept;
  /// The shift that this side offers for its windows.
  std::uint8_t offered_scale() const noexcept { return rcv_.scale; }
  TimeWait freeze_time_wait() const noexcept;
  void thaw(const TimeWait& record);

  // What the Layer keeps in each connection: its name and its places in the Layer's lists.
  SlotId id;
  TimerEntry timer;
  Connection* next_ready = nullptr;  ///< intrusive list of connections with something to send
  Connection* next_event = nullptr;  ///< intrusive list of connections with news
  bool in_ready_list = false;
  bool in_event_list = false;
  bool in_starved_list = false;
  bool retired = false;            ///< no segment can find it any more; it waits for its handle to go
  bool fast_open_pending = false;  ///< holds a place in its listener's Fast Open queue
  bool present_mapped = false;     ///< its application sees IPv4 addresses as v4-mapped IPv6 ones

 private:
  /// What to put into the next segment.
  struct Plan {
    SendReason reason = SendReason::none;
    Seq seq;
    std::uint64_t text = 0;  ///< bytes
    bool syn = false;
    bool fin = false;
    bool resend = false;         ///< all of it was sent before
    bool probe = false;          ///< zero-window probe: counts as sent, but the persist timer watches it
    std::size_t mtu_probe = 0;   ///< bytes of IP packet: larger than what is known to pass (RFC 8899)
    std::size_t packet = 0;      ///< bytes of the largest IP packet that this becomes; emit() fills it in
    std::uint64_t segments = 1;  ///< how many the device will make of it; emit() fills it in
    Seq edge{};                  ///< the window's right edge that it tells; emit() fills it in
    Seq text_begin() const noexcept { return seq + (syn ? 1u : 0u); }
    SeqRange range() const noexcept { return {text_begin(), text_begin() + text + (fin ? 1u : 0u)}; }
    bool occupies() const noexcept { return text > 0 || fin; }
  };
  /// What the packet path rarely reads.
  struct Cold {
    Options options;
    std::unique_ptr<EcnState> ecn;  ///< where ECN was asked for or agreed on
    SlotId listener;                ///< who will accept() it
    SlotId origin;                  ///< the same, for good
    std::unique_ptr<FastOpenState> fast_open;
    Time progress_at{};        ///< when snd.una last moved, or waiting for that began
    Time next_challenge_at{};  ///< no challenge ACK before this
    Seq send_up;               ///< SND.UP: the octet behind the urgent data; <= una = none [9293 MUST-62]
    Seq receive_up;            ///< RCV.UP
    SeqRange duplicate;        ///< arrived twice: the next ACK reports it (RFC 2883); empty = none
    congestion::Pacer pacer;
    Time release_at = kNever;  ///< when text that the pacer holds back may leave
    std::uint64_t bytes_sent = 0, bytes_acked = 0, bytes_received = 0, bytes_retransmitted = 0;
    std::uint64_t segments_out = 0, segments_in = 0, retransmissions = 0;
    Time small_paid_until{};       ///< segments to a peer with a tiny MSS are paid for up to here [A-TCP-31]
    Time small_again_at = kNever;  ///< when more of them may leave
    ReceiveTuner tuner;            ///< the receive buffer's size
    PathEvidence evidence;
    std::unique_ptr<Plpmtud> plpmtud;  ///< made when it is asked for or needed
    Time path_aged_at = kNever;        ///< when to look whether the path has become wider [R8201-5.3-1]
    Time starved_window_at = kNever;   ///< since when the peer's window has room for less than a full segment
    Duration peer_user_timeout{};      ///< REMOTE_UTO (RFC 5482 3.1); 0 = never told
    std::uint32_t initial_window = 0;  ///< cwnd until there is a controller, bytes; 0 = not yet established
    bool user_timeout_due = false;     ///< the next segment tells ours
    bool fragmentable = false;         ///< IPv4 without DF: the path is narrower than any that is believed
  };

  // user_calls.cpp
  template <class Text>
  Result<std::size_t> queue_text(const Text& text, std::size_t size);

  std::size_t send_buffer() const noexcept;
  std::size_t receive_buffer() const noexcept { return cold_->tuner.buffer(); }
  void note_consumed(std::size_t count) noexcept;

  // connection.cpp
  void enter(State next);
  void fail(Errc error);
  void finished_with_error(Errc error);
  void establish();
  void signal(Readiness what) noexcept { ready_ |= what; }
  void request_output() noexcept { output_due_ = true; }
  void request_ack(SendReason reason) noexcept;
  void request_limited_ack(SendReason reason) noexcept;
  void refuse_with_ack(const Segment& segment, SendReason reason) noexcept;
  void enter_time_wait();
  void reset_peer(SendReason reason);
  /// The number of a segment that takes none itself.
  Seq control_seq() const noexcept;
  void begin_data_phase();
  void start_congestion(bool syn_was_lost);
  void make_congestion(bool pacing, EcnResponse ecn);
  /// REQUIRES cwnd() > 0.
  congestion::Controller& controller();
  std::uint64_t flow() const noexcept { return std::uint64_t{id.generation} << 32 | id.index; }

  // segment_arrives.cpp
  void place(Segment& segment) const noexcept;
  void arrives_in_listen(Segment& segment);
  void arrives_in_syn_sent(Segment& segment);
  void arrives_synchronized(Segment& segment);
  void learn_from_syn(const Segment& segment);
  bool check_timestamps(const Segment& segment);
  bool is_late_duplicate_ack(const Segment& segment) const noexcept;
  bool check_sequence(Segment& segment);
  void answer_unacceptable(const Segment& segment);
  void note_duplicate(SeqRange range) noexcept;
  void note_duplicate_segment(const Segment& segment) noexcept;
  bool recent_stamp_counts() const noexcept;
  void note_timestamp(const Segment& segment) noexcept;
  bool check_reset(const Segment& segment);
  bool check_syn(const Segment& segment);
  bool check_ack(const Segment& segment);
  bool ack_in_syn_received(const Segment& segment);
  bool process_ack(const Segment& segment);
  bool our_fin_acknowledged() const noexcept { return fin_queued_ && snd_.una > send_queue_.end(); }
  bool ack_of_fin();
  void check_urgent(const Segment& segment) noexcept;
  bool take_text(Segment& segment);
  void schedule_ack_for_text(const Segment& segment, ReceiveQueue::Taken taken, bool had_gap) noexcept;
  void check_fin(const Segment& segment);
  void trace_arrival(const Segment& segment) const noexcept;
  void note_text_round(const Segment& segment) noexcept;

  // path_mtu.cpp
  void packet_too_big(const ip::IcmpError& error, Seq quoted);
  void narrow_path(std::size_t mtu);
  bool honour_claim();
  void leave_black_hole();
  void begin_mtu_search();
  void follow_mtu_probe() noexcept;
  enum class ProbeTurn : std::uint8_t { none, wait, now };
  ProbeTurn plan_mtu_probe(Plan& plan) noexcept;
  std::size_t largest_packet() const noexcept;
  /// What the application allows a segment to hold, bytes.
  std::size_t segment_ceiling() const noexcept {
    const std::size_t asked = cold_->options.maximum_segment;
    return asked == 0 ? 65535 : std::max(asked, env_.config.minimum_send_mss);
  }
  void refresh_mss() noexcept;

  // user_timeout.cpp
  Duration user_timeout() const noexcept;
  void follow_user_timeout() noexcept;
  void learn_user_timeout(const Segment& segment) noexcept;
  void add_user_timeout(wire::tcp::Options& options) const noexcept;
  Duration keep_alive_idle() const noexcept;

  // fast_open.cpp
  std::uint64_t syn_text() const noexcept;
  void fast_open_timed_out();
  void fast_open_answered(const Segment& segment);
  void take_back_syn_text(Seq ack) noexcept;
  void take_syn_text(Segment& segment);

  // acknowledgement.cpp
  void take_acknowledgement(const Segment& segment);
  void update_send_window(const Segment& segment) noexcept;
  void tell_writer(std::size_t room_before) noexcept;
  void watch_window() noexcept;
  bool is_duplicate_ack(const Segment& segment) const noexcept;
  Time echoed_before(const Segment& segment) const noexcept;
  void digest(RecoveryFacts facts);
  void take_rtt_sample(const RecoveryFacts& facts);

  // ecn.cpp
  void ask_for_ecn();
  std::uint8_t syn_ecn_bits() const noexcept;
  void answer_ecn(const Segment& syn);
  bool repeat_ecn(const Segment& syn) noexcept;
  void conclude_ecn(const Segment& syn_ack);
  void begin_ecn() noexcept;
  void take_third_ack(const Segment& ack) noexcept;
  void hear_of_handshake(std::uint8_t code) noexcept;
  void stop_sending_ect() noexcept;
  void stop_believing() noexcept;
  bool retry_without_ecn() noexcept;
  bool note_mark(const Segment& segment) noexcept;
  void check_first_counter(const Segment& segment) noexcept;
  bool repeats_accurate_syn_ack(const Segment& segment) noexcept;
  bool hear_of_marks(const Segment& segment, RecoveryFacts& facts) noexcept;
  void reduce_for_mark(std::uint64_t flight) noexcept;
  void note_reduction() noexcept;
  bool answered_by_mark() noexcept;
  void wait_for_timer() noexcept;
  bool held_for_timer() const noexcept { return cold_->ecn && cold_->ecn->held; }
  bool release_held() noexcept;
  Ecn mark_of(const Plan& plan) const noexcept;
  void add_ecn(const Plan& plan, wire::tcp::Header& header) const noexcept;
  wire::tcp::AccurateEcn ecn_option() const noexcept;
  void ecn_departed(const Plan& plan, const wire::tcp::Header& header) noexcept;
  bool ecn_forbids_cutting() const noexcept;
  bool is_accurate() const noexcept { return cold_->ecn && cold_->ecn->mode == EcnMode::accurate; }

  // timeouts.cpp
  void arm(Timer which, Time deadline) noexcept;
  void disarm(Timer which) noexcept { deadlines_[static_cast<std::size_t>(which)] = kNever; }
  bool armed(Timer which) const noexcept { return deadlines_[static_cast<std::size_t>(which)] != kNever; }
  void fire(Timer which);
  void retransmission_timeout();
  void probe_timeout();
  void schedule_probe() noexcept;
  void handshake_timeout();
  void persist_timeout();
  void keep_alive_timeout();
  void user_timeout_expired();
  void closing_timeout();
  void restart_retransmit_timer() noexcept;
  void watch_progress() noexcept;
  void watch_keep_alive() noexcept;
  void time_out();

  // output.cpp and plan.cpp
  std::optional<Plan> next_plan();
  std::optional<Plan> plan_handshake() const noexcept;
  std::optional<Plan> plan_tail_probe() const noexcept;
  std::optional<Plan> plan_in_syn_received() noexcept;
  std::optional<Plan> plan_resend() noexcept;
  std::optional<Plan> plan_probe() const noexcept;
  std::optional<Plan> plan_new_text() noexcept;
  std::optional<Plan> plan_finish() const noexcept;
  std::optional<Plan> plan_ack() const noexcept;
  std::uint64_t sendable_text(std::uint64_t queued, std::uint64_t usable, std::uint64_t permitted) noexcept;
  bool may_send_small(std::uint64_t small, std::uint64_t queued, std::uint64_t usable) const noexcept;
  bool small_segments_wait() noexcept;
  void pay_small_segments(const Plan& plan) noexcept;
  std::size_t blocks_to_tell() const noexcept {
    return receive_queue_.sacks().size() + (cold_->duplicate.empty() ? 0u : 1u);
  }
  std::size_t sack_blocks() const noexcept;
  std::uint64_t segment_text_limit() const noexcept;
  std::uint64_t frame_text_limit() const noexcept;
  bool pacer_holds() noexcept;
  SendReason resend_reason() const noexcept;
  bool emit(Plan& plan, FrameSink& sink);
  wire::tcp::Header header_for(const Plan& plan) const noexcept;
  std::uint16_t offered_mss() const noexcept;
  void add_syn_options(wire::tcp::Options& options) const noexcept;
  void add_sacks(wire::tcp::Options& options) const noexcept;
  void commit(const Plan& plan, const wire::tcp::Header& header);
  void commit_text(const Plan& plan);
  void note_app_limit() noexcept;
  void settle_timers() noexcept;
  void trace_departure(const Plan& plan, const wire::tcp::Header& header) const noexcept;
  Seq window_edge() const noexcept;
  bool window_update_due() const noexcept;
  std::uint32_t effective_mss() const noexcept;
  Recovery& recovery();
  std::uint64_t pipe() const noexcept { return recovery_ ? recovery_->pipe() : 0; }
  /// 0 before our SYN is acknowledged.
  std::uint64_t cwnd() const noexcept { return congestion_ ? congestion_->cwnd() : cold_->initial_window; }
  std::uint64_t ssthresh() const noexcept {
    if (congestion_) return congestion_->ssthresh();
    return cwnd() > 0 ? ~std::uint64_t{0} : 0;
  }
  /// Bytes that congestion control lets go now.
  std::uint64_t cwnd_room() const noexcept { return cwnd() > pipe() ? cwnd() - pipe() : 0; }
  std::uint64_t outstanding() const noexcept { return snd_.nxt - snd_.una; }
  bool fin_sent() const noexcept { return fin_queued_ && snd_.nxt > send_queue_.end(); }
  /// Text that was never sent.
  std::uint64_t unsent() const noexcept { return snd_.nxt >= send_queue_.end() ? 0 : send_queue_.end() - snd_.nxt; }
  std::uint8_t hop_limit() const noexcept;
  Duration fin_wait_2() const noexcept;
  /// IP and TCP headers without options, bytes.
  std::size_t fixed_headers() const noexcept {
    return ip::header_size(tuple_.local.address.family()) + wire::tcp::kMinimumHeader;
  }

  Environment& env_;
  FourTuple tuple_;
  SendVariables snd_;
  ReceiveVariables rcv_;
  TimestampVariables ts_;
  SendQueue send_queue_;
  ReceiveQueue receive_queue_;
  std::unique_ptr<Recovery> recovery_;                  ///< made when text first leaves
  std::unique_ptr<congestion::Controller> congestion_;  ///< made when it first has more to know than its window
  std::unique_ptr<Cold> cold_;
  congestion::RttEstimator rtt_;
  std::array<Time, kTimerCount> deadlines_;
  Time heard_at_{};                 ///< when the peer was last heard
  Time sent_at_{};                  ///< when text, SYN or SYN,ACK last left
  std::uint32_t mss_ = 536;         ///< sender maximum segment size without options, from peer's MSS and path MTU
  std::uint32_t unacked_text_ = 0;  ///< bytes received since our last ACK
  std::uint16_t ip_id_ = 0;
  State state_ = State::closed;
  Errc error_ = Errc::none;
  Errc soft_error_ = Errc::none;
  Readiness ready_ = Readiness::none;
  SendReason ack_due_ = SendReason::none;  ///< why an ACK must leave now
  CongestionControl congestion_kind_;
  std::uint8_t backoff_ = 0;            ///< the RTO is doubled so often; until a new RTT sample (Karn, RFC 6298 5.7)
  std::uint8_t timeouts_ = 0;           ///< retransmission timeouts in a row without progress
  std::uint8_t unanswered_probes_ = 0;  ///< zero-window probes without any ACK since
  std::uint8_t quick_acks_ = 0;         ///< segments still to be acknowledged at once
  std::uint8_t keep_alive_probes_ = 0;  ///< sent and unanswered
  std::uint8_t orphan_probes_ = 0;      ///< zero-window probes since the application left
  bool passive_ : 1 = false;            ///< opened by a listener [9293 MUST-11]
  bool sack_ : 1 = false;
  bool scaling_ : 1 = false;
  bool fin_queued_ : 1 = false;  ///< CLOSE was called: FIN follows the last byte of the send queue
  bool detached_ : 1 = false;
  bool output_due_ : 1 = false;
  bool syn_due_ : 1 = false;
  bool sent_syn_ : 1 = false;
  bool probe_due_ : 1 = false;
  bool keep_alive_due_ : 1 = false;
  bool override_due_ : 1 = false;
  bool writer_waits_ : 1 = false;  ///< a write found no room: tell when there is some
  bool starved_ : 1 = false;
  bool cwnd_limited_ : 1 = false;
  bool urgent_told_ : 1 = false;
  bool stateless_ : 1 = false;  ///< its SYN,ACK is a cookie
};
static_assert(sizeof(Connection) <= 512);

}  // namespace sluice::tcp
