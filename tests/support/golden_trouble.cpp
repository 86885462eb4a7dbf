// The runs behind these captures; see golden_trouble.hpp.
#include "tests/support/golden_trouble.hpp"

#include "tests/support/golden_runs.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using File = std::vector<std::uint8_t>;

constexpr std::size_t kFull = 1448;  ///< text of a full segment

/// Both ends have these options; a bulk of some segments follows.
struct Exchange {
  Exchange(const RecordedLink& link, const tcp::Options& left, const tcp::Options& right, std::uint64_t size)
      : recording(link) {
    World& world = recording.world();
    std::tie(client, server) = world.connect(80, {.options = left}, {.options = right});
    Transfer transfer(client, server, size);
    transfer.finish_when_sent = true;
    world.on_step = [&] {
      transfer.step();
      if (server.at_eof()) server.finish();
      drain(client);
    };
    world.run_for(5s);
    REQUIRE(transfer.done());
    world.on_step = nullptr;
  }
  Recording recording;
  tcp::Socket client;
  tcp::Socket server;
};

tcp::Options with_ecn(tcp::EcnPolicy policy, bool accurate) {
  tcp::Options options = kFixedBuffers;
  options.ecn = policy;
  options.accurate_ecn = accurate;
  return options;
}

Exchange ecn(bool accurate) {
  return {{.marked_to_right = {6, 17}},
          with_ecn(tcp::EcnPolicy::active, accurate),
          with_ecn(tcp::EcnPolicy::passive, accurate),
          24 * kFull};
}

}  // namespace

/// The first SYN, and the first answer to the second.
File record_handshake_loss() {
  Recording recording({.lost_to_right = {1}, .lost_to_left = {1}});
  World& world = recording.world();
  auto listener = world.right().listen({world.right_address(), 80}, {.options = kFixedBuffers});
  auto opened = world.left().connect({world.right_address(), 80}, {.options = kFixedBuffers});
  REQUIRE((listener && opened));
  world.run_for(10s);
  CHECK(opened->state() == tcp::State::established);
  return recording.taken_at_left();
}

/// The client's FIN, and the answer to its repetition.
File record_close_loss() {
  RecordedTalk talk({.lost_to_right = {4}, .lost_to_left = {3}});
  say(talk.client, "the last word");
  talk.run(100ms);
  talk.then = [&] {
    if (talk.server.at_eof()) talk.server.finish();
  };
  talk.client.finish();
  talk.run(5s);
  return talk.recording.taken_at_left();
}

/// Nothing behind the lost segment tells of it: a probe does (RFC 8985 7).
File record_loss_tail() { return RecordedBulk(5 * kFull, {.lost_to_right = {7}}).recording.taken_at_left(); }

/// Overtaken by two, and not for long enough to count as lost (RFC 8985 6.2).
File record_reordering() { return RecordedBulk(20 * kFull, {.held_to_right = {10}}).recording.taken_at_left(); }

/// Overtaken by so many that it is sent again; D-SACK says that this was for nothing.
File record_spurious() {
  return RecordedBulk(20 * kFull, {.held_to_right = {6}, .hold = 14ms}).recording.taken_at_left();
}

/// A whole flight and the probe behind it are late: the timer runs out, and then the ACKs of the first transmission
/// come.
File record_spurious_timeout() {
  return RecordedBulk(14 * kFull, {.held_to_right = {3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}, .hold = 250ms})
      .recording.taken_at_left();
}

File record_duplicates() { return RecordedBulk(8 * kFull, {.copied_to_right = {4, 6}}).recording.taken_at_right(); }

File record_ecn() { return ecn(false).recording.taken_at_left(); }
File record_ecn_receiver() { return ecn(false).recording.taken_at_right(); }
File record_ecn_accurate() { return ecn(true).recording.taken_at_left(); }

/// The server has room for 8 KiB and reads nothing for three seconds.
File record_zero_window() {
  Recording recording;
  World& world = recording.world();
  const tcp::Options small{.send_buffer = 256 * 1024, .receive_buffer = 8192};
  auto [client, server] = world.connect(80, {.options = kFixedBuffers}, {.options = small});
  const std::vector<std::uint8_t> text = pattern(7, 0, 20000);
  REQUIRE(client.write(text).value_or(0) == text.size());
  world.run_for(3s);
  std::size_t heard = 0;
  world.on_step = [&, &server = server] {
    for (MutableBytes run = server.peek(); !run.empty(); run = server.peek()) {
      heard += run.size();
      server.consume(run.size());
    }
  };
  world.run_for(3s);
  world.on_step = nullptr;
  CHECK(heard == text.size());
  return recording.taken_at_left();
}

/// Small writes 2 ms apart: those behind the first wait for its ACK, together.
File record_nagle() {
  RecordedTalk talk;
  talk.say_often(talk.client, "few bytes ", 30, 2ms);
  return talk.recording.taken_at_left();
}

File record_bulk_ipv6() { return RecordedBulk(20000, {}, {.family = Family::ipv6}).recording.taken_at_left(); }

File record_bulk_no_options() {
  WorldSettings settings;
  settings.left_tcp.sack = settings.left_tcp.timestamps = settings.left_tcp.window_scaling = false;
  return RecordedBulk(20000, {}, settings).recording.taken_at_left();
}

File record_bulk_small_segments() { return RecordedBulk(8000, {}, {.mtu = 576}).recording.taken_at_left(); }

File record_both_ways() {
  Recording recording;
  World& world = recording.world();
  auto [client, server] = world.connect(80, {.options = kFixedBuffers}, {.options = kFixedBuffers});
  Transfer there(client, server, 10000, 7), back(server, client, 10000, 8);
  there.finish_when_sent = back.finish_when_sent = true;
  world.on_step = [&] {
    there.step();
    back.step();
  };
  world.run_for(5s);
  world.on_step = nullptr;
  CHECK((there.done() && back.done()));
  return recording.taken_at_left();
}

/// Ten datagrams at once, each echoed.
File record_udp_burst() {
  Recording recording;
  World& world = recording.world();
  const IpAddress left = World::left_address(Family::ipv4), right = World::right_address(Family::ipv4);
  auto server = world.right().bind_udp({right, 7});
  auto client = world.left().bind_udp({left, 40007});
  REQUIRE((server && client));
  std::size_t echoed = 0;
  world.on_step = [&] {
    udp::Received one;
    while (server->receive(std::span(&one, 1)).value_or(0) == 1) REQUIRE(server->send_to(one.from, one.data.bytes()));
    while (client->receive(std::span(&one, 1)).value_or(0) == 1) ++echoed;
  };
  for (std::size_t i = 0; i < 10; ++i) REQUIRE(client->send_to({right, 7}, pattern(i, 0, 100 + 10 * i)));
  world.run_for(2s);
  world.on_step = nullptr;
  CHECK(echoed == 10);
  return recording.taken_at_left();
}

}  // namespace sluice::test
