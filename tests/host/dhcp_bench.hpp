// A DHCP client in virtual time and a server that libtins writes for, message by message.
#pragma once

#include <doctest/doctest.h>
#include <tins/tins.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stack/host/dhcp_client.hpp"

namespace sluice::host::test {

using namespace std::chrono_literals;

inline const MacAddress kOurs({0x02, 0, 0x5e, 0x10, 0, 0x01});
inline const IpAddress kGiven = IpAddress::v4(192, 0, 2, 77);
inline const IpAddress kServer = IpAddress::v4(192, 0, 2, 9);
inline const IpAddress kOtherServer = IpAddress::v4(192, 0, 2, 10);
inline const IpAddress kEverybody = IpAddress::v4(255, 255, 255, 255);

/// A message of the client, as libtins reads it.
struct Said {
  Time at;
  DhcpSend send;
  Tins::DHCP message;

  bool has(int option) const { return message.search_option(static_cast<Tins::DHCP::OptionTypes>(option)) != nullptr; }
  std::string address(int option) const {
    const auto* found = message.search_option(static_cast<Tins::DHCP::OptionTypes>(option));
    return found ? found->to<Tins::IPv4Address>().to_string() : "none";
  }
  std::vector<std::uint8_t> value(int option) const {
    const auto* found = message.search_option(static_cast<Tins::DHCP::OptionTypes>(option));
    REQUIRE(found);
    return {found->data_ptr(), found->data_ptr() + found->data_size()};
  }
};

struct Bench {
  explicit Bench(DhcpSettings settings = {}, std::uint8_t seed = 1) : client(keyed(std::move(settings), seed)) {}

  static DhcpSettings keyed(DhcpSettings settings, std::uint8_t seed) {
    settings.hardware = kOurs;
    settings.key = Key{seed};
    return settings;
  }

  void start() {
    client.start(now);
    drain();
  }
  void drain() {
    while (auto action = client.poll()) {
      if (auto* send = std::get_if<DhcpSend>(&*action)) {
        const auto size = static_cast<std::uint32_t>(send->payload.size());
        said.push_back({now, *send, Tins::DHCP(send->payload.data(), size)});
      }
      if (auto* probe = std::get_if<DhcpProbe>(&*action)) probes.push_back(probe->address);
      if (auto* lease = std::get_if<DhcpLease>(&*action)) leases.push_back(std::move(*lease));
      if (auto* lost = std::get_if<DhcpLost>(&*action)) losses.push_back(*lost);
    }
  }
  void run(Duration span) {
    const Time end = now + span;
    while (client.next_timeout() <= end) {
      now = std::max(now, client.next_timeout());
      client.handle_timeout(now);
      drain();
    }
    now = end;
  }
  /// Lets time pass until the client has said something; REQUIREs that it does within a day.
  const Said& next() {
    const std::size_t before = said.size();
    const Time end = now + 24h;
    while (said.size() == before) {
      REQUIRE(client.next_timeout() <= end);
      run(std::max(client.next_timeout() - now, Duration(0)));
    }
    return said.back();
  }
  const Said& last() const {
    REQUIRE(!said.empty());
    return said.back();
  }
  void hear(const std::vector<std::uint8_t>& payload) {
    client.receive(payload, now);
    drain();
  }
  void hear(Tins::DHCP message) {
    message.end();
    hear(message.serialize());
  }

  /// An answer to the last message, with an hour's lease of kGiven.
  Tins::DHCP answer(Tins::DHCP::Flags type, const IpAddress& given = kGiven, const IpAddress& server = kServer) const {
    Tins::DHCP message;
    message.opcode(2);
    message.hlen(6);
    message.xid(last().message.xid());
    message.chaddr(Tins::HWAddress<6>(kOurs.to_string()));
    message.type(type);
    message.server_identifier(server.to_string());
    if (type == Tins::DHCP::NAK) return message;
    message.yiaddr(given.to_string());
    message.lease_time(3600);
    message.subnet_mask("255.255.255.0");
    return message;
  }
  /// To the end of the probe.
  void ask_for_lease() {
    start();
    next();
    hear(answer(Tins::DHCP::OFFER));
    hear(answer(Tins::DHCP::ACK));
  }
  void bind() {
    ask_for_lease();
    run(5s);
    client.address_free(now);
    drain();
    REQUIRE(client.state() == DhcpState::bound);
  }
  std::uint64_t count(DhcpCounter counter) const { return client.counters()[counter]; }

  Time now = Time{} + 1h;
  DhcpClient client;
  std::vector<Said> said;
  std::vector<IpAddress> probes;
  std::vector<DhcpLease> leases;
  std::vector<DhcpLost> losses;
};

}  // namespace sluice::host::test
