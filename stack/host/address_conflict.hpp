// Whether anybody else on the link has the IPv4 address that we want or have (RFC 5227).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <variant>

#include "stack/base/random.hpp"
#include "stack/base/time.hpp"
#include "stack/wire/address.hpp"
#include "stack/wire/arp.hpp"
#include "stack/wire/mac_address.hpp"

namespace sluice::host {

/// RFC 5227 2.4: what a host does that sees its address used by another [R5227-2.4-1].
enum class Defence : std::uint8_t {
  cede,    ///< gives the address up at once
  once,    ///< says once that it is ours; gives up if that doesn't end it within DEFEND_INTERVAL
  forever  ///< never gives up, and says so at most every DEFEND_INTERVAL: for what a human has set
};

struct SendProbe {
  wire::arp::Packet packet;  ///< to the broadcast address
};
struct SendAnnouncement {
  wire::arp::Packet packet;  ///< to the broadcast address
};
/// Nobody answered the probes: the address may be used from now on.
struct Claimed {
  IpAddress address;
};
/// Another one has it: it must not be used, or no longer (RFC 5227 2.4: connections over it are to be reset).
struct Conflict {
  IpAddress address;
  MacAddress other;
};
using ConflictAction = std::variant<SendProbe, SendAnnouncement, Claimed, Conflict>;

/// One address of one interface. Every ARP packet of the interface is shown to it; answering requests for the address
/// stays the neighbour cache's work. It counts the interface's conflicts, so one object serves all addresses that are
/// tried there one after the other.
class AddressConflict {
 public:
  static constexpr Duration kProbeWait = std::chrono::seconds(1);
  static constexpr unsigned kProbes = 3;
  static constexpr Duration kProbeMinimum = std::chrono::seconds(1);
  static constexpr Duration kProbeMaximum = std::chrono::seconds(2);
  static constexpr Duration kAnnounceWait = std::chrono::seconds(2);
  static constexpr unsigned kAnnouncements = 2;
  static constexpr Duration kAnnounceInterval = std::chrono::seconds(2);
  static constexpr unsigned kMaximumConflicts = 10;
  static constexpr Duration kRateLimitInterval = std::chrono::seconds(60);
  static constexpr Duration kDefendInterval = std::chrono::seconds(10);

  enum class Phase : std::uint8_t {
    idle,     ///< no address
    probing,  ///< asking for it, not using it
    holding   ///< using it, and watching
  };

  AddressConflict(const MacAddress& hardware, const Key& key) noexcept;

  /// Begins to probe for an address, and forgets any other: for a new address, and again when the link was away
  /// [R5227-2.1-1]. After ten conflicts the probes wait until a minute has passed since the last attempt
  /// [R5227-2.1.1-5]. REQUIRES address.is_v4().
  void start(const IpAddress& address, Defence defence, Time now) noexcept;
  /// The address is no longer wanted.
  void stop() noexcept;

  /// An ARP packet came in, of whatever operation.
  void receive(const wire::arp::Packet& packet, Time now) noexcept;
  void handle_timeout(Time now) noexcept;
  Time next_timeout() const noexcept { return deadline_; }
  /// What there is to do or to know, in this order; nullopt = nothing more now.
  std::optional<ConflictAction> poll() noexcept;

  Phase phase() const noexcept { return phase_; }
  /// What start() was told. Meaningless when idle.
  const IpAddress& address() const noexcept { return address_; }
  /// On this interface so far.
  std::uint64_t conflicts() const noexcept { return conflicts_; }

 private:
  wire::arp::Packet packet(const IpAddress& sender) const noexcept;
  Duration between(Duration low, Duration high) noexcept;
  bool collides(const wire::arp::Packet& packet) const noexcept;
  void probe(Time now) noexcept;
  void announce(Time now) noexcept;
  void claim(Time now) noexcept;
  void defend(const MacAddress& other, Time now) noexcept;
  void lose(const MacAddress& other) noexcept;

  MacAddress hardware_;
  Random random_;
  IpAddress address_;
  MacAddress other_;
  Time deadline_ = kNever;
  std::optional<Time> attempted_;  // when the last probing began, or was to begin
  std::optional<Time> defended_;
  std::uint64_t conflicts_ = 0;
  unsigned left_ = 0;  // probes or announcements still to make
  Phase phase_ = Phase::idle;
  Defence defence_ = Defence::once;
  bool probe_due_ = false;
  bool announcement_due_ = false;
  bool claimed_due_ = false;
  bool conflict_due_ = false;
};

}  // namespace sluice::host
