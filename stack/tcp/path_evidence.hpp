// What our own packets prove about a path: the largest that left, and the largest that is known to have arrived. By
// these a claim that packets are too big is believed, doubted or refused (RFC 5927 7.2).
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "stack/tcp/seq.hpp"

namespace sluice::tcp {

/// Sizes are bytes of IP packet.
class PathEvidence {
 public:
  enum class Verdict : std::uint8_t {
    refuse,   ///< nothing as large was sent: it can't be true [R5927-7.2-2]
    believe,  ///< nothing as large has arrived either
    doubt,    ///< such have arrived: it waits until text stops arriving [R5927-7.2-1]
  };

  /// A packet left whose text ends at `end`.
  void on_sent(std::uint32_t packet, Seq end) noexcept {
    if (packet <= sent_) return;
    sent_ = packet;
    sent_end_ = end;
  }
  void on_acknowledged(Seq una) noexcept {
    if (acked_ < sent_ && una >= sent_end_) acked_ = sent_;
    if (claimed_ != 0 && una > claimed_at_) claimed_ = 0;
  }
  /// What is out goes again in packets of at most this size.
  void on_narrowed(std::uint32_t packet) noexcept {
    sent_ = 0;
    acked_ = std::min(acked_, packet);
    claimed_ = 0;
  }

  Verdict judge(std::uint32_t mtu) const noexcept {
    if (mtu >= sent_) return Verdict::refuse;
    return mtu >= acked_ ? Verdict::believe : Verdict::doubt;
  }
  /// Keeps a doubtful claim about the packet with this number.
  void keep_claim(std::uint32_t mtu, Seq quoted) noexcept {
    claimed_ = mtu;
    claimed_at_ = quoted;
  }
  /// The retransmission timer fired, and what the claim was about has not arrived: it was true. 0 = there is none.
  std::uint32_t take_claim() noexcept { return std::exchange(claimed_, 0); }

  std::uint32_t largest_sent() const noexcept { return sent_; }
  std::uint32_t largest_arrived() const noexcept { return acked_; }

 private:
  std::uint32_t sent_ = 0;
  std::uint32_t acked_ = 0;
  std::uint32_t claimed_ = 0;
  Seq sent_end_;
  Seq claimed_at_;
};

}  // namespace sluice::tcp
