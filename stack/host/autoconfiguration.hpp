// A host's IPv6 addresses, routers and prefixes as routers advertise them (RFC 4861 6.3, RFC 4862).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "stack/base/counters.hpp"
#include "stack/base/random.hpp"
#include "stack/base/ring.hpp"
#include "stack/base/time.hpp"
#include "stack/ip/addresses.hpp"
#include "stack/ip/routes.hpp"
#include "stack/wire/address.hpp"
#include "stack/wire/mac_address.hpp"
#include "stack/wire/ndp.hpp"

namespace sluice::host {

struct AutoconfigurationSettings {
  MacAddress mac = {};
  std::size_t mtu = 1500;                         ///< of the device, bytes
  bool temporary = false;                         ///< RFC 8981 addresses, too
  unsigned probes = 1;                            ///< DupAddrDetectTransmits; 0 = addresses are used at once
  Duration retransmit = std::chrono::seconds(1);  ///< after each probe, until a router says otherwise
  /// What stable addresses are made with (RFC 7217 5). Kept over a restart, so are they; without it they follow from
  /// the stack's key, as all that is random.
  std::optional<Key> secret = std::nullopt;
};

enum class AutoconfigurationCounter : std::uint8_t {
  advertisements_in,
  prefixes_ignored,  ///< for addresses: link-local, not of 64 bits, preferred for longer than valid
  prefixes_over_limit,
  routers_over_limit,
  duplicates,         ///< addresses of ours that another host has
  duplicates_in_use,  ///< claims of an address that was ours already
  count,
};
std::string_view name(AutoconfigurationCounter counter) noexcept;

struct SolicitRouters {
  IpAddress source;  ///< our link-local address, or ::
};
/// A neighbour solicitation from :: (RFC 4862 5.4.2).
struct ProbeAddress {
  IpAddress address;
};
/// New, or in another state. SLAAC addresses have length 128: what is on the link is a matter of routes
/// [R4861-6.3.4-4].
struct SetAddress {
  ip::OwnAddress address;
};
struct RemoveAddress {
  IpAddress address;
};
struct AddressDuplicate {
  IpAddress address;
};
struct AddRoute {
  ip::Route route;
};
struct RemoveRoute {
  ip::Route route;
};
/// What a router said; what it did not say stays.
struct SetParameters {
  std::optional<std::uint8_t> hop_limit = std::nullopt;
  std::optional<std::size_t> mtu = std::nullopt;
  std::optional<Duration> reachable = std::nullopt;
  std::optional<Duration> retransmit = std::nullopt;
};
struct SetDnsServers {
  std::vector<IpAddress> servers;
};
/// A router said for the first time that there is more to be had by DHCPv6.
struct AskDhcpv6 {
  bool managed = false;
  bool other = false;
};
using AutoconfigurationAction = std::variant<SolicitRouters, ProbeAddress, SetAddress, RemoveAddress, AddressDuplicate,
                                             AddRoute, RemoveRoute, SetParameters, SetDnsServers, AskDhcpv6>;

class Autoconfiguration {
 public:
  using Action = AutoconfigurationAction;

  static constexpr std::size_t kMaximumRouters = 8;
  static constexpr std::size_t kMaximumPrefixes = 16;   ///< on the link
  static constexpr std::size_t kMaximumAddresses = 16;  ///< made from prefixes
  static constexpr unsigned kSolicitations = 3;         ///< RFC 4861 10
  static constexpr Duration kSolicitationInterval = std::chrono::seconds(4);
  static constexpr Duration kMaximumDelay = std::chrono::seconds(1);
  static constexpr unsigned kIdentifierRetries = 3;  ///< RFC 7217 6
  static constexpr Duration kTwoHours = std::chrono::hours(2);
  static constexpr Duration kTemporaryPreferred = std::chrono::hours(24);  ///< RFC 8981 3.8
  static constexpr Duration kTemporaryValid = std::chrono::hours(48);
  static constexpr Duration kRegenerateAdvance = std::chrono::seconds(5);

  Autoconfiguration(const AutoconfigurationSettings& settings, const Key& key);

  /// Makes the link-local address and begins to look for routers; again after the link was away.
  void link_up(Time now);
  /// The link was away for a moment: looks for routers again, and leaves all as it is until they answer.
  void link_returned(Time now);
  /// An address by hand. REQUIRES IPv6.
  void add_static(const Prefix& address, Time now);

  void receive(const wire::ndp::RouterAdvertisement& advertisement, const IpAddress& source, Time now);
  void receive(const wire::ndp::NeighborSolicitation& solicitation, const IpAddress& source, Time now);
  void receive(const wire::ndp::NeighborAdvertisement& advertisement, Time now);
  /// It does not answer, or says that it is no router any more.
  void router_lost(const IpAddress& router);

  void handle_timeout(Time now);
  Time next_timeout() const noexcept;
  /// What there is to do or to know, in this order.
  std::optional<Action> poll();

  const Counters<AutoconfigurationCounter>& counters() const noexcept { return counters_; }

 private:
  enum class Kind : std::uint8_t { link_local, fixed, stable, temporary };
  struct Address {
    Prefix prefix;   ///< as it is set
    Prefix network;  ///< that it was made from
    Kind kind = Kind::stable;
    ip::AddressState state = ip::AddressState::tentative;
    unsigned attempt = 0;  ///< how many of its predecessors were duplicates
    unsigned probes_left = 0;
    Time probe_at = kNever;
    Time preferred_until = kNever;
    Time valid_until = kNever;
    Time regenerate_at = kNever;  ///< of a temporary one
  };
  struct Router {
    IpAddress address;
    ip::Route route;
    Time until = kNever;
  };
  struct OnLink {
    Prefix prefix;
    Time until = kNever;
  };

  // addresses
  void begin(Address address, Time now);
  void finish_probing(Address& address);
  void on_duplicate(std::size_t index, Time now);
  IpAddress stable_address(const Prefix& network, unsigned attempt) const noexcept;
  IpAddress random_address(const Prefix& network) noexcept;
  void make_temporary(const Address& stable, Time now);
  void age(Address& address, Time now);
  void drop_expired(Time now);
  Address* tentative(const IpAddress& address) noexcept;

  // advertisements
  void take_router(const wire::ndp::RouterAdvertisement& advertisement, const IpAddress& source, Time now);
  void take_on_link(const wire::ndp::PrefixInformation& information, Time now);
  void take_autonomous(const wire::ndp::PrefixInformation& information, Time now);
  void renew(Address& address, const wire::ndp::PrefixInformation& information, Time now);
  void take_parameters(const wire::ndp::RouterAdvertisement& advertisement);
  void take_servers(const wire::ndp::RouterAdvertisement& advertisement, Time now);
  void remove_router(const IpAddress& router);
  void solicit(Time now);

  /// When a lifetime that a router gave ends.
  static Time after(Time now, std::uint32_t seconds) noexcept;
  void say(Action action) { actions_.push_back(std::move(action)); }

  AutoconfigurationSettings settings_;
  KeyedHash hash_;
  Random random_;
  std::vector<Address> addresses_;
  std::vector<Router> routers_;
  std::vector<OnLink> on_link_;
  std::vector<IpAddress> servers_;
  Time servers_until_ = kNever;
  unsigned solicitations_left_ = 0;
  Time solicit_at_ = kNever;
  bool told_managed_ = false;
  bool told_other_ = false;
  Ring<Action> actions_;
  Counters<AutoconfigurationCounter> counters_;
};

}  // namespace sluice::host
