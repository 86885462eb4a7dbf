// Links that do their worst, one kind at a time: a megabyte goes each way at once, and both ends have the same SHA-256.
// Five runs of each in every test run; SLUICE_HOSTILE_SEEDS=200 for more, SLUICE_HOSTILE_FIRST=n to begin with run n.
#include <doctest/doctest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "stack/base/random.hpp"
#include "tests/support/script_wire.hpp"
#include "tests/support/segment_view.hpp"
#include "tests/support/world.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kBytes = 1 << 20;
constexpr Duration kDelay = 5ms;  // one way

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

class Digest {
 public:
  Digest() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }
  void add(Bytes bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }
  std::vector<std::uint8_t> finish() {
    std::vector<std::uint8_t> made(32);
    EVP_DigestFinal_ex(context_.get(), made.data(), nullptr);
    return made;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

// A pattern of the run's own one way; both ends take its digest.
struct Stream {
  Stream(tcp::Socket& sender, tcp::Socket& receiver, std::uint64_t which) : from(sender), to(receiver), seed(which) {}
  void step() {
    write();
    for (MutableBytes piece = to.peek(); !piece.empty(); piece = to.peek()) {
      received += piece.size();
      at_receiver.add(piece);
      to.consume(piece.size());
    }
  }
  void write() {
    while (sent < kBytes && from.writable() > 0) {
      const std::uint64_t size = std::min<std::uint64_t>({kBytes - sent, from.writable(), 65536});
      const std::vector<std::uint8_t> text = pattern(seed, sent, static_cast<std::size_t>(size));
      const std::size_t taken = from.write(text).value_or(0);
      if (taken == 0) return;
      at_sender.add(Bytes(text).first(taken));
      sent += taken;
      if (sent == kBytes) from.finish();
    }
  }

  tcp::Socket& from;
  tcp::Socket& to;
  std::uint64_t seed;
  std::uint64_t sent = 0, received = 0;
  Digest at_sender, at_receiver;
};

struct Hostile {
  Hostile(const WorldSettings& settings, std::uint64_t run)
      : world(settings), lot(run_key(run + 1'000'000), KeyUse::test) {}
  World world;
  Random lot;
  std::uint64_t harm = 0;  ///< packets that the link has meddled with beyond what an Impairment does
};

struct Link {
  std::string name;
  std::function<void(lab::ImpairmentSettings&)> settings = [](lab::ImpairmentSettings&) {};
  std::function<void(Hostile&)> begin = [](Hostile&) {};  ///< once the connection stands
};

WorldSettings settings_for(const Link& link, std::uint64_t run) {
  WorldSettings settings;
  settings.stream = run;
  settings.family = run % 2 == 0 ? Family::ipv4 : Family::ipv6;
  settings.left_tcp.sack = run % 4 != 3;
  settings.left_tcp.timestamps = run % 3 != 2;
  settings.packet_ceiling = 200'000;
  settings.anywhere = true;
  for (lab::ImpairmentSettings* way : {&settings.to_left, &settings.to_right}) {
    way->delay = kDelay;
    link.settings(*way);
  }
  return settings;
}

std::uint64_t accidents(const lab::Impairment& way) {
  using enum lab::ImpairmentCounter;
  std::uint64_t sum = 0;
  for (const lab::ImpairmentCounter one : {lost, queue_full, corrupted, duplicated, reordered})
    sum += way.counters()[one];
  return sum;
}

// The name is printed with the run when anything fails; the World leaves its last packets in a capture.
void move_both_ways(const Link& link, std::uint64_t run) {
  INFO(link.name, ", run ", run, ": SLUICE_HOSTILE_FIRST=", run, " SLUICE_HOSTILE_SEEDS=1");
  Hostile hostile(settings_for(link, run), run);
  World& world = hostile.world;
  tcp::Socket left, right;
  std::tie(left, right) = world.connect();
  Stream up(left, right, 2 * run), down(right, left, 2 * run + 1);
  link.begin(hostile);
  world.on_step = [&] {
    up.step();
    down.step();
  };
  REQUIRE(world.run_until([&] { return left.at_eof() && right.at_eof(); }, 2h));
  REQUIRE(hostile.harm + accidents(world.to_left()) + accidents(world.to_right()) > 0);
  REQUIRE(up.received == kBytes);
  REQUIRE(down.received == kBytes);
  REQUIRE(up.at_sender.finish() == up.at_receiver.finish());
  REQUIRE(down.at_sender.finish() == down.at_receiver.finish());
  world.on_step = nullptr;
  left.close();
  right.close();
  world.run_for(10min);
  REQUIRE(world.memory_used(false) == 0);
  REQUIRE(world.memory_used(true) == 0);
}

void run_all(const Link& link) {
  const std::uint64_t first = number_from("SLUICE_HOSTILE_FIRST", 1);
  const std::uint64_t runs = number_from("SLUICE_HOSTILE_SEEDS", 5);
  for (std::uint64_t run = first; run < first + runs; ++run) move_both_ways(link, run);
}

// A packet that the link changes; it arrives in its time.
void pass_on(Hostile& hostile, bool to_right, std::vector<std::uint8_t> packet, Duration after = kDelay) {
  ++hostile.harm;
  hostile.world.inject(to_right, std::move(packet), after);
}

TEST_CASE("hostile link: one packet in ten is lost [9293 MUST-19]") {
  run_all({"loss", [](lab::ImpairmentSettings& way) { way.loss = 0.1; }});
}

TEST_CASE("hostile link: one packet in four is late [R8985-6.2-6]") {
  run_all({"reorder", [](lab::ImpairmentSettings& way) {
             way.reorder = 0.25;
             way.reorder_by = 4ms;
           }});
}

TEST_CASE("hostile link: one packet in ten comes twice [R9293-3.10.7.4-4]") {
  run_all({"duplicate", [](lab::ImpairmentSettings& way) { way.duplicate = 0.1; }});
}

TEST_CASE("hostile link: of one packet in a hundred a bit is turned over [9293 MUST-2, MUST-3]") {
  run_all({"corrupt", [](lab::ImpairmentSettings& way) { way.corrupt = 0.01; }});
}

TEST_CASE("hostile link: one packet may wait, any more are lost [R5681-3.1-1]") {
  run_all({"one-packet queue", [](lab::ImpairmentSettings& way) {
             way.rate = 1'250'000;
             way.queue_packets = 1;
           }});
}

TEST_CASE("hostile link: one way stands still for three seconds, again and again [R9293-3.10.8-2]") {
  const auto stall = [](Hostile& hostile) {
    const Time begun = hostile.world.now();
    hostile.world.take_packet = [&hostile, begun](bool to_right, Bytes packet) {
      constexpr Duration kPeriod = 5s, kStall = 3s;
      const Duration phase = (hostile.world.now() - begun) % kPeriod;
      if (!to_right || phase >= kStall) return false;
      pass_on(hostile, to_right, {packet.begin(), packet.end()}, kStall - phase + kDelay);
      return true;
    };
  };
  run_all({"stalls", [](lab::ImpairmentSettings& way) { way.rate = 250'000; }, stall});
}

TEST_CASE("hostile link: the path's MTU falls and rises on the way [R1191-3-1, R8201-4-1]") {
  const auto narrow = [](Hostile& hostile) {
    hostile.world.take_packet = [&hostile, seen = 0u](bool to_right, Bytes packet) mutable {
      constexpr std::array<std::size_t, 4> kMtus = {1500, 1400, 1280, 1500};
      const std::size_t mtu = kMtus[seen++ / 150 % kMtus.size()];
      if (packet.size() <= mtu) return false;
      pass_on(hostile, !to_right, too_big(packet, mtu));
      return true;
    };
  };
  run_all({"MTU", [](lab::ImpairmentSettings&) {}, narrow});
}

// Where in a packet a field of the TCP header stands.
MutableBytes tcp_field(std::vector<std::uint8_t>& packet, std::size_t offset, std::size_t size) {
  const std::size_t ip_size = ip::header_size(packet[0] >> 4 == 4 ? Family::ipv4 : Family::ipv6);
  return MutableBytes(packet).subspan(ip_size + offset, size);
}

// Of a bare ACK everything is lost; one that rides on text goes on, and says what the last before it said.
TEST_CASE("hostile link: every second ACK is lost, but not the text that it rides on [R9293-3.10.7.4-18]") {
  const auto lose = [](Hostile& hostile) {
    hostile.world.take_packet = [&hostile, last = std::array<std::uint32_t, 2>{}](bool to_right, Bytes packet) mutable {
      const SegmentView segment = *open_segment(packet);
      const std::uint32_t before = last[to_right];
      if (before == 0 || hostile.lot.below(2) == 0) {
        last[to_right] = segment.header.ack;
        return false;
      }
      if (segment.bare_ack()) return ++hostile.harm, true;
      std::vector<std::uint8_t> changed(packet.begin(), packet.end());
      ByteWriter(tcp_field(changed, 8, 4)).u32(before);
      mend_checksums(changed);
      pass_on(hostile, to_right, std::move(changed));
      return true;
    };
  };
  run_all({"ACK loss", [](lab::ImpairmentSettings&) {}, lose});
}

TEST_CASE("hostile link: windows shrink under what is on its way [9293 MUST-34, SHLD-16, SHLD-17]") {
  const auto shrink = [](Hostile& hostile) {
    hostile.world.take_packet = [&hostile, seen = 0u](bool to_right, Bytes packet) mutable {
      const unsigned phase = seen++ % 100;
      const std::uint16_t offer = phase < 40 ? 65535 : phase < 60 ? 400 : phase < 93 ? 65535 : phase < 96 ? 0 : 60;
      if (open_segment(packet)->header.window <= offer) return false;
      std::vector<std::uint8_t> changed(packet.begin(), packet.end());
      ByteWriter(tcp_field(changed, 14, 2)).u16(offer);
      mend_checksums(changed);
      pass_on(hostile, to_right, std::move(changed));
      return true;
    };
  };
  run_all({"window", [](lab::ImpairmentSettings&) {}, shrink});
}

// --- a peer that never reads -------------------------------------------------------------------------------------

// Writes all that is taken.
void pour(tcp::Socket& socket) {
  static const std::vector<std::uint8_t> kText(65536, 'x');
  while (socket.write(kText).value_or(0) > 0) {
  }
}

TEST_CASE("a peer that never reads is held: bounded, charged, and probed for as long as it answers [9293 MUST-37]") {
  World world;
  auto [left, right] = world.connect();
  world.on_step = [&, &writer = left] { pour(writer); };
  world.run_for(6h);
  CHECK(left.error() == Errc::none);
  CHECK(left.info()->send_window == 0);
  CHECK(world.right().memory().used() >= right.readable());
  CHECK(world.right().memory().used() <= 2 * right.info()->receive_buffer);
  const std::size_t buffered = left.info()->unsent + left.info()->unacked;
  CHECK(world.left().memory().used() >= buffered);
  CHECK(world.left().memory().used() <= 2 * left.info()->send_buffer);
  CHECK(world.left().tcp().counters()[tcp::Counter::window_probes] >= 6 * 3600 / 120);
  CHECK(world.packets() < 2000);
}

TEST_CASE("a peer that never reads is aborted by the user timeout, and all memory comes back [A-TCP-24]") {
  World world;
  auto [left, right] = world.connect(80, {.options = {.user_timeout = 60s}});
  world.on_step = [&, &writer = left] { pour(writer); };
  REQUIRE(world.run_until([&, &writer = left] { return writer.error() != Errc::none; }, 10min));
  world.on_step = nullptr;
  CHECK(left.error() == Errc::timed_out);
  world.run_for(1s);
  CHECK(right.error() == Errc::connection_reset);
  left.close();
  right.close();
  CHECK(world.left().memory().used() == 0);
  CHECK(world.right().memory().used() == 0);
}

TEST_CASE("peers that never read can't take more than the memory there is, and the rest go on [A-TCP-23, A-TCP-24]") {
  constexpr std::size_t kMemory = 2 << 20;
  World world({.memory_limit = kMemory});
  std::vector<std::pair<tcp::Socket, tcp::Socket>> held;
  const tcp::OpenOptions open{.options = {.send_buffer = kMemory, .user_timeout = 120s}};
  for (std::uint16_t port = 1; port <= 20; ++port) {
    held.push_back(world.connect(port, open));
    pour(held.back().first);
    world.run_for(1s);
    CHECK(world.left().memory().used() <= kMemory);
    CHECK(world.right().memory().used() <= kMemory);
  }
  world.run_for(10min);
  // The first took all there was, and was the first to go; who came later holds little or nothing.
  CHECK(held.front().first.error() == Errc::connection_aborted);
  CHECK(world.left().tcp().counters()[tcp::Counter::stalled_dropped] >= 1);
  for (auto& [writer, reader] : held)
    CHECK((writer.error() != Errc::none || writer.info()->unsent + writer.info()->unacked == 0));
  held.clear();
  CHECK(world.left().memory().used() == 0);
  auto [left, right] = world.connect(99);
  Transfer transfer(left, right, 300'000);
  world.on_step = [&] { transfer.step(); };
  CHECK(world.run_until([&] { return transfer.done(); }));
}

}  // namespace
}  // namespace sluice::test
