// DHCPv6 messages between client and server (RFC 8415 8, 21): as much as a client without leases needs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "stack/base/bytes.hpp"
#include "stack/wire/address.hpp"
#include "stack/wire/mac_address.hpp"
#include "stack/wire/parsed.hpp"

namespace sluice::wire::dhcpv6 {

inline constexpr std::uint16_t kClientPort = 546;
inline constexpr std::uint16_t kServerPort = 547;
/// ff02::1:2, All_DHCP_Relay_Agents_and_Servers (RFC 8415 7.1).
inline constexpr IpAddress kServers = IpAddress::v6({0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2});

enum class Type : std::uint8_t { reply = 7, information_request = 11 };

enum class Option : std::uint16_t {
  client_identifier = 1,
  server_identifier = 2,
  option_request = 6,
  elapsed_time = 8,
  status_code = 13,
  dns_servers = 23,         ///< RFC 3646 3
  domain_list = 24,         ///< RFC 3646 4
  refresh_time = 32,        ///< RFC 8415 21.23
  information_max_rt = 83,  ///< RFC 8415 21.25
};

struct Message {
  std::uint8_t type = 0;          ///< one of Type, or another's
  std::uint32_t transaction = 0;  ///< 24 bits
  Bytes options;                  ///< whole ones, a view of the message

  /// The first option of this kind; the others of its kind are against RFC 8415 21.
  std::optional<Bytes> find(Option option) const noexcept;
  /// A value of 4 bytes.
  std::optional<std::uint32_t> u32(Option option) const noexcept;
};

enum class Fault : std::uint8_t {
  truncated,   ///< fewer than 4 bytes
  bad_option,  ///< one that ends behind the message
};

/// A UDP payload.
Parsed<Message, Fault> parse(Bytes payload) noexcept;

/// Writes a message from front to back. REQUIRES the room.
class Writer {
 public:
  Writer(MutableBytes room, Type type, std::uint32_t transaction) noexcept;
  void option(Option option, Bytes value) noexcept;
  void option(Option option, std::uint16_t value) noexcept;
  std::size_t used() const noexcept { return writer_.used(); }

 private:
  ByteWriter writer_;
};

/// A DUID of a link-layer address (RFC 8415 11.4).
using LinkLayerDuid = std::array<std::uint8_t, 4 + MacAddress::kSize>;
LinkLayerDuid duid_of(const MacAddress& hardware) noexcept;

/// What the option's value says; nullopt if it breaks the option's rules. No more than the first `limit` entries.
std::optional<std::vector<IpAddress>> read_addresses(Bytes value, std::size_t limit);
/// Names as RFC 1035 3.1 writes them, without compression, of letters, digits, '-' and '_'.
std::optional<std::vector<std::string>> read_names(Bytes value, std::size_t limit);

}  // namespace sluice::wire::dhcpv6
