// Neighbour discovery from and to bytes; see ndp.hpp.
#include "stack/wire/ndp.hpp"

#include <algorithm>

#include "stack/wire/icmpv6.hpp"

namespace sluice::wire::ndp {
namespace {

constexpr std::uint8_t kSourceMac = 1;
constexpr std::uint8_t kTargetMac = 2;
constexpr std::uint8_t kPrefix = 3;
constexpr std::uint8_t kMtu = 5;
constexpr std::uint8_t kDnsServers = 25;  // RFC 8106

constexpr std::size_t kMacOption = 8;  // bytes, with type and length

IpAddress address_with(std::initializer_list<std::uint8_t> start, std::initializer_list<std::uint8_t> end) noexcept {
  std::array<std::uint8_t, 16> bytes{};
  std::copy(start.begin(), start.end(), bytes.begin());
  std::copy_backward(end.begin(), end.end(), bytes.end());
  return IpAddress::v6(bytes);
}

struct Option {
  std::uint8_t type = 0;
  Bytes body;  ///< behind type and length
};

/// Goes over options; ok() false: one was malformed [R4861-4.6-1].
class Options {
 public:
  explicit Options(Bytes bytes) noexcept : reader_(bytes) {}
  std::optional<Option> next() noexcept {
    if (!ok_ || reader_.empty()) return std::nullopt;
    Option option{.type = reader_.u8(), .body = {}};
    const std::size_t size = std::size_t{reader_.u8()} * 8;
    if (size >= 2) option.body = reader_.take(size - 2);
    ok_ = size >= 2 && reader_.ok();
    return ok_ ? std::optional(option) : std::nullopt;
  }
  void refuse() noexcept { ok_ = false; }
  bool ok() const noexcept { return ok_; }

 private:
  ByteReader reader_;
  bool ok_ = true;
};

/// The link-layer address in an option of this type; others are nobody's.
void take_mac(const Option& option, std::uint8_t type, std::optional<MacAddress>& mac, Options& options) noexcept {
  if (option.type != type) return;
  if (option.body.size() != MacAddress::kSize) return options.refuse();
  mac = MacAddress::from_bytes(option.body);
}

/// Goes over options of which only the link-layer address matters. False: one was malformed.
bool read_mac(Bytes bytes, std::uint8_t type, std::optional<MacAddress>& mac) noexcept {
  Options options(bytes);
  while (const auto option = options.next()) take_mac(*option, type, mac, options);
  return options.ok();
}

void take_prefix(const Option& option, RouterAdvertisement& message, Options& options) noexcept {
  if (option.type != kPrefix) return;
  if (option.body.size() != 30) return options.refuse();
  ByteReader reader(option.body);
  PrefixInformation prefix;
  prefix.prefix.length = reader.u8();
  const std::uint8_t flags = reader.u8();
  prefix.on_link = (flags & 0x80) != 0;
  prefix.autonomous = (flags & 0x40) != 0;
  prefix.valid_lifetime = reader.u32();
  prefix.preferred_lifetime = reader.u32();
  reader.skip(4);
  prefix.prefix.address = IpAddress::from_bytes(reader.take(16));
  if (prefix.prefix.length > 128) return options.refuse();
  message.add(prefix);
}

void take_mtu(const Option& option, RouterAdvertisement& message, Options& options) noexcept {
  if (option.type != kMtu) return;
  if (option.body.size() != 6) return options.refuse();
  message.mtu = ByteReader(option.body.subspan(2)).u32();
}

void take_servers(const Option& option, RouterAdvertisement& message, Options& options) noexcept {
  if (option.type != kDnsServers) return;
  ByteReader reader(option.body);
  reader.skip(2);
  message.server_lifetime = reader.u32();
  if (!reader.ok() || reader.remaining() < 16 || reader.remaining() % 16 != 0) return options.refuse();
  while (!reader.empty()) message.add_server(IpAddress::from_bytes(reader.take(16)));
}

/// What every message has to be: of its type, code 0, long enough, from this link.
std::optional<Fault> fault_of(Bytes message, std::uint8_t type, std::size_t least, const Envelope& envelope) noexcept {
  if (message.size() < least) return Fault::truncated;
  if (message[0] != type) return Fault::wrong_type;
  if (message[1] != 0) return Fault::wrong_code;
  if (envelope.hop_limit != 255) return Fault::wrong_hop_limit;
  return std::nullopt;
}

std::size_t write_mac(ByteWriter& writer, std::uint8_t type, const std::optional<MacAddress>& mac) noexcept {
  if (mac) {
    writer.u8(type);
    writer.u8(kMacOption / 8);
    writer.bytes(mac->bytes());
  }
  return writer.used();
}

/// Type, code 0, checksum 0 and the four bytes behind them.
void write_start(ByteWriter& writer, std::uint8_t type, std::uint32_t rest) noexcept {
  writer.u8(type);
  writer.u8(0);
  writer.u16(0);
  writer.u32(rest);
}

constexpr std::uint32_t kRouterFlag = 0x80000000;
constexpr std::uint32_t kSolicitedFlag = 0x40000000;
constexpr std::uint32_t kOverrideFlag = 0x20000000;

Preference preference_of(std::uint8_t flags) noexcept {
  switch (flags >> 3 & 3) {
    case 1: return Preference::high;
    case 3: return Preference::low;
    default: return Preference::medium;
  }
}

}  // namespace

void RouterAdvertisement::add(const PrefixInformation& prefix) noexcept {
  if (prefix_count < kMaximumPrefixes) prefix_room[prefix_count++] = prefix;
}

void RouterAdvertisement::add_server(const IpAddress& server) noexcept {
  if (server_count < kMaximumServers) server_room[server_count++] = server;
}

IpAddress all_nodes() noexcept { return address_with({0xff, 0x02}, {1}); }
IpAddress all_routers() noexcept { return address_with({0xff, 0x02}, {2}); }

IpAddress solicited_node(const IpAddress& address) noexcept {
  const Bytes bytes = address.bytes();
  return address_with({0xff, 0x02}, {0x01, 0xff, bytes[13], bytes[14], bytes[15]});
}

// --- in

Parsed<RouterSolicitation, Fault> parse_router_solicitation(Bytes bytes, const Envelope& envelope) noexcept {
  if (const auto fault = fault_of(bytes, icmpv6::kRouterSolicitation, 8, envelope)) return *fault;
  RouterSolicitation message;
  if (!read_mac(bytes.subspan(8), kSourceMac, message.source_mac)) return Fault::malformed_option;
  if (envelope.source.is_unspecified() && message.source_mac) return Fault::wrong_source;
  return message;
}

Parsed<RouterAdvertisement, Fault> parse_router_advertisement(Bytes bytes, const Envelope& envelope) noexcept {
  if (const auto fault = fault_of(bytes, icmpv6::kRouterAdvertisement, 16, envelope)) return *fault;
  if (!envelope.source.is_link_local()) return Fault::wrong_source;  // [R4861-6.1.2-1]
  ByteReader reader(bytes.subspan(4));
  RouterAdvertisement message;
  message.hop_limit = reader.u8();
  const std::uint8_t flags = reader.u8();
  message.managed = (flags & 0x80) != 0;
  message.other = (flags & 0x40) != 0;
  message.preference = preference_of(flags);
  message.router_lifetime = reader.u16();
  message.reachable_time = reader.u32();
  message.retrans_timer = reader.u32();
  Options options(reader.rest());
  while (const auto option = options.next()) {
    take_mac(*option, kSourceMac, message.source_mac, options);
    take_prefix(*option, message, options);
    take_mtu(*option, message, options);
    take_servers(*option, message, options);
  }
  if (!options.ok()) return Fault::malformed_option;
  return message;
}

Parsed<NeighborSolicitation, Fault> parse_neighbor_solicitation(Bytes bytes, const Envelope& envelope) noexcept {
  if (const auto fault = fault_of(bytes, icmpv6::kNeighborSolicitation, 24, envelope)) return *fault;
  NeighborSolicitation message;
  message.target = IpAddress::from_bytes(bytes.subspan(8, 16));
  if (message.target.is_multicast()) return Fault::wrong_target;
  if (!read_mac(bytes.subspan(24), kSourceMac, message.source_mac)) return Fault::malformed_option;
  if (!envelope.source.is_unspecified()) return message;
  // [R4861-7.1.1-2]
  if (envelope.destination != solicited_node(message.target)) return Fault::wrong_destination;
  if (message.source_mac) return Fault::wrong_source;
  return message;
}

Parsed<NeighborAdvertisement, Fault> parse_neighbor_advertisement(Bytes bytes, const Envelope& envelope) noexcept {
  if (const auto fault = fault_of(bytes, icmpv6::kNeighborAdvertisement, 24, envelope)) return *fault;
  NeighborAdvertisement message;
  const std::uint32_t flags = ByteReader(bytes.subspan(4)).u32();
  message.router = (flags & kRouterFlag) != 0;
  message.solicited = (flags & kSolicitedFlag) != 0;
  message.override = (flags & kOverrideFlag) != 0;
  message.target = IpAddress::from_bytes(bytes.subspan(8, 16));
  if (message.target.is_multicast()) return Fault::wrong_target;
  // [R4861-7.1.2-1]
  if (envelope.destination.is_multicast() && message.solicited) return Fault::wrong_destination;
  if (!read_mac(bytes.subspan(24), kTargetMac, message.target_mac)) return Fault::malformed_option;
  return message;
}

Parsed<Redirect, Fault> parse_redirect(Bytes bytes, const Envelope& envelope) noexcept {
  if (const auto fault = fault_of(bytes, icmpv6::kRedirect, 40, envelope)) return *fault;
  if (!envelope.source.is_link_local()) return Fault::wrong_source;
  Redirect message;
  message.target = IpAddress::from_bytes(bytes.subspan(8, 16));
  message.destination = IpAddress::from_bytes(bytes.subspan(24, 16));
  if (message.destination.is_multicast()) return Fault::wrong_destination;
  // A router by its link-local address, or the destination itself [R4861-8.1-1].
  if (!message.target.is_link_local() && message.target != message.destination) return Fault::wrong_target;
  if (!read_mac(bytes.subspan(40), kTargetMac, message.target_mac)) return Fault::malformed_option;
  return message;
}

// --- out

std::size_t write(MutableBytes room, const RouterSolicitation& message) noexcept {
  ByteWriter writer(room);
  write_start(writer, icmpv6::kRouterSolicitation, 0);
  return write_mac(writer, kSourceMac, message.source_mac);
}

std::size_t write(MutableBytes room, const NeighborSolicitation& message) noexcept {
  ByteWriter writer(room);
  write_start(writer, icmpv6::kNeighborSolicitation, 0);
  writer.bytes(message.target.bytes());
  return write_mac(writer, kSourceMac, message.source_mac);
}

std::size_t write(MutableBytes room, const NeighborAdvertisement& message) noexcept {
  ByteWriter writer(room);
  write_start(writer, icmpv6::kNeighborAdvertisement,
              (message.router ? kRouterFlag : 0) | (message.solicited ? kSolicitedFlag : 0) |
                  (message.override ? kOverrideFlag : 0));
  writer.bytes(message.target.bytes());
  return write_mac(writer, kTargetMac, message.target_mac);
}

}  // namespace sluice::wire::ndp
