// The flags of every subcommand that runs a stack: the device, addresses, what the link does to packets, what is
// recorded.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lab/impairment.hpp"
#include "stack/base/random.hpp"
#include "stack/tcp/options.hpp"
#include "stack/wire/address.hpp"
#include "tun/open.hpp"

namespace CLI {  // NOLINT(readability-identifier-naming): the library's own name
class App;
}

namespace sluice::tools {

/// Whose defaults: those of the one who serves, or of the many who come and go.
enum class Role { server, client };

struct LinkOptions {
  std::string device;
  std::string network_namespace;
  std::optional<Prefix> local;
  std::optional<IpAddress> peer;
  std::optional<Prefix> local6;
  std::optional<IpAddress> peer6;
  std::optional<std::size_t> mtu;
  Duration busy_poll = std::chrono::microseconds(50);                 ///< after work, before sleeping
  tcp::CongestionControl congestion = tcp::CongestionControl::cubic;  ///< of all connections
  lab::ImpairmentSettings impairment;
  std::string seed;
  std::string capture;
  std::uint64_t capture_size = 0;  ///< bytes of one file; 0 = unlimited
  std::uint32_t capture_files = 2;
  std::string trace;
};

void add_link_options(CLI::App& app, LinkOptions& options, Role role);

/// The addresses that were asked for, or the role's own: the server's 10.77.0.2/24 and fd77::2/64; of a client the
/// first of 10.77.1.2/24, 10.77.2.2/24 … (and fd77:0:0:1::2/64 …) whose peer address nobody has in this namespace.
/// Throws UsageError for what does not fit together, tun::Error when the namespace can't be entered.
std::vector<tun::AddressPair> address_pairs(const LinkOptions& options, Role role);

/// From --seed, or from the kernel.
Key key_of(const LinkOptions& options);

}  // namespace sluice::tools
