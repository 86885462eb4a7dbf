// Loss recovery as one would explain it at a blackboard: a mark for each byte, every rule a walk over all of them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "stack/tcp/recovery.hpp"

namespace sluice::tcp {

/// Does what Recovery does, slowly. The random tests run both and compare.
class ReferenceScoreboard {
 public:
  struct Byte {
    Time sent_at;
    bool sacked = false;
    bool lost = false;
    bool resent = false;
  };
  enum class Phase { open, fast, timeout };

  ReferenceScoreboard(bool sack, Seq una) : sack_(sack), una_(una.number()), nxt_(una_), point_(una_ - 1) {}

  const std::map<std::uint64_t, Byte>& bytes() const { return bytes_; }
  Phase phase() const { return phase_; }
  Time deadline() const { return deadline_; }
  bool reordering() const { return reordering_; }

  template <class Predicate>
  std::uint64_t count(Predicate predicate) const {
    return static_cast<std::uint64_t>(
        std::count_if(bytes_.begin(), bytes_.end(), [&](const auto& entry) { return predicate(entry.second); }));
  }
  std::uint64_t sacked() const {
    return count([](const Byte& byte) { return byte.sacked; });
  }
  std::uint64_t lost() const {
    return count([](const Byte& byte) { return byte.lost; });
  }
  std::uint64_t pipe() const {
    const std::uint64_t flying = count([](const Byte& byte) { return !byte.sacked && !byte.lost; });
    return flying > presumed_ ? flying - presumed_ : 0;
  }
  /// Whether `range` is a right answer to "what is to be resent?": it begins at the first lost byte, is lost wholly,
  /// and leaves no room that would be worth a cut.
  bool may_resend(std::optional<SeqRange> range, std::uint64_t limit) const {
    const auto is_lost = [&](std::uint64_t number) { return bytes_.contains(number) && bytes_.at(number).lost; };
    if (!range) return lost() == 0;
    const auto first = std::find_if(bytes_.begin(), bytes_.end(), [](const auto& entry) { return entry.second.lost; });
    if (first == bytes_.end() || first->first != range->begin.number() || range->size() > limit) return false;
    for (auto i = range->begin.number(); i < range->end.number(); ++i) {
      if (!is_lost(i)) return false;
    }
    return 2 * range->size() >= limit || !is_lost(range->end.number());
  }

  void sent(SeqRange range, Time now) {
    for (auto i = range.begin.number(); i < range.end.number(); ++i) bytes_[i] = Byte{now};
    nxt_ = range.end.number();
    edges_.insert(nxt_);
  }
  void resent(SeqRange range, Time now) {
    anything_resent_ = true;
    if (episode_.open) {
      if (episode_.first_resent_at == kNever) episode_.first_resent_at = now;
      for (auto i = range.begin.number(); i < range.end.number(); ++i)
        episode_.countable &= !episode_.unproven.contains(i);
      for (auto i = range.begin.number(); i < range.end.number() && episode_.countable; ++i)
        episode_.unproven.insert(i);
    }
    for (auto i = range.begin.number(); i < range.end.number(); ++i) {
      bytes_[i].sent_at = now;
      bytes_[i].lost = false;
      bytes_[i].resent = true;
    }
    edges_.insert(range.begin.number());
    edges_.insert(range.end.number());
  }

  void probed() { probe_end_ = nxt_; }

  /// `segments_sacked` is all that a scoreboard of bytes can't know.
  RecoveryFacts ack(const AckInput& input, const congestion::RttEstimator& rtt, std::size_t segments_sacked) {
    RecoveryFacts facts;
    facts.sample.in_flight_before = pipe();
    const Phase before = phase_;
    const std::uint64_t presumed_before = presumed_;
    smss_ = input.smss;
    std::map<std::uint64_t, Byte> by_number;  // delivered now
    std::map<std::uint64_t, Byte> by_sack;
    if (una_ < input.ack.number()) judge_by_echo(input);
    while (!bytes_.empty() && bytes_.begin()->first < input.ack.number()) {
      ++facts.sample.newly_acked;
      if (!bytes_.begin()->second.sacked) by_number.insert(*bytes_.begin());
      bytes_.erase(bytes_.begin());
    }
    una_ = input.ack.number();
    if (sack_) take_blocks(input, by_sack, facts);
    facts.sample.newly_delivered = by_number.size() + by_sack.size();
    facts.sample.rtt = sample(by_number, by_sack, input.now);
    if (phase_ != Phase::open && una_ >= point_) {
      phase_ = Phase::open;
      presumed_ = 0;
      facts.recovery_ended = true;
    }
    if (spurious(input)) undo(facts);
    const bool probe_reported = settle_probe(input, facts);
    std::uint64_t flight = 0;
    Lost lost;
    if (sack_) {
      rack(by_number, by_sack, input, rtt);
      adapt(facts, probe_reported);
      lost = detect(input.now, rtt, segments_sacked);
      flight = bytes_.size() - sacked() + facts.sample.newly_delivered;
    } else {
      lost = duplicates(input, facts.sample.newly_acked);
      flight = flight_without_limited_transmit();
    }
    respond(lost, flight, input.now, facts);
    const std::uint64_t told = facts.sample.newly_delivered + presumed_;
    facts.sample.newly_delivered = told > presumed_before ? told - presumed_before : 0;
    if (bytes_.empty()) reset_idle();
    facts.sample.newly_lost = lost.bytes;
    facts.sample.in_flight = pipe();
    facts.sample.in_recovery = before != Phase::open || phase_ != Phase::open;
    return facts;
  }

  RecoveryFacts timer(Time now, const congestion::RttEstimator& rtt, std::size_t segments_sacked) {
    RecoveryFacts facts;
    facts.sample.in_flight_before = pipe();
    const Lost lost = detect(now, rtt, segments_sacked);
    respond(lost, bytes_.size() - sacked(), now, facts);
    facts.sample.newly_lost = lost.bytes;
    facts.sample.in_flight = pipe();
    facts.sample.in_recovery = phase_ != Phase::open;
    return facts;
  }

  RecoveryFacts timeout(Time now, const congestion::RttEstimator& rtt, std::size_t segments_sacked) {
    RecoveryFacts facts;
    facts.sample.in_flight_before = pipe();
    facts.event_flight = sack_ ? bytes_.size() - sacked() : flight_without_limited_transmit();
    if (bytes_.begin()->second.sacked) {
      for (auto& [number, byte] : bytes_) byte.sacked = false;
      fack_ = rack_end_ = una_;
      segments_sacked = 0;
    }
    if (phase_ != Phase::timeout || una_ != episode_.begin) begin_episode(true);
    probe_end_ = 0;
    const Duration trip = rack_rtt_ > Duration::zero() ? rack_rtt_ : rtt.srtt();
    const Duration wait = trip + window(rtt, segments_sacked);
    const std::uint64_t head_end = *edges_.upper_bound(una_);
    for (auto& [number, byte] : bytes_) {
      const bool head = sack_ ? in_head(number) : number < head_end;
      if (byte.sacked || byte.lost || !(!sack_ || head || byte.sent_at + wait <= now)) continue;
      byte.lost = true;
      ++facts.sample.newly_lost;
    }
    presumed_ = 0;
    duplicates_ = 0;
    phase_ = Phase::timeout;
    point_ = nxt_;
    beyond_ = false;
    reduced_at_ = now;
    deadline_ = kNever;
    facts.sample.in_flight = pipe();
    facts.sample.in_recovery = true;
    return facts;
  }

  void refused() {
    for (auto& [number, byte] : bytes_) byte.lost = !byte.sacked;
    if (bytes_.empty()) return;
    presumed_ = 0;
    duplicates_ = 0;
    if (phase_ == Phase::open) point_ = nxt_;
    deadline_ = kNever;
  }

  /// Where the log cuts its first range, told by the test.
  void head_ends_at(Seq end) { head_end_ = end.number(); }

 private:
  struct Episode {
    Time first_resent_at = kNever;
    std::uint64_t begin = 0;
    std::set<std::uint64_t> unproven;
    bool open = false;
    bool by_timeout = false;
    bool acknowledged = false;
    bool countable = true;
  };
  struct Lost {
    std::uint64_t bytes = 0;
    bool again = false;
  };

  bool in_head(std::uint64_t number) const { return number < head_end_; }

  void take_blocks(const AckInput& input, std::map<std::uint64_t, Byte>& delivered, RecoveryFacts& facts) {
    for (std::size_t i = 0; i < input.sacks.size(); ++i) {
      const SeqRange block = input.sacks[i];
      const bool inside_second =
          input.sacks.size() > 1 && input.sacks[1].begin <= block.begin && block.end <= input.sacks[1].end;
      if (i == 0 && (block.begin < input.ack || inside_second)) {
        facts.duplicate_reported = true;
        reported_end_ = block.end.number();
        for (auto number = block.begin.number(); number < block.end.number(); ++number) episode_.unproven.erase(number);
        continue;
      }
      if (block.end <= block.begin || block.begin.number() <= una_ || block.end.number() > nxt_) continue;
      for (auto number = block.begin.number(); number < block.end.number(); ++number) {
        Byte& byte = bytes_.at(number);
        if (!byte.sacked) delivered.emplace(number, byte);
        byte.sacked = true;
        byte.lost = false;
      }
    }
  }

  static Duration sample(const std::map<std::uint64_t, Byte>& by_number, const std::map<std::uint64_t, Byte>& by_sack,
                         Time now) {
    const auto resent = [](const auto& entry) { return entry.second.resent; };
    Time latest = Time::min();
    if (std::none_of(by_number.begin(), by_number.end(), resent)) {
      for (const auto& [number, byte] : by_number) latest = std::max(latest, byte.sent_at);
    }
    for (const auto& [number, byte] : by_sack) {
      if (!byte.resent) latest = std::max(latest, byte.sent_at);
    }
    return latest == Time::min() ? Duration::zero() : std::max(now - latest, Duration(1));
  }

  void rack(const std::map<std::uint64_t, Byte>& by_number, const std::map<std::uint64_t, Byte>& by_sack,
            const AckInput& input, const congestion::RttEstimator& rtt) {
    std::map<std::uint64_t, Byte> all = by_number;
    all.insert(by_sack.begin(), by_sack.end());
    Time latest = Time::min();
    std::uint64_t latest_end = 0;
    std::uint64_t highest = fack_;
    for (const auto& [number, byte] : all) {
      if (!byte.resent && number + 1 < fack_) reordering_ = true;
      highest = std::max(highest, number + 1);
      const bool older = by_number.contains(number) && byte.sent_at >= input.echoed_before;
      if (byte.resent && (older || input.now - byte.sent_at < rtt.min_rtt())) continue;
      if (byte.sent_at >= latest) {
        latest = byte.sent_at;
        latest_end = number + 1;
      }
    }
    fack_ = highest;
    if (latest == Time::min()) return;
    rack_rtt_ = input.now - latest;
    if (latest > rack_sent_at_ || (latest == rack_sent_at_ && latest_end > rack_end_)) {
      rack_sent_at_ = latest;
      rack_end_ = latest_end;
    }
  }

  void begin_episode(bool by_timeout) {
    episode_ = {};
    episode_.begin = una_;
    episode_.open = true;
    episode_.by_timeout = by_timeout;
  }

  // The left edge was filled by what the ACK echoes.
  void judge_by_echo(const AckInput& input) {
    if (!episode_.open || !bytes_.begin()->second.resent || episode_.first_resent_at == kNever) return;
    const bool first = !episode_.acknowledged;
    episode_.acknowledged = true;
    if (input.echoed_before > episode_.first_resent_at) return;
    if (episode_.by_timeout && first) {
      episode_.unproven.clear();
      episode_.countable = true;
      return;
    }
    for (auto number = una_; number < std::min(head_end_, input.ack.number()); ++number)
      episode_.unproven.erase(number);
  }

  bool spurious(const AckInput& input) const {
    return episode_.open && !input.congestion_echoed && episode_.first_resent_at != kNever && episode_.countable &&
           episode_.unproven.empty();
  }

  void undo(RecoveryFacts& facts) {
    facts.undo = true;
    facts.undo_timeout = episode_.by_timeout;
    reordering_ |= !episode_.by_timeout;
    for (auto& [number, byte] : bytes_) byte.lost = false;
    phase_ = Phase::open;
    presumed_ = duplicates_ = 0;
    beyond_ = false;
    episode_ = {};
  }

  // The probe of these tests is always a retransmission. Answers whether its duplicate was reported.
  bool settle_probe(const AckInput& input, RecoveryFacts& facts) {
    if (probe_end_ == 0 || una_ < probe_end_) return false;
    const bool reported = facts.duplicate_reported && reported_end_ == probe_end_;
    const bool duplicate = facts.sample.newly_acked == 0 && input.duplicate && input.sacks.empty();
    facts.probe_repaired = !reported && !duplicate && una_ > probe_end_;
    if (reported || duplicate || facts.probe_repaired) probe_end_ = 0;
    return reported;
  }

  void adapt(const RecoveryFacts& facts, bool probe_reported) {
    if (una_ >= round_) round_ = 0;
    if (facts.duplicate_reported && !probe_reported && anything_resent_ && round_ == 0) {
      round_ = nxt_;
      ++multiplier_;
      persist_ = 16;
    } else if (facts.recovery_ended && persist_ > 0 && --persist_ == 0) {
      multiplier_ = 1;
    }
  }

  Duration window(const congestion::RttEstimator& rtt, std::size_t segments_sacked) const {
    const bool three = segments_sacked >= 3 || sacked() >= 3 * smss_;
    if (!reordering_ && (phase_ != Phase::open || three)) return Duration::zero();
    return std::min(rtt.min_rtt() / 4 * multiplier_, rtt.srtt());
  }

  Lost detect(Time now, const congestion::RttEstimator& rtt, std::size_t segments_sacked) {
    Lost lost;
    const Duration wait = rack_rtt_ + window(rtt, segments_sacked);
    deadline_ = kNever;
    for (auto& [number, byte] : bytes_) {
      if (byte.sacked || byte.lost) continue;
      const bool before = byte.sent_at < rack_sent_at_ || (byte.sent_at == rack_sent_at_ && number + 1 < rack_end_);
      if (!before) continue;
      const Time due = byte.sent_at + (byte.resent ? std::max(wait, Duration(1)) : wait);
      if (due <= now) {
        lose(number, byte, lost);
      } else {
        deadline_ = std::min(deadline_, due);
      }
    }
    return lost;
  }

  void lose(std::uint64_t number, Byte& byte, Lost& lost) {
    byte.lost = true;
    ++lost.bytes;
    lost.again |= byte.resent && byte.sent_at >= reduced_at_;
    beyond_ |= number >= point_;
  }

  Lost lose_head() {
    Lost lost;
    const std::uint64_t frame = *edges_.upper_bound(una_);
    const std::uint64_t end = std::min(frame, una_ + smss_);
    edges_.insert(end);
    for (auto number = una_; number < end; ++number) {
      if (!bytes_.at(number).lost) lose(number, bytes_.at(number), lost);
    }
    lost.again = false;
    return lost;
  }

  Lost duplicates(const AckInput& input, std::uint64_t acked) {
    if (acked > 0) {
      duplicates_ = 0;
      if (phase_ != Phase::fast) presumed_ = 0;
      if (phase_ != Phase::fast) return {};
      if (acked > smss_) presumed_ -= std::min(presumed_, acked - smss_);
      limit_ = std::max<std::uint64_t>(bytes_.size(), presumed_);
      return lose_head();
    }
    if (!input.duplicate || bytes_.empty()) return {};
    if (++duplicates_ == 1) first_duplicate_nxt_ = nxt_;
    if (phase_ == Phase::fast) presumed_ = std::min(presumed_ + smss_, limit_);
    if (phase_ != Phase::open || duplicates_ > 3) return {};
    if (duplicates_ == 3 && una_ <= point_) return {};
    presumed_ = duplicates_ * smss_;
    if (duplicates_ < 3) return {};
    limit_ = std::max<std::uint64_t>(bytes_.size(), presumed_);
    return lose_head();
  }

  std::uint64_t flight_without_limited_transmit() const {
    if (duplicates_ == 0 || phase_ != Phase::open) return bytes_.size();
    return first_duplicate_nxt_ - una_;
  }

  void respond(const Lost& lost, std::uint64_t flight, Time now, RecoveryFacts& facts) {
    const bool loss = lost.bytes > 0 || (facts.recovery_ended && beyond_) || facts.probe_repaired;
    const bool first = phase_ == Phase::open && loss;
    if (lost.again) episode_.open = false;
    if (!first && !(lost.again && phase_ == Phase::timeout)) return;
    begin_episode(false);
    if (!first || facts.probe_repaired) episode_.open = false;
    probe_end_ = 0;
    phase_ = Phase::fast;
    point_ = nxt_;
    beyond_ = false;
    reduced_at_ = now;
    facts.congestion_event = true;
    facts.event_flight = flight;
  }

  void reset_idle() {
    deadline_ = kNever;
    duplicates_ = 0;
    edges_.clear();
  }

  bool sack_;
  std::map<std::uint64_t, Byte> bytes_;
  std::set<std::uint64_t> edges_;  // where frames end
  std::uint64_t una_;
  std::uint64_t nxt_;
  std::uint64_t point_;
  std::uint64_t head_end_ = 0;
  Episode episode_;
  std::uint64_t probe_end_ = 0;  // 0 = none is out
  std::uint64_t reported_end_ = 0;
  std::uint64_t round_ = 0;  // 0 = no round of D-SACKs
  unsigned multiplier_ = 1;
  unsigned persist_ = 0;
  bool anything_resent_ = false;
  Phase phase_ = Phase::open;
  bool beyond_ = false;
  Time reduced_at_ = Time::min();
  Time deadline_ = kNever;
  std::uint64_t smss_ = 536;
  Time rack_sent_at_ = Time::min();
  std::uint64_t rack_end_ = 0;
  Duration rack_rtt_{};
  std::uint64_t fack_ = 0;
  bool reordering_ = false;
  std::uint64_t duplicates_ = 0;
  std::uint64_t presumed_ = 0;
  std::uint64_t limit_ = 0;
  std::uint64_t first_duplicate_nxt_ = 0;
};

}  // namespace sluice::tcp
