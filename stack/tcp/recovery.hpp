// What to resend: the log of sent ranges, and the rules that mark them delivered or lost (RFC 8985, RFC 6582).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "stack/base/time.hpp"
#include "stack/congestion/controller.hpp"
#include "stack/congestion/rtt.hpp"
#include "stack/tcp/sent_log.hpp"
#include "stack/tcp/seq.hpp"

namespace sluice::tcp {

/// What an ACK or a timer did to the log.
struct RecoveryFacts {
  congestion::AckSample sample;     ///< for rtt and congestion control (cwnd_limited is the caller's to fill)
  bool congestion_event = false;    ///< loss found: recovery begins, or a retransmission was lost again
  std::uint64_t event_flight = 0;   ///< with congestion_event, and of on_timeout(): FlightSize for RFC 5681 eq. 4
  bool recovery_ended = false;      ///< with congestion_event too: one recovery ended, and the next one begins
  bool duplicate_reported = false;  ///< a D-SACK came (RFC 2883)
  bool probe_repaired = false;      ///< with congestion_event: a tail loss probe had repaired what was lost
  bool undo = false;                ///< the last event or timeout proved spurious: its recovery is over; comes before
                                    ///< a congestion_event of the same ACK, and after its recovery_ended
  bool undo_timeout = false;        ///< with undo: it was a timeout
  bool adapt_rtt = false;           ///< the sample is the first of what was sent after a spurious timeout (RFC 4015)
};

/// What the caller knows about an arriving ACK besides its number.
struct AckInput {
  Seq ack;                          ///< SEG.ACK; una <= ack <= nxt
  std::span<const SeqRange> sacks;  ///< as received, unwrapped, unchecked, in the order of the option
  bool duplicate = false;           ///< RFC 5681 section 2's definition holds, except perhaps for (a): something is out
  std::uint32_t smss = 536;         ///< sender maximum segment size, bytes
  Time now;
  /// The transmission that this ACK echoes left before this time (from TSecr, rounded up to the end of its tick);
  /// kNever = not known. Tells the ACK of a retransmission from that of its original (RFC 8985 6.2 step 2).
  Time echoed_before = kNever;
  bool congestion_echoed = false;  ///< ECE: whatever turns out to be spurious, there is congestion (RFC 4015 3.4)
};

/// One connection's loss recovery. It holds no memory while nothing is in flight. FIN and SYN count as one byte.
class Recovery {
 public:
  /// `sack`: the peer agreed to SACK; else NewReno counts duplicates.
  /// `shelf`, if any, outlives it and lends the log its memory.
  void start(bool sack, Seq una, RingShelf<SentRange>* shelf = nullptr) noexcept;

  /// New text (or FIN) left: begin == the previous nxt. Only after the sink accepted it.
  void on_sent(SeqRange range, Time now);
  /// Text left again: a part of what next_to_resend() named (or of the head of the log, for a zero-window probe or a
  /// timeout). Only after the sink accepted it.
  void on_resent(SeqRange range, Time now);

  /// Nothing more to send, and cwnd would permit it: rates measured from here on tell of the application, not of the
  /// path, until all that is out now is delivered (draft-ietf-ccwg-bbr 4.1.2.4).
  void on_app_limited() noexcept;

  /// Digest an acceptable ACK.
  RecoveryFacts on_ack(const AckInput& input, const congestion::RttEstimator& rtt);
  /// The retransmission timer fired (RFC 8985 6.3, RFC 6298 5.4): the head is lost in any case, even if it was SACKed
  /// (RFC 2018 5); others as the rules say. No congestion_event: the caller tells the controller of the timeout.
  RecoveryFacts on_timeout(Time now, const congestion::RttEstimator& rtt);
  /// The reordering timer fired (RFC 8985 6.2 step 5).
  RecoveryFacts on_reorder_timer(Time now, const congestion::RttEstimator& rtt);
  /// What is out was refused on the way, or has to be presumed so: the path MTU shrank, a closed window opened again.
  /// All that isn't SACKed is lost, and that is no sign of congestion (RFC 1191 6.4): no phase changes.
  void on_refused() noexcept;
  /// This range is a probe of the path MTU: its loss alone is no sign of congestion [R8899-3-6] [R4821-7-2].
  void watch_probe(SeqRange range) noexcept { probe_ = range, probe_lost_ = false; }
  bool probe_lost() const noexcept { return probe_lost_; }
  /// A router refused the probe: it goes again, in smaller segments.
  void lose_probe() noexcept;
  /// A mark shrank cwnd meanwhile: no news about the last recovery may take that back (RFC 4015 3.4).
  void keep_reduction() noexcept { episode_.open = false; }
  /// When the reordering timer is to fire; kNever = it doesn't run.
  Time reorder_deadline() const noexcept { return reorder_deadline_; }

  // Tail loss probes (RFC 8985 section 7), with SACK only.
  /// New text left, or the number advanced: the probe's timer begins anew, if one may be sent at all. It never fires
  /// later than `rto_deadline`, so it takes the retransmission timer's place until then.
  void schedule_probe(Time now, Time rto_deadline, std::uint32_t smss, const congestion::RttEstimator& rtt) noexcept;
  void cancel_probe() noexcept { tail_probe_.deadline = kNever, tail_probe_.due = false; }
  Time probe_deadline() const noexcept { return tail_probe_.deadline; }
  /// The probe's timer fired: a probe is due. The caller restarts the retransmission timer [R8985-7.3-3].
  void on_probe_timer() noexcept;
  bool probe_due() const noexcept { return tail_probe_.due; }
  /// What is to be sent again as a probe if there is no new text: the last that was sent, at most `limit` bytes.
  SeqRange tail(std::uint64_t limit) const noexcept;
  /// It left; on_sent() or on_resent() told of it already.
  void on_probe_sent(bool again) noexcept;

  /// The earlier one of both timers.
  Time next_deadline() const noexcept {
    return reorder_deadline_ < tail_probe_.deadline ? reorder_deadline_ : tail_probe_.deadline;
  }

  /// The first lost range that has not been resent, at most `limit` bytes of it.
  std::optional<SeqRange> next_to_resend(std::uint64_t limit) const noexcept;
  /// The next retransmission may leave whatever cwnd says (the fast retransmit itself, RFC 5681 3.2 step 3).
  bool owes_fast_retransmit() const noexcept { return owes_fast_retransmit_; }

  /// Bytes thought to be in the network: sent, not acknowledged, not SACKed, not marked lost (or resent since);
  /// without SACK each duplicate ACK counts as one segment delivered.
  std::uint64_t pipe() const noexcept {
    const std::uint64_t gone = log_.sacked_bytes() + log_.lost_bytes() + newreno_.presumed;
    return log_.outstanding() > gone ? log_.outstanding() - gone : 0;
  }
  std::uint64_t lost_bytes() const noexcept { return log_.lost_bytes(); }
  std::uint64_t sacked_bytes() const noexcept { return log_.sacked_bytes(); }
  bool in_recovery() const noexcept { return phase_ != Phase::open; }
  /// In the recovery that a timeout began.
  bool after_timeout() const noexcept { return phase_ == Phase::timeout; }
  unsigned duplicates() const noexcept { return duplicates_; }
  /// When the oldest outstanding range was last sent; kNever when nothing is out.
  Time oldest_sent_at() const noexcept;

  const SentLog& log() const noexcept { return log_; }
  std::size_t footprint() const noexcept { return log_.footprint(); }

  /// Packets seem to overtake each other here (RFC 8985 6.2 step 3).
  bool reordering_seen() const noexcept { return rack_.reordering_seen; }
  /// Bytes delivered so far, by ACK or SACK.
  std::uint64_t delivered() const noexcept { return rate_.delivered; }

 private:
  enum class Phase : std::uint8_t { open, fast_recovery, timeout };

  // RFC 8985 section 5.3. "sent_at, end" name the latest sent of what has been delivered.
  struct Rack {
    Time sent_at = Time::min();
    Seq end;
    Duration rtt{};
    Seq fack;
    Seq dsack_round;               // meaningful with in_dsack_round
    std::uint32_t multiplier = 1;  // RACK.reo_wnd_mult: grows with D-SACKs
    std::uint8_t persist = 0;      // recoveries for which that lasts
    bool in_dsack_round = false;
    bool reordering_seen = false;
  };
  // RFC 8985 section 7.1.
  struct TailProbe {
    Time deadline = kNever;
    Seq end;              // TLP.end_seq, with out
    bool out = false;     // one is in flight
    bool again = false;   // TLP.is_retrans
    bool due = false;     // the timer fired, and it has not left yet
    bool sampled = true;  // an RTT sample came since the last one
  };
  // What would have to be undone (undo.cpp): the last recovery, as long as each of its retransmissions may have been
  // needless.
  struct Episode {
    Time began_at{};
    Time first_resent_at = kNever;
    Seq begin;                       // una when it began
    std::vector<SeqRange> unproven;  // resent, and not shown to be needless
    bool open = false;
    bool by_timeout = false;
    bool acknowledged = false;  // an acceptable ACK came: the Eifel algorithm has judged a timeout
    bool countable = true;      // each range was resent once, so that its D-SACK proves something
  };
  // RFC 6582, for peers without SACK. Duplicates stand for bytes delivered, at most `limit` of them.
  struct NewReno {
    std::uint64_t presumed = 0;
    std::uint64_t limit = 0;
    Seq nxt_at_first_duplicate;
  };
  // Of the whole connection, for rate samples (draft-ietf-ccwg-bbr 2.2).
  struct DeliveryRate {
    std::uint64_t delivered = 0;
    Time delivered_at{};              // when that grew last
    Time first_sent_at{};             // when the newest of it had left
    std::uint64_t limited_until = 1;  // the application's bubble lasts until so much is delivered; 0 = none
    std::uint32_t lost = 0;           // bytes ever marked, modulo 2^32
  };
  struct Delivery;  // what one ACK delivered
  struct Losses;    // what was marked by one event

  SentRange departure(std::uint64_t bytes, Time now) noexcept;
  void sample_rate(const Delivery& delivery, congestion::AckSample& sample) noexcept;
  void begin_episode(bool by_timeout, Time now);
  void note_resent(SeqRange range, Time now);
  void prove_needless(SeqRange range);
  void judge_by_echo(SeqRange head, const AckInput& input);
  bool is_spurious(const AckInput& input) const noexcept;
  void undo(RecoveryFacts& facts);
  bool settle_probe(const AckInput& input, Delivery& delivery) noexcept;
  void adapt_window(const Delivery& delivery, bool recovery_ended) noexcept;
  void acknowledge(const AckInput& input, Delivery& delivery);
  void digest_sacks(const AckInput& input, Delivery& delivery);
  void digest_block(SeqRange block, const AckInput& input, Delivery& delivery);
  void update_rack(const Delivery& delivery) noexcept;
  Duration reorder_window(const congestion::RttEstimator& rtt) const noexcept;
  Losses detect_losses(Time now, const congestion::RttEstimator& rtt) noexcept;
  bool judge(std::size_t i, Time now, Duration wait, Losses& losses) noexcept;
  void judge_firsts(Time now, Duration wait, Losses& losses) noexcept;
  void judge_resends(Time now, Duration wait, Losses& losses) noexcept;
  void declare_lost(std::size_t i, Losses& losses) noexcept;
  Losses count_duplicates(const AckInput& input, const Delivery& delivery);
  Losses take_advance(const Delivery& delivery);
  Losses lose_head_segment();
  Losses lose_overdue(Time now, const congestion::RttEstimator& rtt) noexcept;
  void end_recovery(RecoveryFacts& facts) noexcept;
  void respond(const Losses& losses, std::uint64_t flight, Time now, RecoveryFacts& facts);
  std::uint64_t flight_before(std::uint64_t delivered_now) const noexcept;
  void close(RecoveryFacts& facts) noexcept;

  SentLog log_;
  Rack rack_;
  NewReno newreno_;
  Seq recovery_point_;  // recovery ends here; RFC 6582's recover + 1
  SeqRange probe_;      // of the path MTU, while its fate is open
  Seq unjudged_;        // before it, every range is SACKed, lost or resent
  Time reorder_deadline_ = kNever;
  Time reduced_at_ = Time::min();  // the last congestion event or timeout
  DeliveryRate rate_;
  TailProbe tail_probe_;
  Episode episode_;
  Time adapt_from_ = kNever;  // the next RTT sample of what was sent from here on adapts to a spurious timeout
  std::uint64_t resent_ = 0;  // bytes, ever: so much may be reported as duplicate
  std::uint32_t smss_ = 536;
  unsigned duplicates_ = 0;
  Phase phase_ = Phase::open;
  bool sack_ = false;
  bool owes_fast_retransmit_ = false;
  bool probe_lost_ = false;
  bool lost_beyond_point_ = false;  // of what was sent after the reduction: one more event when this recovery ends
};

}  // namespace sluice::tcp
