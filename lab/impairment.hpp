// A bad link in one direction, as a pure function of its key: what tests, devices and benchmarks all send packets
// through.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "stack/base/buffer.hpp"
#include "stack/base/counters.hpp"
#include "stack/base/packet.hpp"
#include "stack/base/random.hpp"
#include "stack/base/time.hpp"

namespace sluice::lab {

/// Probabilities are 0..1 for each packet. A link made of the defaults passes everything on at once.
struct ImpairmentSettings {
  double loss = 0;                       ///< each packet on its own (Bernoulli)
  double burst_enter = 0;                ///< Gilbert-Elliott: from the good state into the bad one, for each packet
  double burst_leave = 1;                ///< and back
  double burst_loss = 1;                 ///< loss while the bad state lasts
  std::vector<std::uint64_t> drop = {};  ///< packets lost by their number; the first one offered is number 1
  Duration delay = Duration(0);
  Duration jitter{0};  ///< delay varies evenly by up to this, either way; the order stays
  double reorder = 0;  ///< a packet is held back by reorder_by more, and others overtake it
  Duration reorder_by = std::chrono::milliseconds(1);
  double duplicate = 0;           ///< a second copy follows the first
  double corrupt = 0;             ///< one bit, anywhere in the packet, is turned over
  std::uint64_t rate = 0;         ///< bytes a second that leave; 0 = unlimited
  std::size_t queue_bytes = 0;    ///< what may wait for the rate, tail drop; 0 = unlimited
  std::size_t queue_packets = 0;  ///< the same in packets
  double mark = 0;                ///< ECN: a packet that says ECT gets CE (RFC 3168); others pass as they are
  std::size_t mark_above = 0;     ///< the same for each packet that finds more than this in the queue, bytes; 0 = never
  bool ethernet = false;          ///< packets are frames: the mark is looked for behind their header

  /// True when packets pass unchanged and undelayed.
  bool is_clear() const noexcept;
};

enum class ImpairmentCounter : std::uint8_t {
  offered,
  lost,
  lost_in_burst,
  dropped_by_number,
  queue_full,
  overflow,
  corrupted,
  duplicated,
  reordered,
  marked,
  released,
  count,
};
std::string_view name(ImpairmentCounter counter) noexcept;

/// Takes packets at any time and gives each back (or not, or twice, or changed) at the time when it would arrive.
/// Virtual time: nothing happens but in calls. Each kind of accident has random numbers of its own, so that switching
/// one on doesn't move the others. Packets are copied or moved in, never shared.
class Impairment {
 public:
  /// Bytes held back at most, whatever the settings say: beyond it packets are lost and counted as overflow.
  static constexpr std::size_t kMaximumHeld = std::size_t{64} << 20;

  /// `stream` tells the directions and links of one key apart.
  Impairment(ImpairmentSettings settings, const Key& key, std::uint64_t stream = 0);

  /// What take() gives back. The flags are those of the Frame that came in; the packet's own are kept too.
  struct Released {
    Packet packet;
    Time at;            ///< when it came out of the link: not later than take()'s `now`
    Duration waited{};  ///< of its time in the link, what the rate cost: in the queue, and its own sending
    std::uint16_t transport_offset = 0;
    bool checksum_partial = false;
  };

  /// `now` never goes backwards from call to call.
  void offer(Time now, Bytes packet);
  void offer(Time now, const Frame& frame);
  void offer(Time now, Packet packet);
  /// What a device handed in. A link loses, delays and damages what is on the wire: single packets, with checksums.
  void offer_arrival(Time now, Packet packet);

  /// When the next packet comes out; kNever = none is held.
  Time next_release() const noexcept;
  /// The next packet that is due, in order of release; nullopt when none is.
  std::optional<Released> take(Time now);

  std::size_t held() const noexcept { return held_.size(); }
  const ImpairmentSettings& settings() const noexcept { return settings_; }
  /// New settings for packets to come; those held keep their time.
  void set(ImpairmentSettings settings) { settings_ = std::move(settings); }
  const Counters<ImpairmentCounter>& counters() const noexcept { return counters_; }

 private:
  struct Held {
    Released released;
    std::uint64_t order = 0;
  };
  struct Sending {
    Time ends;
    std::size_t size;
  };
  static bool later(const Held& a, const Held& b) noexcept;

  bool is_lost();
  bool happens(Random& random, double probability) noexcept;
  std::optional<Time> through_queue(Time now, std::size_t size);
  Time arrival(Time sent);
  void flip_a_bit(Packet& packet);
  void mark_if_due(Packet& packet);
  Packet copy_of(const Frame& frame);
  void pass(Time now, Released released);
  void hold(Released released);

  ImpairmentSettings settings_;
  Random loss_;
  Random burst_;
  Random jitter_;
  Random reorder_;
  Random duplicate_;
  Random corrupt_;
  Random mark_;
  BufferPool pool_;
  std::vector<Held> held_;        // a heap, the earliest release first
  std::vector<Sending> sending_;  // what the rate still holds up, a ring from first_sending_
  std::size_t first_sending_ = 0;
  std::size_t queued_bytes_ = 0;
  std::size_t held_bytes_ = 0;
  std::uint64_t order_ = 0;
  Time last_in_order_{};
  bool in_burst_ = false;
  Counters<ImpairmentCounter> counters_;
};

}  // namespace sluice::lab
