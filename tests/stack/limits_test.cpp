// How many connections a host takes, and what an observer learns of the numbers and ports that it chooses.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <map>
#include <set>

#include "stack/tcp/environment.hpp"
#include "tests/support/world.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using tcp::Counter;

struct Crowd : World {
  explicit Crowd(const WorldSettings& settings, const tcp::ListenOptions& options = {}) : World(settings) {
    auto made = right().listen({right_address(), 80}, options);
    REQUIRE(made);
    listener = std::move(*made);
  }
  /// Opens so many, accepts what comes, and answers how many that is in all.
  std::size_t come(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      auto made = left().connect({right_address(), 80});
      REQUIRE(made);
      clients.push_back(std::move(*made));
    }
    run_for(100ms);
    while (auto accepted = listener.accept()) servers.push_back(std::move(*accepted));
    return servers.size();
  }
  /// All go, also those who believe that they are connected because only their last ACK was refused.
  void leave() {
    for (tcp::Socket& one : clients) one.abort();
    clients.clear();
    servers.clear();
    run_for(1s);
  }
  std::uint64_t refused() { return right().tcp().counters()[Counter::drop_connection_limit]; }
  tcp::Listener listener;
  std::vector<tcp::Socket> clients, servers;
};

TEST_CASE("a listener takes no more connections than it was told, and goes on when one ends [A-TCP-22]") {
  Crowd crowd({}, {.maximum_connections = 5});
  CHECK(crowd.come(8) == 5);
  CHECK(crowd.refused() >= 3);
  crowd.leave();
  CHECK(crowd.come(3) == 3);
}

TEST_CASE("all listeners together have a limit, and OPEN as well [A-TCP-22]") {
  Crowd crowd({.right_tcp = {.maximum_connections = 4}});
  CHECK(crowd.come(6) == 4);
  CHECK(crowd.refused() >= 2);
  CHECK(crowd.right().connect({crowd.left_address(), 9}).error() == Errc::no_buffer_space);
}

TEST_CASE("one peer can't take all places [A-TCP-22]") {
  Crowd crowd({.right_tcp = {.maximum_from_peer = 3}});
  CHECK(crowd.come(5) == 3);
  CHECK(crowd.refused() >= 2);
  crowd.leave();
  CHECK(crowd.come(2) == 2);
}

TEST_CASE("the limit counts at the end of a handshake too, with cookies as well [A-TCP-22]") {
  for (const auto use : {tcp::SynCookieUse::off, tcp::SynCookieUse::always}) {
    WorldSettings settings{.right_tcp = {.syn_cookies = use}};
    settings.to_left.delay = 20ms;  // all SYNs are there before the first ACK
    Crowd crowd(settings, {.maximum_connections = 2});
    CHECK(crowd.come(6) == 2);
    CHECK(crowd.refused() == 4);
  }
}

// --- what an observer learns -------------------------------------------------------------------------------------

// The share of values in the fullest of 64 equal parts of 2^32.
double fullest_part(const std::vector<std::uint32_t>& values) {
  std::array<std::size_t, 64> parts{};
  for (const std::uint32_t value : values) ++parts[value >> 26];
  return static_cast<double>(*std::max_element(parts.begin(), parts.end())) / static_cast<double>(values.size());
}

struct Numbers {
  explicit Numbers(std::uint64_t stream) : key(run_key(stream)), isn(key, KeyUse::isn) {}
  std::uint32_t of(const FourTuple& tuple) const {
    return static_cast<std::uint32_t>(isn(tcp::TupleBytes(tuple).bytes()));
  }
  Key key;
  KeyedHash isn;
};

TEST_CASE(
    "ISNs of neighbouring ports don't repeat, and neither they nor their differences cluster "
    "[A-TCP-05, R6528-3-2]") {
  const Numbers numbers(31);
  std::vector<std::uint32_t> isns, steps;
  FourTuple tuple{{World::left_address(Family::ipv4), 0}, {World::right_address(Family::ipv4), 80}};
  for (std::uint32_t port = 1; port < 65536; ++port) {
    tuple.local.port = static_cast<std::uint16_t>(port);
    isns.push_back(numbers.of(tuple));
    if (isns.size() > 1) steps.push_back(isns.back() - isns[isns.size() - 2]);
  }
  CHECK(fullest_part(isns) < 1.2 / 64);
  CHECK(fullest_part(steps) < 1.2 / 64);
  const std::set<std::uint32_t> different(isns.begin(), isns.end());
  CHECK(different.size() >= isns.size() - 5);  // birthdays: half a pair is to be expected
  const std::set<std::uint32_t> different_steps(steps.begin(), steps.end());
  CHECK(different_steps.size() >= steps.size() - 5);
}

TEST_CASE("one bit of the tuple or of the secret changes half the bits of an ISN [A-TCP-05, R6528-3-2]") {
  const Numbers numbers(32);
  Numbers other(32);
  other.key[31] ^= 1;
  other.isn = KeyedHash(other.key, KeyUse::isn);
  int by_port = 0, by_key = 0;
  constexpr int kTrials = 4000;
  for (int i = 0; i < kTrials; ++i) {
    FourTuple tuple{{World::left_address(Family::ipv4), static_cast<std::uint16_t>(1000 + i)},
                    {World::right_address(Family::ipv4), 80}};
    const std::uint32_t isn = numbers.of(tuple);
    by_key += std::popcount(isn ^ other.of(tuple));
    tuple.remote.port ^= 1;
    by_port += std::popcount(isn ^ numbers.of(tuple));
  }
  CHECK(std::abs(by_port / double{kTrials} - 16) < 0.3);
  CHECK(std::abs(by_key / double{kTrials} - 16) < 0.3);
}

// Ports that the left host takes towards `count` destinations, one each.
std::vector<std::uint16_t> first_ports(World& world, int count) {
  std::vector<std::uint16_t> ports;
  std::vector<tcp::Socket> sockets;
  for (int i = 0; i < count; ++i) {
    auto made = world.left().connect({world.right_address(), static_cast<std::uint16_t>(1000 + i)});
    REQUIRE(made);
    ports.push_back(made->local()->port);
    sockets.push_back(std::move(*made));
  }
  return ports;
}

TEST_CASE("ports towards different servers say nothing about each other [A-TCP-06, R6056-3.3-1, R6056-3.3-3]") {
  World world;
  const std::vector<std::uint16_t> ports = first_ports(world, 2000);
  std::map<int, int> steps;
  std::array<int, 16> parts{};
  const double range = 60999 - 32768 + 1;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    CHECK_UNARY(ports[i] >= 32768 && ports[i] <= 60999);
    ++parts[static_cast<std::size_t>((ports[i] - 32768) / range * 16)];
    if (i > 0) ++steps[ports[i] - ports[i - 1]];
  }
  CHECK(*std::max_element(parts.begin(), parts.end()) < 2000 / 16 * 1.5);
  for (const auto& [step, count] : steps) CHECK_UNARY(count <= 6);
}

TEST_CASE(
    "towards one server ports don't repeat soon, and step by an amount that nobody knows "
    "[A-TCP-06, R6056-3.3-3]") {
  World world;
  std::set<std::uint16_t> seen;
  std::map<int, int> steps;
  int last = 0;
  for (int i = 0; i < 2000; ++i) {
    auto made = world.left().connect({world.right_address(), 80});
    REQUIRE(made);
    const int port = made->local()->port;
    CHECK_UNARY(seen.insert(static_cast<std::uint16_t>(port)).second);
    if (i > 0) ++steps[port - last];
    last = port;
    made->abort();
    world.settle();
  }
  CHECK(steps.size() >= 8);
  for (const auto& [step, count] : steps) CHECK_UNARY(count < 2000 / 8 * 1.5);
}

TEST_CASE(
    "the range of ports is a setting, as wide as one likes, and all of it is used "
    "[R6056-3.3-4, R6056-5-1]") {
  World world({.left_tcp = {.port_first = 1024, .port_last = 1087}});
  std::vector<tcp::Socket> sockets;
  std::set<std::uint16_t> ports;
  for (int i = 0; i < 64; ++i) {
    auto made = world.left().connect({world.right_address(), 80});
    REQUIRE(made);
    ports.insert(made->local()->port);
    sockets.push_back(std::move(*made));
  }
  CHECK(ports.size() == 64);
  CHECK(*ports.begin() == 1024);
  CHECK(*ports.rbegin() == 1087);
  CHECK(world.left().connect({world.right_address(), 80}).error() == Errc::address_not_available);
  CHECK(world.left().connect({world.right_address(), 81}));  // another destination has all of them again
}

TEST_CASE("no ephemeral port is one on which a service listens towards the same peer [R6056-3.2-2]") {
  World world({.left_tcp = {.port_first = 1024, .port_last = 1031}});
  auto service = world.left().listen({world.left_address(), 1027});
  REQUIRE(service);
  std::vector<tcp::Socket> sockets;
  for (int i = 0; i < 7; ++i) {
    auto made = world.left().connect({world.right_address(), 80});
    REQUIRE(made);
    CHECK(made->local()->port != 1027);
    sockets.push_back(std::move(*made));
  }
  CHECK(world.left().connect({world.right_address(), 80}).error() == Errc::address_not_available);
}

}  // namespace
}  // namespace sluice::test
