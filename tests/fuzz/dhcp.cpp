// Both DHCP clients under any order of replies, verdicts and time.
// Input: a row of operations, each a byte and what it needs.
#include "stack/host/dhcp_client.hpp"
#include "stack/host/dhcpv6_client.hpp"
#include "tests/fuzz/ip_input.hpp"

namespace {

using namespace sluice;
using namespace sluice::fuzz;
using namespace sluice::host;
namespace dhcp = wire::dhcp;
namespace dhcpv6 = wire::dhcpv6;

const MacAddress kOurMac({0x02, 0, 0x5e, 0x10, 0, 0x01});
constexpr std::size_t kNameAt = 44;  // the server's name and the file behind it: 192 bytes that may hold options

void check(const DhcpLease& lease) {
  require(!lease.address.address.is_invalid_source() && lease.address.length >= 1 && lease.address.length <= 32);
  require(lease.renew_at <= lease.rebind_at && lease.rebind_at <= lease.until);
  require(lease.routers.size() <= DhcpLease::kMaximumAddresses);
  require(lease.dns_servers.size() <= DhcpLease::kMaximumAddresses);
  require(lease.routes.size() <= DhcpLease::kMaximumRoutes && (lease.routes.empty() || lease.routers.empty()));
  require(lease.domain.size() <= 253);
}

struct World {
  DhcpClient client{{.hardware = kOurMac, .host_name = "fuzz", .remembered = kOur4}};
  Dhcpv6Client client6{kOurMac, Key{}};
  Time now = Time{} + std::chrono::hours(1);
  std::uint32_t transaction = 0;
  std::uint32_t transaction6 = 0;
  bool holds = false;

  void check(const DhcpSend& send) {
    const auto message = dhcp::parse(send.payload);
    require(static_cast<bool>(message) && message->header.operation == dhcp::Operation::request);
    require(send.source == message->header.client);
    transaction = message->header.transaction;
  }
  void drain() {
    while (const auto action = client.poll()) {
      if (const auto* send = std::get_if<DhcpSend>(&*action)) check(*send);
      if (const auto* lease = std::get_if<DhcpLease>(&*action)) ::check(*lease), holds = true;
      if (std::get_if<DhcpLost>(&*action)) require(std::exchange(holds, false));
    }
    require(holds == (client.lease() != nullptr));
    while (const auto action = client6.poll()) {
      if (const auto* send = std::get_if<Dhcpv6Send>(&*action))
        transaction6 = dhcpv6::parse(send->payload)->transaction;
      if (const auto* facts = std::get_if<Dhcpv6Facts>(&*action)) require(facts->refresh_at > now);
    }
  }
  /// A reply to the last message, with any options.
  void reply(Input& input) {
    Octets message(dhcp::kMaximumSize);
    const dhcp::Header header{.operation = dhcp::Operation::reply,
                              .transaction = transaction,
                              .your = IpAddress::v4(10, 0, 0, input.u8()),
                              .hardware = kOurMac};
    (void)dhcp::Writer(message, header);
    message.resize(dhcp::kFixedSize);
    const Octets fields = input.take(input.u8() % 193);
    std::copy(fields.begin(), fields.end(), message.begin() + kNameAt);
    const Octets options = input.take(input.u8());
    message.insert(message.end(), options.begin(), options.end());
    client.receive(message, now);
  }
  void reply6(Input& input) {
    Octets message = {7, static_cast<std::uint8_t>(transaction6 >> 16), static_cast<std::uint8_t>(transaction6 >> 8),
                      static_cast<std::uint8_t>(transaction6)};
    const Octets ours = {0, 1, 0, 10, 0, 3, 0, 1, 0x02, 0, 0x5e, 0x10, 0, 0x01, 0, 2, 0, 1, 9};
    message.insert(message.end(), ours.begin(), ours.end());
    const Octets options = input.take(input.u8());
    message.insert(message.end(), options.begin(), options.end());
    client6.receive(message, now);
  }
  /// Each deadline leads to a later one after few steps.
  void wait_until(Time next) {
    if (next == kNever) return;
    now = std::max(now, next);
    for (int steps = 0; std::min(client.next_timeout(), client6.next_timeout()) <= now; ++steps) {
      require(steps < 10);
      client.handle_timeout(now);
      client6.handle_timeout(now);
      drain();
    }
  }
  void step(Input& input) {
    switch (input.u8() % 11) {
      case 0:
      case 1: return reply(input);
      case 2: return client.receive(input.take(input.u16()), now);
      case 3: return reply6(input);
      case 4: return client6.receive(input.take(input.u8()), now);
      case 5: return client.address_free(now);
      case 6: return client.address_in_use(now);
      case 7: return client.start(now), client6.start(now);
      case 8: return client.release(), client6.stop();
      case 9: return wait_until(client6.next_timeout());
      default: return wait_until(client.next_timeout());
    }
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  World world;
  world.client.start(world.now);
  world.client6.start(world.now);
  while (!input.empty()) {
    world.step(input);
    world.drain();
  }
  return 0;
}
