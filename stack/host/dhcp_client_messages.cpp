// What a DHCP client says, and how often; see dhcp_client.hpp.
#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "stack/host/dhcp_client.hpp"
#include "stack/wire/dhcpv6.hpp"

namespace sluice::host {
namespace {

using wire::dhcp::Option;
using wire::dhcp::Type;

constexpr IpAddress kEverybody = IpAddress::v4(255, 255, 255, 255);
constexpr std::uint8_t kIdentityHardware = 1;  // Ethernet
constexpr std::uint8_t kIdentityDuid = 255;
constexpr std::uint16_t kLargestPacket = 1500;  // whose payload wire::dhcp::parse takes

/// RFC 3442: a client that wants classless routes asks for them before the routers.
constexpr std::array kWanted = {Option::subnet_mask,   Option::classless_routes, Option::routers,
                                Option::dns_servers,   Option::domain_name,      Option::broadcast_address,
                                Option::interface_mtu, Option::lease_time,       Option::renewal_time,
                                Option::rebinding_time};

/// RFC 4361 6.1: type, an IAID (the end of the MAC address: one interface has one), a DUID.
std::vector<std::uint8_t> identifier_of(const MacAddress& hardware, DhcpIdentity identity) {
  const Bytes mac = hardware.bytes();
  if (identity == DhcpIdentity::hardware) {
    std::vector<std::uint8_t> identifier = {kIdentityHardware};
    identifier.insert(identifier.end(), mac.begin(), mac.end());
    return identifier;
  }
  std::vector<std::uint8_t> identifier = {kIdentityDuid};
  identifier.insert(identifier.end(), mac.begin() + 2, mac.end());
  const wire::dhcpv6::LinkLayerDuid duid = wire::dhcpv6::duid_of(hardware);
  identifier.insert(identifier.end(), duid.begin(), duid.end());
  return identifier;
}

DhcpCounter counter_of(Type type) noexcept {
  switch (type) {
    case Type::discover: return DhcpCounter::discovers_out;
    case Type::decline: return DhcpCounter::declines_out;
    case Type::release: return DhcpCounter::releases_out;
    default: return DhcpCounter::requests_out;
  }
}

}  // namespace

DhcpClient::DhcpClient(DhcpSettings settings)
    : settings_(std::move(settings)),
      identifier_(identifier_of(settings_.hardware, settings_.identity)),
      random_(settings_.key, KeyUse::dhcp),
      wish_(settings_.remembered) {
  assert(settings_.hardware.is_unicast());
  assert(settings_.host_name.size() <= 255);
}

// RFC 2131 4.1: 4, 8, 16, 32 and 64 seconds, give or take one.
Duration DhcpClient::jittered_timeout() noexcept {
  const Duration timeout = kFirstTimeout * (1u << std::min(sent_ - 1, kLongestTimeout));
  return timeout +
         Duration(static_cast<Duration::rep>((2 * random_.unit() - 1) * static_cast<double>(kJitter.count())));
}

/// By which part of their time renewals come early.
double DhcpClient::early() noexcept { return random_.unit() / 64; }

void DhcpClient::count_seconds(Time now) noexcept {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - began_).count();
  seconds_ = static_cast<std::uint16_t>(std::min<std::int64_t>(seconds, 0xffff));
}

void DhcpClient::discover(Time now) {
  count_seconds(now);
  transmit(Type::discover, kEverybody);
  ++sent_;
  deadline_ = now + jittered_timeout();
}

/// The REQUEST for an offer or for a remembered address, `limit` times; the lease counts from the first.
void DhcpClient::ask(unsigned limit, Time now) {
  if (sent_ == limit) return restart(Duration::zero(), now);
  if (sent_ == 0) asked_ = now;
  transmit(Type::request, kEverybody);
  ++sent_;
  deadline_ = now + jittered_timeout();
}

// RFC 2131 4.3.2 and its tables 4 and 5.
void DhcpClient::transmit(Type type, const IpAddress& destination) {
  const bool farewell = type == Type::release || type == Type::decline;
  const bool configured =
      type == Type::release || (type == Type::request && holds_address() && state_ != DhcpState::confirming);
  const wire::dhcp::Header header{.type = type,
                                  .transaction = transaction_,
                                  .seconds = farewell ? std::uint16_t{0} : seconds_,
                                  .broadcast = !configured && !farewell,
                                  .client = configured ? lease_.address.address : IpAddress(),
                                  .hardware = settings_.hardware};
  DhcpSend send{.payload = std::vector<std::uint8_t>(wire::dhcp::kMaximumSize),
                .source = header.client,
                .destination = destination};
  wire::dhcp::Writer writer(send.payload, header);
  write_choice(writer, type);
  writer.option(Option::client_identifier, identifier_);
  if (!farewell) write_wishes(writer);
  send.payload.resize(writer.finish());
  outgoing_ = std::move(send);
  counters_.add(counter_of(type));
}

/// Which address of which server is meant; none of it while renewing, where ciaddr says it all.
void DhcpClient::write_choice(wire::dhcp::Writer& writer, Type type) const noexcept {
  const bool of_offer = type == Type::request && state_ == DhcpState::requesting;
  if (of_offer || type == Type::decline) writer.option(Option::requested_address, lease_.address.address);
  if (of_offer || type == Type::decline || type == Type::release)
    writer.option(Option::server_identifier, lease_.server);
  const bool rebooting = state_ == DhcpState::rebooting || (state_ == DhcpState::confirming && type == Type::request);
  const bool of_wish = type == Type::discover || rebooting;
  if (of_wish && wish_) writer.option(Option::requested_address, *wish_);
}

void DhcpClient::write_wishes(wire::dhcp::Writer& writer) const noexcept {
  writer.option(Option::maximum_message_size, kLargestPacket);
  if (!settings_.host_name.empty()) writer.option(Option::host_name, as_bytes(settings_.host_name));
  std::array<std::uint8_t, kWanted.size()> wanted{};
  std::ranges::transform(kWanted, wanted.begin(), [](Option option) { return static_cast<std::uint8_t>(option); });
  writer.option(Option::parameter_request_list, wanted);
}

}  // namespace sluice::host
