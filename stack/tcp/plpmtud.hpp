// Which packet size a path takes, found without ICMP: by probes and by what stops arriving (RFC 8899, RFC 4821).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "stack/base/time.hpp"
#include "stack/tcp/seq.hpp"
#include "stack/wire/address.hpp"

namespace sluice::tcp {

/// Decides sizes and times; the connection sends, and tells what became of it. Sizes are bytes of IP packet.
class Plpmtud {
 public:
  /// RFC 8899 5.2's states; DISABLED is a connection without such an object [R8899-5.2-1].
  enum class Phase : std::uint8_t {
    base,      ///< packets of the base size have yet to be acknowledged
    search,    ///< larger ones are tried
    complete,  ///< the largest is found; another search begins after ten minutes
    error,     ///< not even the base size passes
  };

  static constexpr std::size_t kBase = 1200;  ///< [R8899-5.1.2-1]
  static constexpr unsigned kMaximumProbes = 3;
  static constexpr Duration kRaiseAfter = std::chrono::minutes(10);  ///< [R8899-5.1.1-2] [R4821-7-4]

  /// Begins at the base size, or at `size` if that is smaller.
  Plpmtud(Family family, std::size_t size) noexcept;

  /// PLPMTU: the largest packet that text goes in [R8899-3-1].
  std::size_t size() const noexcept { return size_; }
  Phase phase() const noexcept { return phase_; }
  /// Packets must go without DF: nothing passes in one piece.
  bool fragments() const noexcept { return fragments_; }

  /// Nothing arrives, again and again, and the packets have the full size: a smaller one; false if there is none.
  bool on_black_hole(Time now) noexcept;
  /// Text was acknowledged.
  void on_progress() noexcept;

  /// The size to probe now, in (size(), highest]; 0 = none now [R4821-7-1].
  std::size_t wanted(std::size_t highest, Time now) noexcept;
  /// The probe left; its text ends at `end`.
  void on_sent(std::size_t size, Seq end) noexcept;
  bool probing() const noexcept { return probe_ != 0; }
  Seq probe_end() const noexcept { return probe_end_; }
  /// The next probe comes no sooner than `rtt` from now [R8899-3-5].
  void on_arrived(Time now, Duration rtt) noexcept;
  /// The next probe comes no sooner than `pause` from now [R4821-7-3].
  void on_lost(Time now, Duration pause) noexcept;
  /// A router said what passes: it bounds the search, and no more [R8899-4.6.2-1, R8899-3-4].
  void on_too_big(std::size_t mtu, Time now, Duration rtt) noexcept;
  /// What became of the probe can't be known.
  void forget_probe() noexcept { probe_ = 0; }

 private:
  std::size_t candidate() const noexcept;
  void bound(std::size_t highest, Time now) noexcept;

  std::size_t size_;
  std::size_t floor_;
  std::size_t high_ = 0;    // nothing larger is worth a try; 0 = the search has not begun
  std::size_t before_ = 0;  // the size before the last raise
  std::size_t probe_ = 0;   // in flight
  Seq probe_end_;
  Time not_before_{};      // of the next probe, or of the next search
  Time verified_at_{};     // until then the last raise may have been a mistake
  std::uint8_t lost_ = 0;  // probes of one size in a row
  Phase phase_ = Phase::base;
  bool v6_;
  bool fragments_ = false;
  bool bound_untried_ = true;
};

}  // namespace sluice::tcp
