// Who is on the link: addresses of both families and the MAC addresses behind them, with RFC 4861's reachability.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "stack/base/buffer.hpp"
#include "stack/base/random.hpp"
#include "stack/base/time.hpp"
#include "stack/base/timers.hpp"
#include "stack/ip/address_hash.hpp"
#include "stack/wire/address.hpp"
#include "stack/wire/mac_address.hpp"

namespace sluice::ip {

/// RFC 4861 7.3.2; ARP's entries go the same way, which RFC 1122 2.3.2.1 calls a unicast poll.
enum class Reachability : std::uint8_t {
  incomplete,  ///< asked for, no answer yet
  reachable,   ///< known to have answered lately
  stale,       ///< may have moved: used as it is, until somebody sends there
  delay,       ///< used since then; the transport may still confirm it
  probe        ///< asked directly
};

std::string_view name(Reachability state) noexcept;

/// RFC 4861 section 10. A router advertisement may change the first two.
struct NeighbourTiming {
  Duration reachable =
      std::chrono::seconds(30);  ///< on average: each period is drawn from half to one and a half of it
  Duration retransmit = std::chrono::seconds(1);   ///< between two questions
  Duration first_probe = std::chrono::seconds(5);  ///< from the first use of a stale entry
  unsigned multicast_questions = 3;
  unsigned unicast_questions = 3;
};

/// What a neighbour advertisement says, or an ARP reply, which is a solicited one that overrides.
struct Advertised {
  std::optional<MacAddress> mac = std::nullopt;
  bool solicited = false;
  bool override = false;
  bool router = false;
};

/// One neighbour, for people who ask.
struct NeighbourView {
  IpAddress address;
  MacAddress mac;  ///< zero while incomplete
  Reachability state = Reachability::incomplete;
  bool router = false;
};

/// Bounded in number: a new neighbour takes the place of the one that is least worth keeping, so that a flood of
/// addresses pushes out other floods before it pushes out anybody whom we talk to.
class Neighbours {
 public:
  static constexpr std::size_t kMaximumEntries = 1024;
  /// Resolutions under way, each of which may hold a packet.
  static constexpr std::size_t kMaximumIncomplete = 128;

  explicit Neighbours(const Key& key, NeighbourTiming timing = {});
  ~Neighbours();
  Neighbours(const Neighbours&) = delete;
  Neighbours& operator=(const Neighbours&) = delete;

  void set_timing(const NeighbourTiming& timing) noexcept { timing_ = timing; }
  const NeighbourTiming& timing() const noexcept { return timing_; }

  /// Where a packet to this neighbour goes, now; a stale entry begins to be watched. Nullptr: hold() it.
  const MacAddress* use(const IpAddress& neighbour, Time now);

  enum class Held : std::uint8_t {
    began,     ///< the first of a resolution: ask now
    kept,      ///< the only one
    replaced,  ///< an older one gave way
    refused    ///< too many resolutions are under way
  };
  /// Keeps the latest packet for a neighbour that use() did not know [R4861-7.2.2-1], [R1122-2.3.2.2-1].
  Held hold(const IpAddress& neighbour, Slice packet, Time now);

  // --- what was heard; each answers the packet that waited for it, empty when none did

  /// Somebody at `mac` wants something of us: RFC 4861 7.2.3, RFC 826's "add the triplet". Creates an entry.
  Slice solicited_by(const IpAddress& neighbour, const MacAddress& mac, Time now);
  /// RFC 4861 7.2.5. Creates nothing [R4861-7.2.5-1].
  Slice advertised(const IpAddress& neighbour, const Advertised& said, Time now);
  /// A router that advertises itself: 7.2.3 once more, and it is a router.
  Slice router_heard(const IpAddress& router, const std::optional<MacAddress>& mac, Time now);

  /// What we sent there arrives: forward progress of a transport (RFC 4861 7.3.1).
  void confirm(const IpAddress& neighbour, Time now) noexcept;

  /// A neighbour that is due.
  struct Due {
    enum class Kind : std::uint8_t { ask, give_up };
    Kind kind = Kind::ask;
    IpAddress neighbour;
    std::optional<MacAddress> mac = std::nullopt;  ///< ask this one; none: ask all
    Slice waiting = {};                            ///< of give_up: what can't be delivered
    bool router = false;                           ///< of give_up
  };
  std::optional<Due> expire_one(Time now);
  Time next_expiry() const noexcept { return timers_.next(); }

  /// Not known to be unreachable: has an entry with a MAC (RFC 4861 6.3.6).
  bool seems_reachable(const IpAddress& neighbour) const noexcept;
  bool is_router(const IpAddress& neighbour) const noexcept;
  bool knows(const IpAddress& neighbour) const noexcept { return find(neighbour) != nullptr; }
  /// A question of ours to this neighbour is open.
  bool asks(const IpAddress& neighbour) const noexcept;
  void clear() noexcept;

  std::size_t size() const noexcept { return entries_.size(); }
  /// Memory of the entries and of the packets that wait with them, bytes.
  std::size_t footprint() const noexcept;
  std::vector<NeighbourView> list(Time now) const;

 private:
  struct Entry {
    IpAddress address;
    MacAddress mac;
    Reachability state = Reachability::incomplete;
    bool router = false;
    bool talked_to = false;  ///< we sent there: not only somebody's claim
    std::uint8_t questions = 0;
    Time reachable_until = Time::min();
    Time used = Time::min();
    Slice waiting;
    TimerEntry timer;
  };
  static TimerEntry& timer_of(Entry& entry) noexcept { return entry.timer; }

  Entry* find(const IpAddress& neighbour) noexcept;
  const Entry* find(const IpAddress& neighbour) const noexcept;
  Entry& add(const IpAddress& neighbour, Time now);
  void evict_one();
  void remove(Entry& entry) noexcept;
  void settle(Entry& entry, Time now) const noexcept;
  void make_reachable(Entry& entry, Time now) noexcept;
  void make_stale(Entry& entry, const MacAddress& mac) noexcept;
  std::optional<Due> due(Entry& entry, Time now);

  NeighbourTiming timing_;
  Random random_;
  std::unordered_map<IpAddress, Entry, AddressHash> entries_;
  TimerQueue<Entry, timer_of> timers_;
  std::size_t incomplete_ = 0;
};

}  // namespace sluice::ip
