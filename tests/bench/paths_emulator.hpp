// The path itself: an impairment each way, and at each end a TUN, one of our stacks, or both.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lab/impairment.hpp"
#include "tests/bench/paths_host.hpp"
#include "tests/bench/paths_run.hpp"
#include "tun/fd_device.hpp"

namespace sluice::bench {

/// Moves packets between its ends; whether time is virtual or real is the caller's affair. A packet goes to the host
/// whose address it bears, else to the TUN of its side.
class Emulator {
 public:
  struct Side {
    SluiceHost* host = nullptr;
    tun::FdDevice* device = nullptr;
  };

  /// What `left` and `right` point to outlives the emulator.
  Emulator(const lab::ImpairmentSettings& there, const lab::ImpairmentSettings& back, const Key& key, Side left,
           Side right);

  /// Takes what the TUNs have, gives to each end what is due, and lets the hosts act. True: there may be more now.
  bool turn(Time now);
  /// When turn() has something to do, unless a TUN has.
  Time next_event() const noexcept;

  const lab::Impairment& there() const noexcept { return there_; }
  const lab::Impairment& back() const noexcept { return back_; }
  /// Bytes of IP packets that came out at the right end.
  std::uint64_t carried() const noexcept { return carried_; }
  /// Share `part` (0..1) of all packets waited at most so long for the rate.
  Duration waited(double part) const { return quantile(waited_, part); }
  /// The same for how long after its time a packet left.
  Duration late(double part) const { return quantile(late_, part); }

 private:
  using Durations = std::vector<Duration>;
  static Duration quantile(Durations values, double part);

  bool take_in(Side& side, lab::Impairment& into, Time now);
  void deliver(lab::Impairment& from, Side& side, Time now, bool measured);

  lab::Impairment there_;
  lab::Impairment back_;
  Side left_;
  Side right_;
  std::vector<Packet> batch_;
  std::uint64_t carried_ = 0;
  Durations waited_;
  Durations late_;
};

}  // namespace sluice::bench
