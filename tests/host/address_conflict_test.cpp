// RFC 5227 in virtual time: probes, claims, announcements, and what happens when two want one address.
#include "stack/host/address_conflict.hpp"

#include <doctest/doctest.h>
#include <tins/tins.h>

#include <array>
#include <vector>

namespace sluice::host {
namespace {

using namespace std::chrono_literals;
using wire::arp::Operation;

const MacAddress kOurs({0x02, 0, 0x5e, 0x10, 0, 0x01});
const MacAddress kTheirs({0x02, 0, 0x5e, 0x10, 0, 0xfe});
const IpAddress kWanted = IpAddress::v4(192, 0, 2, 7);
const IpAddress kOther = IpAddress::v4(192, 0, 2, 8);

struct Seen {
  Time at;
  ConflictAction action;
  template <class T>
  const T* as() const {
    return std::get_if<T>(&action);
  }
};

/// The machine and a clock that jumps from deadline to deadline.
struct Bench {
  explicit Bench(std::uint8_t seed = 1) : machine(kOurs, Key{seed}) {}

  void start(Defence defence = Defence::once) {
    machine.start(kWanted, defence, now);
    drain();
  }
  void drain() {
    while (auto action = machine.poll()) seen.push_back({now, *action});
  }
  void run(Duration span) {
    const Time end = now + span;
    while (machine.next_timeout() <= end) {
      now = std::max(now, machine.next_timeout());
      machine.handle_timeout(now);
      drain();
    }
    now = end;
  }
  void hold(Defence defence) {
    start(defence);
    run(20s);
    seen.clear();
  }
  void hear(const wire::arp::Packet& packet) {
    machine.receive(packet, now);
    drain();
  }
  template <class T>
  std::vector<Seen> all() const {
    std::vector<Seen> some;
    for (const Seen& one : seen)
      if (one.as<T>()) some.push_back(one);
    return some;
  }
  template <class T>
  std::size_t count() const {
    return all<T>().size();
  }

  Time now = Time{} + 1h;
  AddressConflict machine;
  std::vector<Seen> seen;
};

wire::arp::Packet use_of(const IpAddress& sender, Operation operation = Operation::reply) {
  return {.operation = operation, .sender_mac = kTheirs, .sender = sender, .target_mac = kOurs, .target = kOther};
}

wire::arp::Packet foreign_probe(const IpAddress& target) {
  return {.operation = Operation::request, .sender_mac = kTheirs, .sender = {}, .target_mac = {}, .target = target};
}

TEST_CASE("an address is claimed after its probes, and never probed again while it is held [R5227-2.1-1]") {
  Bench bench;
  bench.start();
  CHECK(bench.machine.phase() == AddressConflict::Phase::probing);
  bench.run(48h);
  CHECK(bench.machine.phase() == AddressConflict::Phase::holding);
  REQUIRE(bench.count<SendProbe>() == 3);
  REQUIRE(bench.count<Claimed>() == 1);
  CHECK(bench.all<Claimed>()[0].as<Claimed>()->address == kWanted);
  CHECK(bench.all<Claimed>()[0].at > bench.all<SendProbe>()[2].at);
  CHECK(bench.machine.next_timeout() == kNever);
}

TEST_CASE("a probe asks for the address and comes from 0.0.0.0, as libtins sees too [R5227-2.1.1-1]") {
  Bench bench;
  bench.start();
  bench.run(20s);
  for (const Seen& probe : bench.all<SendProbe>()) {
    std::array<std::uint8_t, wire::arp::kSize> bytes{};
    wire::arp::write(bytes, probe.as<SendProbe>()->packet);
    const Tins::ARP arp(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
    CHECK(arp.opcode() == Tins::ARP::REQUEST);
    CHECK(arp.sender_ip_addr().to_string() == "0.0.0.0");
    CHECK(arp.target_ip_addr().to_string() == "192.0.2.7");
    CHECK(arp.sender_hw_addr().to_string() == kOurs.to_string());
    CHECK(arp.target_hw_addr().to_string() == "00:00:00:00:00:00");
  }
}

TEST_CASE("three probes: within a second, then one or two seconds apart, then two of silence [R5227-2.1.1-2]") {
  Duration first_low = 1h, first_high = 0s, gap_low = 1h, gap_high = 0s;
  for (std::uint8_t seed = 0; seed < 200; ++seed) {
    Bench bench(seed);
    const Time begin = bench.now;
    bench.start();
    bench.run(20s);
    const auto probes = bench.all<SendProbe>();
    REQUIRE(probes.size() == 3);
    first_low = std::min(first_low, probes[0].at - begin);
    first_high = std::max(first_high, probes[0].at - begin);
    for (std::size_t i = 1; i < 3; ++i) {
      gap_low = std::min(gap_low, probes[i].at - probes[i - 1].at);
      gap_high = std::max(gap_high, probes[i].at - probes[i - 1].at);
    }
    CHECK(bench.all<Claimed>()[0].at - probes[2].at == 2s);
  }
  CHECK((first_low >= 0s && first_low < 50ms));
  CHECK((first_high > 950ms && first_high <= 1s));
  CHECK((gap_low >= 1s && gap_low < 1050ms));
  CHECK((gap_high > 1950ms && gap_high <= 2s));
}

TEST_CASE("whoever speaks as the probed address has it, by request or reply, until the claim [R5227-2.1.1-3]") {
  for (const Operation operation : {Operation::request, Operation::reply})
    for (const Duration after : {Duration(0), Duration(3s)}) {
      Bench bench;
      bench.start();
      bench.run(after);
      bench.hear(use_of(kWanted, operation));
      REQUIRE(bench.count<Conflict>() == 1);
      CHECK(bench.all<Conflict>()[0].as<Conflict>()->address == kWanted);
      CHECK(bench.all<Conflict>()[0].as<Conflict>()->other == kTheirs);
      CHECK(bench.machine.phase() == AddressConflict::Phase::idle);
      bench.run(1h);
      CHECK(bench.count<Claimed>() == 0);
      CHECK(bench.count<SendAnnouncement>() == 0);
    }
}

TEST_CASE("the silence after the last probe still counts as probing [R5227-2.1.1-3]") {
  Bench bench;
  bench.start();
  while (bench.count<SendProbe>() < 3) bench.run(100ms);
  bench.run(1800ms);
  bench.hear(use_of(kWanted));
  CHECK(bench.count<Conflict>() == 1);
}

TEST_CASE("another host's probe for the address is a conflict too [R5227-2.1.1-4]") {
  Bench bench;
  bench.start();
  bench.hear(foreign_probe(kWanted));
  CHECK(bench.count<Conflict>() == 1);
}

TEST_CASE("what concerns other addresses, or is our own echo, is no conflict") {
  Bench bench;
  bench.start();
  bench.hear(use_of(kOther));
  bench.hear(foreign_probe(kOther));
  wire::arp::Packet question = use_of(kOther, Operation::request);
  question.target = kWanted;  // somebody looks for the address, and has another
  bench.hear(question);
  wire::arp::Packet echo = foreign_probe(kWanted);
  echo.sender_mac = kOurs;
  bench.hear(echo);
  wire::arp::Packet answer = foreign_probe(kWanted);
  answer.operation = Operation::reply;  // a probe is a request
  bench.hear(answer);
  bench.run(20s);
  CHECK(bench.count<Conflict>() == 0);
  CHECK(bench.count<Claimed>() == 1);
  echo.sender = kWanted;
  bench.hear(echo);
  CHECK(bench.count<Conflict>() == 0);
  CHECK(bench.machine.conflicts() == 0);
}

TEST_CASE("after ten conflicts there is one attempt a minute at most [R5227-2.1.1-5]") {
  Bench bench;
  for (int i = 0; i < 10; ++i) {
    bench.start();
    bench.run(1s);
    CHECK(bench.count<SendProbe>() >= 1);
    bench.hear(use_of(kWanted));
    bench.seen.clear();
  }
  CHECK(bench.machine.conflicts() == 10);
  for (int i = 0; i < 3; ++i) {
    bench.start();  // a second after the last attempt
    bench.run(58999ms);
    CHECK(bench.count<SendProbe>() == 0);
    bench.run(1001ms);
    CHECK(bench.count<SendProbe>() == 1);
    bench.hear(use_of(kWanted));
    bench.seen.clear();
  }
}

TEST_CASE("after the claim come two announcements, two seconds apart [R5227-2.3-1]") {
  Bench bench;
  bench.start();
  bench.run(1h);
  const auto announcements = bench.all<SendAnnouncement>();
  REQUIRE(announcements.size() == 2);
  CHECK(announcements[0].at == bench.all<Claimed>()[0].at);
  CHECK(announcements[1].at - announcements[0].at == 2s);
  for (const Seen& announcement : announcements) {
    const wire::arp::Packet& packet = announcement.as<SendAnnouncement>()->packet;
    CHECK(packet.operation == Operation::request);
    CHECK(packet.sender == kWanted);
    CHECK(packet.target == kWanted);
    CHECK(packet.sender_mac == kOurs);
  }
}

TEST_CASE("a host that cedes gives its address up at the first conflict [R5227-2.4-1]") {
  Bench bench;
  bench.hold(Defence::cede);
  bench.hear(use_of(kWanted));
  CHECK(bench.count<Conflict>() == 1);
  CHECK(bench.count<SendAnnouncement>() == 0);
}

TEST_CASE("a host that defends once announces once, and is content if that was all [R5227-2.4-1]") {
  Bench bench;
  bench.hold(Defence::once);
  for (int i = 0; i < 5; ++i) {
    bench.hear(use_of(kWanted));
    CHECK(bench.count<SendAnnouncement>() == static_cast<std::size_t>(i + 1));
    bench.run(10s);
  }
  CHECK(bench.count<Conflict>() == 0);
  CHECK(bench.machine.phase() == AddressConflict::Phase::holding);
}

TEST_CASE("a second conflict within ten seconds ends a defence [R5227-2.4-2]") {
  Bench bench;
  bench.hold(Defence::once);
  bench.hear(use_of(kWanted));
  bench.run(9999ms);
  CHECK(bench.count<Conflict>() == 0);
  bench.hear(use_of(kWanted));
  CHECK(bench.count<SendAnnouncement>() == 1);
  CHECK(bench.count<Conflict>() == 1);
  CHECK(bench.machine.phase() == AddressConflict::Phase::idle);
}

TEST_CASE("a host that never yields still announces only every ten seconds [R5227-2.4-1]") {
  Bench bench;
  bench.hold(Defence::forever);
  for (int i = 0; i < 300; ++i) {
    bench.hear(use_of(kWanted));
    bench.run(100ms);
  }
  CHECK(bench.count<SendAnnouncement>() == 3);
  CHECK(bench.count<Conflict>() == 0);
  CHECK(bench.machine.phase() == AddressConflict::Phase::holding);
}

TEST_CASE("an address that is claimed anew may be defended anew") {
  Bench bench;
  bench.hold(Defence::once);
  bench.hear(use_of(kWanted));
  bench.start();
  while (bench.machine.phase() != AddressConflict::Phase::holding) bench.run(100ms);
  bench.hear(use_of(kWanted));
  CHECK(bench.count<Conflict>() == 0);
}

TEST_CASE("a probe for an address that we hold is a question, not a conflict") {
  Bench bench;
  bench.hold(Defence::cede);
  bench.hear(foreign_probe(kWanted));
  CHECK(bench.seen.empty());
}

TEST_CASE("a stopped machine says and wants nothing") {
  Bench bench;
  bench.start();
  bench.machine.stop();
  CHECK(bench.machine.next_timeout() == kNever);
  bench.hear(use_of(kWanted));
  bench.run(1h);
  CHECK(bench.seen.empty());
}

}  // namespace
}  // namespace sluice::host
