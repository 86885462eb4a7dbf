// DHCP messages for IPv4 on Ethernet (RFC 2131 2, RFC 2132): BOOTP's fixed fields and the options behind them.
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

namespace sluice::wire::dhcp {

inline constexpr std::uint16_t kServerPort = 67;
inline constexpr std::uint16_t kClientPort = 68;
inline constexpr std::size_t kFixedSize = 240;       ///< BOOTP's fields and the cookie
inline constexpr std::size_t kMinimumWritten = 300;  ///< BOOTP's size, which some relays insist on (RFC 1542 2.1)
inline constexpr std::size_t kMaximumSize = 1472;    ///< what one packet of 1500 bytes carries; no more is read

enum class Operation : std::uint8_t { request = 1, reply = 2 };
enum class Type : std::uint8_t { discover = 1, offer, request, decline, ack, nak, release, inform };

/// The options that are known here by name; a message may carry any.
enum class Option : std::uint8_t {
  pad = 0,
  subnet_mask = 1,
  routers = 3,
  dns_servers = 6,
  host_name = 12,
  domain_name = 15,
  interface_mtu = 26,
  broadcast_address = 28,
  requested_address = 50,
  lease_time = 51,
  overload = 52,
  message_type = 53,
  server_identifier = 54,
  parameter_request_list = 55,
  message = 56,
  maximum_message_size = 57,
  renewal_time = 58,
  rebinding_time = 59,
  client_identifier = 61,
  classless_routes = 121,
  end = 255,
};

/// The fields of RFC 2131 figure 1 that a client has a use for. Unset addresses are 0.0.0.0.
struct Header {
  Operation operation = Operation::request;
  Type type = Type::discover;
  std::uint32_t transaction = 0;  ///< xid
  std::uint16_t seconds = 0;      ///< since the client began
  bool broadcast = false;         ///< answers have to come by broadcast
  IpAddress client{};             ///< ciaddr: what the client already uses
  IpAddress your{};               ///< yiaddr: what the server gives
  IpAddress next_server{};        ///< siaddr
  IpAddress relay{};              ///< giaddr
  MacAddress hardware{};          ///< chaddr
};

/// An option's value, put together from all its pieces.
class Value {
 public:
  Bytes bytes() const noexcept { return Bytes(bytes_).first(size_); }
  void append(Bytes piece) noexcept;

 private:
  std::array<std::uint8_t, kMaximumSize> bytes_{};  // a message has no more
  std::size_t size_ = 0;
};

/// The options of one message, as views of it: valid as long as its bytes.
class Options {
 public:
  /// The option's value, nullopt if it is not there. Pieces are joined in the order of RFC 3396 5: those of the option
  /// field, then of the file field, then of the server name field.
  std::optional<Value> find(Option option) const noexcept;

  /// A value of exactly 1, 2 or 4 bytes; nullopt if it is missing or has another size.
  std::optional<std::uint8_t> u8(Option option) const noexcept;
  std::optional<std::uint16_t> u16(Option option) const noexcept;
  std::optional<std::uint32_t> u32(Option option) const noexcept;
  std::optional<IpAddress> address(Option option) const noexcept;

  /// The three fields in their order; those without options are empty.
  std::array<Bytes, 3> fields;
};

struct Message {
  Header header;
  Options options;
};

enum class Fault : std::uint8_t {
  truncated,        ///< fewer than 240 bytes
  too_long,         ///< more than we ever say that we take
  wrong_operation,  ///< neither request nor reply
  wrong_hardware,   ///< not Ethernet (1) with addresses of 6 bytes
  no_cookie,        ///< BOOTP without DHCP's options
  bad_option,       ///< one that ends behind its field
  bad_overload,     ///< neither 1, 2 nor 3
  no_type,          ///< without a message type, or with an unknown one
};

/// A UDP payload. An end option may be missing, as it is in messages of some servers.
Parsed<Message, Fault> parse(Bytes payload) noexcept;

/// Writes a message from front to back.
class Writer {
 public:
  /// Writes the fixed fields and the message type. REQUIRES the room for them and for all that follows; kMaximumSize
  /// bytes are enough for any message of a client.
  Writer(MutableBytes room, const Header& header) noexcept;

  /// A value longer than 255 bytes goes in pieces (RFC 3396 6).
  void option(Option option, Bytes value) noexcept;
  void option(Option option, std::uint16_t value) noexcept;
  void option(Option option, std::uint32_t value) noexcept;
  void option(Option option, const IpAddress& value) noexcept;
  /// Writes the end and pads to kMinimumWritten; returns the size of the whole. Nothing may follow.
  std::size_t finish() noexcept;

 private:
  ByteWriter writer_;
};

/// A route of RFC 3442. The router 0.0.0.0 means that the destination is on the link.
struct Route {
  Prefix destination;
  IpAddress router;
  friend bool operator==(const Route&, const Route&) noexcept = default;
};

/// What the option's value says; nullopt if it breaks the option's rules. Of a list no more than the first `limit`
/// entries are kept.
std::optional<std::vector<IpAddress>> read_addresses(Bytes value, std::size_t limit);
std::optional<std::vector<Route>> read_routes(Bytes value, std::size_t limit);
/// A mask of ones, then zeros, as a prefix length.
std::optional<std::uint8_t> read_mask(Bytes value) noexcept;
/// A domain name of letters, digits, '-', '_' and '.': others have been used to reach into shell scripts.
std::optional<std::string> read_name(Bytes value);

}  // namespace sluice::wire::dhcp
