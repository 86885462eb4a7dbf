// A host's IPv4 address from a DHCP server (RFC 2131 4.4): the client of its figure 5.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "stack/base/counters.hpp"
#include "stack/base/random.hpp"
#include "stack/base/time.hpp"
#include "stack/host/dhcp_counters.hpp"
#include "stack/host/dhcp_lease.hpp"
#include "stack/wire/dhcp.hpp"
#include "stack/wire/mac_address.hpp"

namespace sluice::host {

/// As whom a client introduces itself (option 61).
enum class DhcpIdentity : std::uint8_t {
  hardware,  ///< type 1 and the MAC address (RFC 2132 9.14), what administrators reserve addresses for
  duid,      ///< IAID and DUID-LL (RFC 4361 6.1), the same name as in DHCPv6
};

struct DhcpSettings {
  MacAddress hardware{};
  Key key{};
  std::string host_name{};                             ///< at most 255 bytes; "" = none is told
  std::optional<IpAddress> remembered = std::nullopt;  ///< the address of an earlier lease: asked for first
  DhcpIdentity identity = DhcpIdentity::hardware;
  /// The first message waits for a random time below this. RFC 2131 4.4.1 suggests ten seconds, for many hosts that are
  /// switched on together; whoever sits before a single one would not understand them.
  Duration start_delay = std::chrono::seconds(1);
};

/// A UDP payload from port 68 to port 67. `source` is 0.0.0.0 while there is no address; `destination` is
/// 255.255.255.255 or a server.
struct DhcpSend {
  std::vector<std::uint8_t> payload;
  IpAddress source;
  IpAddress destination;
};
/// Ask the link whether anybody has this address, and tell by address_free() or address_in_use().
struct DhcpProbe {
  IpAddress address;
};
/// The address, with all that belongs to it, may be used no longer.
struct DhcpLost {
  enum class Reason : std::uint8_t { expired, refused, in_use, released, restarted };
  IpAddress address;
  Reason reason = Reason::expired;
};
/// A DhcpLease among them is news of an address that may be used: a new one, or new facts and times of the same.
using DhcpAction = std::variant<DhcpSend, DhcpProbe, DhcpLease, DhcpLost>;

/// RFC 2131's states, `probing` between REQUESTING and BOUND (its 4.4.1: the client checks the address), and
/// `confirming`, which is REBOOTING with the address in use.
enum class DhcpState : std::uint8_t {
  stopped,
  init_reboot,
  rebooting,
  init,
  selecting,
  requesting,
  probing,
  bound,
  renewing,
  rebinding,
  confirming,
};

/// Until it has an address it asks for answers by broadcast, because a stack drops packets to an address that it does
/// not have; renewing and rebinding it can be reached, and lets servers answer by unicast.
class DhcpClient {
 public:
  static constexpr Duration kFirstTimeout = std::chrono::seconds(4);      ///< then 8, 16, 32, 64: RFC 2131 4.1
  static constexpr unsigned kLongestTimeout = 4;                          ///< how often it doubles
  static constexpr Duration kJitter = std::chrono::seconds(1);            ///< more or less
  static constexpr unsigned kRequests = 4;                                ///< a minute, as RFC 2131 3.1 step 5 suggests
  static constexpr unsigned kRebootRequests = 2;                          ///< a server that knows us not is silent
  static constexpr Duration kOfferWait = std::chrono::milliseconds(500);  ///< for an offer of the address asked for
  static constexpr Duration kRenewalPause = std::chrono::seconds(60);     ///< at least, between renewals: 4.4.5
  static constexpr Duration kDeclinePause = std::chrono::seconds(10);     ///< at least, after DECLINE: 3.1 step 5
  static constexpr Duration kFirstPause = std::chrono::seconds(1);  ///< after the second refusal in a row; then doubled
  static constexpr unsigned kLongestPause = 7;                      ///< from this refusal on it is 64 times that

  /// REQUIRES a unicast hardware address and a host name of at most 255 bytes.
  explicit DhcpClient(DhcpSettings settings);

  /// Begins, or begins anew because the link was away: with the address that it had or remembers, if any (RFC
  /// 2131 3.7).
  void start(Time now);
  /// The link was away for a while and is back, perhaps on another network; `asleep`: time of it that passed without
  /// the clock. A lease is asked for as after a reboot, once more if need be, and used meanwhile; when nobody answers
  /// it goes on to its end (RFC 2131 3.2, 3.7 and 4.4.2). Without a lease the same as start(). A stopped client stays
  /// so.
  void confirm(Duration asleep, Time now);
  /// Gives the address back and stops.
  void release();

  /// A UDP payload that came to port 68 from port 67.
  void receive(Bytes payload, Time now);
  /// Nobody else has the address of the last DhcpProbe. If lease() is null afterwards, the answer came too late and the
  /// address is not ours to announce or defend.
  void address_free(Time now);
  /// Somebody has it, or has taken it while we used it: the server is told, and another one is asked for.
  void address_in_use(Time now);
  void handle_timeout(Time now);
  Time next_timeout() const noexcept { return deadline_; }
  /// What there is to do or to know, in this order; nullopt = nothing more now.
  std::optional<DhcpAction> poll();

  DhcpState state() const noexcept { return state_; }
  /// What may be used now; null without an address.
  const DhcpLease* lease() const noexcept { return holds_address() ? &lease_ : nullptr; }
  const Counters<DhcpCounter>& counters() const noexcept { return counters_; }

 private:
  bool holds_address() const noexcept { return state_ >= DhcpState::bound; }
  Duration jittered_timeout() noexcept;
  double early() noexcept;

  // Transitions.
  void wait_in(DhcpState state, Duration pause, Time now) noexcept;
  void restart(Duration pause, Time now) noexcept;
  void reboot(Time now);
  void select(Time now);
  void request(Time now);
  void probe(DhcpLease lease) noexcept;
  void bind(DhcpLease lease);
  void renew(DhcpState state, Time now);
  void confirm_once(Time now);
  void expire(Time now);
  void lose(DhcpLost::Reason reason) noexcept;
  Duration next_pause() noexcept;

  // Arrivals.
  std::optional<DhcpCounter> judge(const wire::dhcp::Message& message) const noexcept;
  void dispatch(const wire::dhcp::Message& message, Time now);
  void on_offer(const wire::dhcp::Message& message, Time now);
  void on_ack(const wire::dhcp::Message& message);
  void on_nak(const wire::dhcp::Message& message, Time now);
  bool is_awaited(const IpAddress& server) const noexcept;
  void drop(DhcpCounter why) noexcept { counters_.add(why); }

  // Messages.
  void discover(Time now);
  void ask(unsigned limit, Time now);
  void transmit(wire::dhcp::Type type, const IpAddress& destination);
  void write_wishes(wire::dhcp::Writer& writer) const noexcept;
  void write_choice(wire::dhcp::Writer& writer, wire::dhcp::Type type) const noexcept;
  void count_seconds(Time now) noexcept;

  DhcpSettings settings_;
  std::vector<std::uint8_t> identifier_;
  Random random_;
  Counters<DhcpCounter> counters_;
  DhcpState state_ = DhcpState::stopped;
  Time deadline_ = kNever;
  Time began_{};  // the acquisition or renewal
  Time asked_{};  // the lease counts from here
  std::uint32_t transaction_ = 0;
  std::uint16_t seconds_ = 0;
  unsigned sent_ = 0;      // messages of this state
  unsigned refusals_ = 0;  // since the last lease
  DhcpLease lease_;        // the offer that was chosen, what is probed, or what is held
  std::optional<DhcpLease> offer_;
  std::optional<IpAddress> wish_;

  std::optional<DhcpSend> outgoing_;
  std::optional<DhcpLost> lost_;
  bool probe_due_ = false;
  bool lease_due_ = false;
  bool told_ = false;  // poll() has given out a lease that is not lost yet
};

}  // namespace sluice::host
