// DNS servers and search domains from a DHCPv6 server, for a host that makes its addresses itself (stateless DHCPv6,
// RFC 8415 6.1, 18.2.6).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "stack/base/counters.hpp"
#include "stack/base/random.hpp"
#include "stack/base/time.hpp"
#include "stack/wire/address.hpp"
#include "stack/wire/dhcpv6.hpp"
#include "stack/wire/mac_address.hpp"

namespace sluice::host {

enum class Dhcpv6Counter : std::uint8_t {
  requests_out,
  replies_in,
  drop_truncated,
  drop_bad_option,
  drop_unexpected,           ///< not a REPLY, or one that nobody waits for
  drop_foreign_transaction,  ///< an answer to nothing that we have asked
  drop_foreign_client,       ///< without our DUID (RFC 8415 16.10)
  drop_no_server,            ///< without the server's DUID (RFC 8415 16.10)
  drop_refused,              ///< with a status other than success
  count,
};

/// snake_case, as tools list it.
std::string_view name(Dhcpv6Counter counter) noexcept;

/// A UDP payload from a link-local address, port 546, to wire::dhcpv6::kServers, port 547.
struct Dhcpv6Send {
  std::vector<std::uint8_t> payload;
};
/// What the server told; it replaces all that was told before. Lists that are malformed count as empty.
struct Dhcpv6Facts {
  static constexpr std::size_t kMaximumEntries = 8;  ///< of each list

  std::vector<IpAddress> dns_servers;
  std::vector<std::string> domains;
  Time refresh_at = kNever;  ///< when they are asked for again
};
using Dhcpv6Action = std::variant<Dhcpv6Send, Dhcpv6Facts>;

class Dhcpv6Client {
 public:
  static constexpr Duration kMaximumDelay = std::chrono::seconds(1);        ///< INF_MAX_DELAY
  static constexpr Duration kFirstTimeout = std::chrono::seconds(1);        ///< INF_TIMEOUT
  static constexpr Duration kLongestTimeout = std::chrono::seconds(3600);   ///< INF_MAX_RT, until a server sets it
  static constexpr Duration kDefaultRefresh = std::chrono::seconds(86400);  ///< IRT_DEFAULT
  static constexpr Duration kMinimumRefresh = std::chrono::seconds(600);    ///< IRT_MINIMUM

  Dhcpv6Client(const MacAddress& hardware, const Key& key) noexcept;

  /// A router says that there is such a server (the O flag, RFC 4861 4.2), or the link was away: asks, within a second.
  /// Each call begins anew, so a flag that is merely repeated should not lead here.
  void start(Time now) noexcept;
  /// Asks no more.
  void stop() noexcept;

  /// A UDP payload that came to port 546.
  void receive(Bytes payload, Time now);
  void handle_timeout(Time now);
  Time next_timeout() const noexcept { return deadline_; }
  /// What there is to do or to know; nullopt = nothing more now.
  std::optional<Dhcpv6Action> poll();

  const Counters<Dhcpv6Counter>& counters() const noexcept { return counters_; }

 private:
  enum class Phase : std::uint8_t { stopped, delaying, asking, informed };

  void delay(Time now) noexcept;
  void ask(Time now);
  Duration varied(Duration timeout) noexcept;
  void next_timeout_after(Time now) noexcept;
  std::optional<Dhcpv6Counter> judge(const wire::dhcpv6::Message& message) const noexcept;
  void accept(const wire::dhcpv6::Message& message, Time now);
  void take_longest_timeout(const wire::dhcpv6::Message& message) noexcept;

  wire::dhcpv6::LinkLayerDuid duid_;
  Random random_;
  Counters<Dhcpv6Counter> counters_;
  Phase phase_ = Phase::stopped;
  Time deadline_ = kNever;
  Time began_{};                        // the first message of this exchange
  Duration timeout_{};                  // RT; zero before the first message
  Duration longest_ = kLongestTimeout;  // MRT
  std::uint32_t transaction_ = 0;
  std::optional<Dhcpv6Send> outgoing_;
  std::optional<Dhcpv6Facts> facts_;
};

}  // namespace sluice::host
