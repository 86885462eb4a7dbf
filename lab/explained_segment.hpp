// What a TCP segment of a capture says and does, for whoever draws or counts it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

namespace sluice::lab {

/// What a segment does. Several hold at once: a retransmission may be fast, needless, and a window probe.
enum class Deed : std::uint8_t {
  retransmission,  ///< numbers that were seen before, in whole or in part
  fast,            ///< a retransmission behind duplicate ACKs or SACK blocks
  needless,        ///< a retransmission of what was acknowledged
  out_of_order,    ///< text not seen before, behind later text
  behind_gap,      ///< its text begins beyond what was seen
  acks_unseen,     ///< acknowledges what was never seen
  duplicate_ack,   ///< RFC 5681 section 2
  window_update,   ///< an ACK with news of the window alone
  zero_window,     ///< offers no window
  fills_window,    ///< its text ends where the window does
  keep_alive,      ///< RFC 9293 3.8.4
  keeps_alive,     ///< the answer to one
  window_probe,    ///< RFC 9293 3.8.6.1
  answers_probe,   ///< the window is still closed
  reset,
  syn,
  fin,
};
inline constexpr std::size_t kDeeds = static_cast<std::size_t>(Deed::fin) + 1;
/// "retransmission", as above.
std::string_view name(Deed deed) noexcept;

class Deeds {
 public:
  constexpr Deeds() noexcept = default;
  constexpr Deeds(std::initializer_list<Deed> deeds) noexcept {
    for (const Deed deed : deeds) add(deed);
  }
  constexpr void add(Deed deed) noexcept { bits_ |= bit(deed); }
  constexpr void add(Deeds more) noexcept { bits_ |= more.bits_; }
  constexpr bool has(Deed deed) const noexcept { return (bits_ & bit(deed)) != 0; }
  /// Those of `a` that `b` lacks.
  friend constexpr Deeds operator-(Deeds a, Deeds b) noexcept {
    a.bits_ &= ~b.bits_;
    return a;
  }
  friend constexpr bool operator==(Deeds, Deeds) noexcept = default;

 private:
  static constexpr std::uint32_t bit(Deed deed) noexcept { return std::uint32_t{1} << static_cast<unsigned>(deed); }
  std::uint32_t bits_ = 0;
};

std::vector<std::string_view> names(Deeds deeds);

/// Numbers are relative to the first one of their side (its ISN, if the capture has the opening) and never wrap.
struct ExplainedSegment {
  struct Range {
    std::int64_t begin = 0;
    std::int64_t end = 0;
    bool empty() const noexcept { return begin >= end; }
  };
  Range range;                 ///< what it takes of its sender's numbers: text, SYN and FIN
  std::uint64_t repeated = 0;  ///< bytes of its text that were seen before
  bool has_ack = false;        ///< a RST's doesn't count
  std::int64_t ack = 0;        ///< of the other side's numbers
  std::uint64_t window = 0;    ///< bytes, scaled
  std::vector<Range> sacks;    ///< of the other side's numbers
  Deeds deeds;
};

}  // namespace sluice::lab
