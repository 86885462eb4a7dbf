// How the stack under a script is set up: profiles, a script's own options, and the settings that its commands ask for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lab/host.hpp"
#include "stack/base/time.hpp"
#include "stack/stack.hpp"
#include "stack/wire/address.hpp"

namespace sluice::lab::drill {

enum class IpVersion : std::uint8_t {
  v4,
  v6,
  mapped,  ///< IPv6 sockets, IPv4 packets
};

/// How much a script may ask for: who runs foreign ones wants an end.
struct Limits {
  std::size_t turns = 1'000'000;              ///< of the stack, in the whole script
  std::size_t bytes = std::size_t{64} << 20;  ///< that one call reads or writes
};

struct Settings {
  Limits limits;
  Config config;        ///< of the stack; its addresses and MTU come from the fields below
  HostShape shape;      ///< the script is played against such a host, and should not notice
  tcp::Options socket;  ///< of each new TCP socket
  IpVersion version = IpVersion::v4;
  std::optional<IpAddress> local;   ///< nullopt: 192.168.0.1 or fd3d:fa7b:d17d::1
  std::optional<IpAddress> remote;  ///< nullopt: 192.0.2.1 or fd3d:fa7b:d17d:8888::1
  std::uint16_t bind_port = 8080;
  std::uint16_t connect_port = 8080;
  std::size_t mtu = 1500;
  std::optional<Duration> tolerance;  ///< nullopt: 4 ms, or an eighth of the time since the event before
  bool strict = false;                ///< packets left over at the end are a failure
  bool ignore_shell = false;          ///< commands that mean nothing to us are skipped
  bool fast_open_client = true;       ///< net.ipv4.tcp_fastopen, bit 0
  bool fast_open_server = true;       ///< and bit 1
};

enum class Profile : std::uint8_t {
  sluice,  ///< the stack as it is
  linux_,  ///< with Linux's constants, for scripts written against it
};
Settings settings_of(Profile profile);

/// Applies "--name=value" of a script's head. Empty: done; else one sentence.
std::string apply_option(std::string_view name, std::string_view value, Settings& settings);

/// Applies a command in backticks: sysctl settings that we have, and commands that change nothing here.
/// Empty: done; else one sentence about the first part that we don't know.
std::string apply_command(std::string_view command, Settings& settings);

}  // namespace sluice::lab::drill
