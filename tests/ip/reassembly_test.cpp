// Fragments of both families: put together, or dropped for a reason with a name.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "tests/ip/host.hpp"

namespace sluice::ip {
namespace {

const Octets kWhole = pattern(4000);

/// `whole` in pieces of `size`, in order.
std::vector<Octets> pieces(bool v4, const Octets& whole, std::size_t size, std::uint32_t id = 1) {
  std::vector<Octets> fragments;
  for (std::size_t at = 0; at < whole.size(); at += size) {
    const FragmentSpec spec{at, std::min(size, whole.size() - at), at + size < whole.size(), id};
    fragments.push_back(v4 ? fragment4(whole, spec) : fragment6(whole, spec));
  }
  return fragments;
}

/// Feeds them all; the last datagram that came out.
Datagram feed(Host& host, const std::vector<Octets>& fragments) {
  Datagram result;
  for (const Octets& fragment : fragments) {
    Datagram datagram = host.datagram(fragment);
    if (!datagram.packet.empty()) result = std::move(datagram);
  }
  return result;
}

TEST_CASE("fragments in any order become their datagram, in both families [R1122-3.2.1.4-1], [R8200-5-2], [R815-3-1]") {
  std::mt19937 random(1);
  for (const bool v4 : {true, false})
    for (int round = 0; round < 50; ++round) {
      Host host;
      std::vector<Octets> fragments = pieces(v4, kWhole, 8 * (1 + random() % 100) + 16);
      std::shuffle(fragments.begin(), fragments.end(), random);
      const Datagram datagram = feed(host, fragments);
      REQUIRE(octets(datagram.payload()) == kWhole);
      REQUIRE(datagram.protocol == Protocol::udp);
      REQUIRE(datagram.header_size == (v4 ? 20 : 40));
      REQUIRE(host.budget.used() == 0);
      REQUIRE(host.layer.next_timeout() == kNever);
    }
}

TEST_CASE("a reassembled packet has a header as if it had never been cut") {
  Host host;
  const Datagram four = feed(host, pieces(true, kWhole, 1480));
  const Tins::IP ip(four.packet.bytes().data(), static_cast<std::uint32_t>(four.packet.size()));
  CHECK(ip.tot_len() == 4020);
  CHECK(ip.flags() == 0);
  CHECK(ip.fragment_offset() == 0);
  CHECK(internet_checksum(four.packet.bytes().first(20)) == 0);
  const Datagram six = feed(host, pieces(false, kWhole, 1440));
  const Tins::IPv6 ip6(six.packet.bytes().data(), static_cast<std::uint32_t>(six.packet.size()));
  CHECK(ip6.payload_length() == 4000);
  CHECK(six.packet.bytes()[6] == 17);
}

TEST_CASE("libtins's reassembly agrees with ours") {
  std::mt19937 random(2);
  std::vector<Octets> fragments = pieces(true, kWhole, 600);
  std::shuffle(fragments.begin(), fragments.end(), random);
  Tins::IPv4Reassembler reassembler;
  Octets theirs;
  for (const Octets& fragment : fragments) {
    Tins::IP ip(fragment.data(), static_cast<std::uint32_t>(fragment.size()));
    if (reassembler.process(ip) == Tins::IPv4Reassembler::REASSEMBLED) theirs = ip.rfind_pdu<Tins::IP>().serialize();
  }
  Host host;
  const Datagram ours = feed(host, fragments);
  CHECK(octets(Bytes(theirs).subspan(28)) == octets(ours.payload().subspan(8)));
}

TEST_CASE("IPv6 headers before the fragment header stay with the packet, the chain behind it is walked") {
  const Octets padding = {44, 0, 1, 4, 0, 0, 0, 0};
  const Octets behind = Octets{17, 0, 1, 4, 0, 0, 0, 0} + pattern(100);
  Host host;
  CHECK(host.is_dropped(packet6(0, padding + fragment_header(60, {0, 0, true, 1}) + octets(Bytes(behind).first(64)))));
  const Datagram datagram =
      host.datagram(packet6(0, padding + fragment_header(60, {64, 0, false, 1}) + octets(Bytes(behind).subspan(64))));
  CHECK(datagram.header_size == 56);
  CHECK(octets(datagram.payload()) == pattern(100));
}

TEST_CASE("IPv4 options of the first fragment stay with the datagram [R791-3.2-5]") {
  Host host;
  Octets first = packet4(17, Octets{1, 1, 1, 0} + octets(Bytes(kWhole).first(1480)));
  first[0] = 0x46;
  first = patched(patched(first, 6, 0x20), 5, 1);
  CHECK(host.is_dropped(first));
  const Datagram datagram = host.datagram(fragment4(kWhole, {1480, 2520, false, 1}));
  CHECK(datagram.header_size == 24);
  CHECK(octets(datagram.payload()) == kWhole);
}

TEST_CASE("source, destination, protocol and identification tell datagrams apart [R791-3.2-1], [R4963-1], [A-PRS-26]") {
  Host host;
  const Octets first = fragment4(kWhole, {0, 2000, true, 1});
  const Octets second = fragment4(kWhole, {2000, 2000, false, 1});
  CHECK(host.is_dropped(first));
  Octets other_source = second;
  other_source[15] = 9;
  CHECK(host.is_dropped(patched(other_source, 8, 64)));
  CHECK(host.is_dropped(fragment4(kWhole, {2000, 2000, false, 2})));
  CHECK(host.is_dropped(fragment4(kWhole, {2000, 2000, false, 1}, 6)));
  CHECK(octets(host.datagram(second).payload()) == kWhole);
}

TEST_CASE("an exact duplicate is ignored [R8200-4.5-2]") {
  for (const bool v4 : {true, false}) {
    Host host;
    std::vector<Octets> fragments = pieces(v4, kWhole, 800);
    CHECK(host.is_dropped(fragments[0]));
    CHECK(host.is_dropped(fragments[0]));
    CHECK(host.is_dropped(fragments.back()));
    CHECK(host.is_dropped(fragments.back()));
    CHECK(host.count(Counter::drop_fragment_duplicate) == 2);
    fragments.erase(fragments.begin());
    fragments.pop_back();
    CHECK(octets(feed(host, fragments).payload()) == kWhole);
  }
}

TEST_CASE(
    "an overlap condemns the datagram and what comes later [R5722-4-2], [R815-3-2], [R815-6-1], [A-PRS-10], "
    "[A-PRS-11]") {
  struct Case {
    const char* what;
    FragmentSpec held, bad;
  };
  for (const Case& given :
       {Case{"into the next", {800, 800, true, 1}, {0, 808, true, 1}},
        Case{"into the previous", {0, 800, true, 1}, {792, 800, true, 1}},
        Case{"inside", {0, 800, true, 1}, {80, 80, true, 1}}, Case{"around", {80, 80, true, 1}, {0, 800, true, 1}},
        Case{"the same place, shorter", {0, 800, true, 1}, {0, 400, true, 1}},
        Case{"the same place, now the last", {80, 800, true, 1}, {80, 800, false, 1}},
        Case{"behind the end", {800, 800, false, 1}, {1600, 80, true, 1}},
        Case{"the end inside", {1600, 800, true, 1}, {80, 80, false, 1}},
        Case{"a second end", {800, 800, false, 1}, {1600, 80, false, 1}}})
    for (const bool v4 : {true, false}) {
      CAPTURE(given.what);
      const auto fragment = [&](const FragmentSpec& spec) {
        return v4 ? fragment4(kWhole, spec) : fragment6(kWhole, spec);
      };
      Host host;
      CHECK(host.is_dropped(fragment(given.held)));
      CHECK(host.is_dropped(fragment(given.bad)));
      CHECK(host.count(Counter::drop_fragment_overlap) == 1);
      CHECK(feed(host, pieces(v4, kWhole, 800)).packet.empty());
      CHECK(host.count(Counter::datagrams_reassembled) == 0);
      CHECK(host.count(Counter::drop_fragment_overlap) == 6);
      host.wait(std::chrono::seconds(31));
      CHECK(host.out().empty());  // [R8200-4.5-2]: silently
      CHECK(host.budget.used() == 0);
      CHECK(octets(feed(host, pieces(v4, kWhole, 800)).payload()) == kWhole);
    }
}

TEST_CASE("the same place with other bytes is an overlap, not a duplicate") {
  Host host;
  CHECK(host.is_dropped(fragment4(kWhole, {0, 800, true, 1})));
  Octets other = fragment4(kWhole, {0, 800, true, 1});
  other[500] ^= 1;
  CHECK(host.is_dropped(other));
  CHECK(host.count(Counter::drop_fragment_overlap) == 1);
}

TEST_CASE("a fragment that isn't the last has a multiple of 8 bytes [R791-3.2-2], [R8200-4.5-5], [A-PRS-22]") {
  Host host;
  CHECK(host.is_dropped(fragment4(kWhole, {0, 796, true, 1})));
  CHECK(host.out().empty());
  CHECK(host.is_dropped(fragment6(kWhole, {0, 796, true, 1})));
  CHECK(host.count(Counter::drop_fragment_malformed) == 2);
  const auto out = host.out();
  REQUIRE(out.size() == 1);
  CHECK(out[0][40] == 4);
  CHECK(out[0][41] == 0);
  CHECK(out[0][47] == 4);
}

TEST_CASE("a fragment without text is malformed") {
  Host host;
  CHECK(host.is_dropped(fragment4(kWhole, {80, 0, true, 1})));
  CHECK(host.is_dropped(fragment4(kWhole, {80, 0, false, 1})));
  CHECK(host.is_dropped(fragment6(kWhole, {80, 0, true, 1})));
  CHECK(host.count(Counter::drop_fragment_malformed) == 3);
  CHECK(host.budget.used() == 0);
}

TEST_CASE("a datagram never grows past 65535 bytes [R791-3.2-3], [R8200-4.5-6], [A-PRS-09]") {
  Host host;
  Octets whole(70000);
  CHECK(host.is_dropped(fragment4(whole, {65528, 8, false, 1})));
  CHECK(host.is_dropped(fragment4(whole, {65512, 8, false, 1})));
  CHECK(host.is_dropped(fragment6(whole, {65528, 8, false, 1})));
  CHECK(host.count(Counter::drop_fragment_too_long) == 3);
  const auto out = host.out();
  REQUIRE(out.size() == 1);
  CHECK(out[0][41] == 0);
  CHECK(out[0][47] == 42);
}

TEST_CASE("the largest datagrams of both families are put together [R791-3.2-6], [R8200-5-1]") {
  Host host;
  const Octets four = pattern(65515);
  CHECK(octets(feed(host, pieces(true, four, 1480)).payload()) == four);
  const Octets six = pattern(65535);
  CHECK(octets(feed(host, pieces(false, six, 1440)).payload()) == six);
}

TEST_CASE("a long header on the first fragment cannot push the whole past 65535") {
  Host host;
  const Octets whole(65512);
  for (const Octets& fragment : pieces(true, whole, 1480))
    if ((fragment[6] & 0x1f) || fragment[7]) host.in(fragment);
  Octets first = packet4(17, Octets{1, 1, 1, 0} + Octets(1480));
  first[0] = 0x46;
  CHECK(host.is_dropped(patched(patched(first, 6, 0x20), 5, 1)));
  CHECK(host.count(Counter::drop_fragment_too_long) == 1);
  CHECK(host.budget.used() == 0);
}

TEST_CASE(
    "a first fragment without the whole TCP header is dropped, and so is one that rewrites it [R1858-3-1], "
    "[A-PRS-12]") {
  Octets tcp(200);
  tcp[12] = 0x80;  // a header of 32 bytes
  Host host;
  CHECK(host.is_dropped(fragment4(tcp, {0, 16, true, 1}, 6)));
  CHECK(host.is_dropped(fragment4(tcp, {0, 24, true, 2}, 6)));
  CHECK(host.is_dropped(fragment4(tcp, {8, 32, true, 3}, 6)));
  CHECK(host.count(Counter::drop_fragment_tiny) == 3);
  CHECK(host.is_dropped(fragment4(tcp, {0, 32, true, 4}, 6)));
  CHECK(host.datagram(fragment4(tcp, {32, 168, false, 4}, 6)).payload().size() == 200);
}

TEST_CASE("an IPv6 first fragment must hold the whole header chain [R7112-5-1], [R8200-4.5-7]") {
  Host host;
  Octets tcp(200);
  tcp[12] = 0x50;
  CHECK(host.is_dropped(fragment6(tcp, {0, 16, true, 1}, 6)));
  const Octets long_options = {17, 2, 1, 20, 0, 0, 0, 0};
  CHECK(host.is_dropped(packet6(44, fragment_header(60, {0, 0, true, 2}) + long_options)));
  CHECK(host.count(Counter::drop_fragment_tiny) == 2);
  const auto out = host.out();
  REQUIRE(out.size() == 2);
  for (const Octets& reply : out) {
    CHECK(reply[40] == 4);
    CHECK(reply[41] == 3);
  }
}

TEST_CASE("a bad option behind the fragment header is judged when the packet is whole") {
  Host host;
  const Octets whole = Octets{17, 0, 0x85, 4, 0, 0, 0, 0} + pattern(100);
  CHECK(host.is_dropped(packet6(44, fragment_header(60, {0, 0, true, 1}) + octets(Bytes(whole).first(64)))));
  CHECK(host.count(Counter::drop_option_unknown) == 0);
  CHECK(host.is_dropped(packet6(44, fragment_header(60, {64, 0, false, 1}) + octets(Bytes(whole).subspan(64)))));
  CHECK(host.count(Counter::drop_option_unknown) == 1);
}

TEST_CASE("a fragment inside a reassembled packet is nobody's [A-PRS-15]") {
  Host host;
  const Octets inner = fragment_header(17, {0, 0, true, 9}) + pattern(100);
  CHECK(host.is_dropped(packet6(44, fragment_header(200, {0, 0, true, 1}) + octets(Bytes(inner).first(64)))));
  Octets first = packet6(44, fragment_header(44, {0, 0, true, 2}) + octets(Bytes(inner).first(64)));
  CHECK(host.is_dropped(first));
  CHECK(host.count(Counter::drop_fragment_tiny) == 1);
}

TEST_CASE("an atomic fragment is a packet of its own beside queued ones [R6946-4-1], [R6946-4-2]") {
  Host host;
  CHECK(host.is_dropped(fragment6(kWhole, {0, 2000, true, 1})));
  const Datagram atomic = host.datagram(fragment6(kWhole, {0, 100, false, 1}));
  CHECK(atomic.payload().size() == 100);
  CHECK(octets(host.datagram(fragment6(kWhole, {2000, 2000, false, 1})).payload()) == kWhole);
}

TEST_CASE(
    "an unfinished datagram is given up in time; its sender is told if the first fragment came [R1122-3.3.2-2], "
    "[R1122-3.3.2-3], [R8200-4.5-3], [R8200-4.5-4]") {
  for (const bool v4 : {true, false}) {
    Host host;
    const Octets first = v4 ? fragment4(kWhole, {0, 800, true, 1}) : fragment6(kWhole, {0, 800, true, 1});
    CHECK(host.is_dropped(first));
    CHECK(host.layer.next_timeout() == host.now + std::chrono::seconds(30));
    host.wait(std::chrono::seconds(30) - Duration(1));
    CHECK(host.out().empty());
    host.wait(Duration(1));
    CHECK(host.count(Counter::drop_reassembly_timeout) == 1);
    CHECK(host.budget.used() == 0);
    const auto out = host.out();
    REQUIRE(out.size() == 1);
    const std::size_t at = v4 ? 20 : 40;
    CHECK(out[0][at] == (v4 ? 11 : 3));
    CHECK(out[0][at + 1] == 1);
    const Octets quote = octets(Bytes(out[0]).subspan(at + 8));
    CHECK(quote == octets(Bytes(first).first(quote.size())));
    CHECK(host.layer.next_timeout() == kNever);
  }
}

TEST_CASE("without the first fragment a timeout is silent") {
  Host host;
  CHECK(host.is_dropped(fragment4(kWhole, {800, 800, true, 1})));
  CHECK(host.is_dropped(fragment6(kWhole, {800, 800, true, 1})));
  host.wait(std::chrono::seconds(31));
  CHECK(host.count(Counter::drop_reassembly_timeout) == 2);
  CHECK(host.out().empty());
}

TEST_CASE("the oldest datagram goes when memory is full, and memory stays under its limit [A-TCP-28]") {
  Config config = test_config();
  config.reassembly_limit = 64 * 1024;
  Host host(config);
  for (std::uint32_t id = 1; id <= 200; ++id) {
    host.in(fragment6(kWhole, {0, 1200, true, id}));
    host.now += std::chrono::milliseconds(1);
    REQUIRE(host.budget.used() <= 64 * 1024);
  }
  CHECK(host.count(Counter::drop_reassembly_evicted) > 100);
  CHECK(host.out().empty());
  // The newest survived, the oldest did not.
  CHECK(host.datagram(fragment6(kWhole, {1200, 2800, false, 200})).payload().size() == 4000);
  CHECK(host.is_dropped(fragment6(kWhole, {1200, 2800, false, 1})));
}

TEST_CASE("a datagram that is too big for the memory alone is dropped") {
  Config config = test_config();
  config.reassembly_limit = 8 * 1024;
  Host host(config);
  for (const Octets& fragment : pieces(true, Octets(20000), 1480)) CHECK(host.is_dropped(fragment));
  CHECK(host.count(Counter::drop_fragment_limit) > 0);
  CHECK(host.budget.used() <= 8 * 1024);
}

TEST_CASE("no memory at all means no reassembly, and nothing worse") {
  Host host(test_config(), 100);
  CHECK(host.is_dropped(fragment4(kWhole, {0, 800, true, 1})));
  CHECK(host.count(Counter::drop_fragment_limit) == 1);
  CHECK(host.budget.used() == 0);
}

TEST_CASE("the number of unfinished datagrams has a limit [A-TCP-28]") {
  Config config = test_config();
  config.reassembly_limit = 64u << 20;
  Host host(config);
  for (std::uint32_t id = 1; id <= 1100; ++id) host.in(fragment6(kWhole, {8, 8, true, id}));
  CHECK(host.count(Counter::drop_reassembly_evicted) == 1100 - 1024);
}

TEST_CASE("the number of pieces of one datagram has a limit [A-TCP-28]") {
  Host host;
  const Octets whole(65000);
  for (std::size_t i = 0; i < 600; ++i) host.in(fragment4(whole, {8 + 16 * i, 8, true, 1}));
  CHECK(host.count(Counter::drop_fragment_limit) == 1);
  CHECK(host.budget.used() < 1024);
}

TEST_CASE("a small fragment pins little memory, a large one is not copied") {
  Host host;
  host.in(fragment6(kWhole, {8, 8, true, 1}));
  CHECK(host.budget.used() < 1024);
  CHECK(host.pool.in_use() == 0);
  host.in(fragment6(kWhole, {80, 1200, true, 1}));
  CHECK(host.pool.in_use() == 1);
}

Octets marked(Octets packet, unsigned ecn) {
  if (packet[0] >> 4 == 4) return patched(packet, 1, static_cast<std::uint8_t>(ecn));
  packet[1] = static_cast<std::uint8_t>(ecn << 4);
  return packet;
}

TEST_CASE(
    "congestion met by one fragment is congestion met by the datagram, unless it was not capable "
    "[R3168-5.3-1, R3168-5.3-2]") {
  for (const bool v4 : {true, false}) {
    Host host;
    std::vector<Octets> fragments = pieces(v4, kWhole, 2000);
    CHECK(host.is_dropped(marked(fragments[0], 2)));
    CHECK(host.datagram(marked(fragments[1], 3)).ecn == Ecn::ce);
    fragments = pieces(v4, kWhole, 2000, 2);
    CHECK(host.is_dropped(marked(fragments[0], 0)));
    CHECK(host.is_dropped(marked(fragments[1], 3)));
    CHECK(host.count(Counter::drop_fragment_ecn) == 1);
    fragments = pieces(v4, kWhole, 2000, 3);
    CHECK(host.is_dropped(marked(fragments[0], 2)));
    CHECK(host.datagram(marked(fragments[1], 2)).ecn == Ecn::ect0);
  }
}

TEST_CASE("random fragments of random datagrams never exceed the limits and always expire [A-PRS-10], [A-PRS-11]") {
  std::mt19937 random(3);
  Config config = test_config();
  config.reassembly_limit = 100'000;
  Host host(config);
  const Octets whole = pattern(70000);
  for (int step = 0; step < 20000; ++step) {
    // Mostly pieces of 400 bytes, now and then any piece at all.
    const bool wild = random() % 20 == 0;
    const std::size_t offset = wild ? random() % 200 * 8 : random() % 5 * 400;
    const FragmentSpec spec{offset, wild ? random() % 1000 : 400, wild ? random() % 2 == 0 : offset < 1600,
                            static_cast<std::uint32_t>(random() % 50)};
    host.in(random() % 2 ? fragment4(whole, spec) : fragment6(whole, spec));
    if (random() % 50 == 0) host.wait(std::chrono::milliseconds(random() % 2000));
    REQUIRE(host.budget.used() <= 100'000);
  }
  host.wait(std::chrono::seconds(31));
  CHECK(host.budget.used() == 0);
  CHECK(host.count(Counter::datagrams_reassembled) > 0);
}

TEST_CASE("a layer that dies with fragments gives their memory back") {
  Budget budget(1u << 20);
  Outbox outbox;
  BufferPool pool;
  {
    Layer layer(test_config(), Key{}, outbox, budget, {});
    (void)layer.receive(Packet::copy_of(pool, fragment4(kWhole, {0, 800, true, 1})), Time{});
    CHECK(budget.used() > 0);
  }
  CHECK(budget.used() == 0);
}

}  // namespace
}  // namespace sluice::ip
