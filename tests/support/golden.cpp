// The runs behind the golden captures; see golden.hpp.
#include "tests/support/golden.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <tuple>

#include "lab/exchange.hpp"
#include "stack/wire/ipv4.hpp"
#include "tests/support/fixed_buffers.hpp"
#include "tests/support/golden_runs.hpp"
#include "tests/support/golden_trouble.hpp"
#include "tests/support/golden_websocket.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using File = std::vector<std::uint8_t>;

File handshake(Family family) {
  RecordedTalk talk({}, {.family = family});
  talk.run();
  return talk.recording.taken_at_left();
}
File handshake_v4() { return handshake(Family::ipv4); }
File handshake_v6() { return handshake(Family::ipv6); }

File handshake_simultaneous() {
  Recording recording;
  World& world = recording.world();
  const Endpoint left{world.left_address(), 4000}, right{world.right_address(), 4001};
  auto first = world.left().connect(right, {.local = left, .options = kFixedBuffers});
  auto second = world.right().connect(left, {.local = right, .options = kFixedBuffers});
  REQUIRE((first && second));
  world.run_for(2s);
  CHECK(first->state() == tcp::State::established);
  CHECK(second->state() == tcp::State::established);
  return recording.taken_at_left();
}

constexpr std::uint64_t kBulk = 56000, kLossyBulk = 40000;

File bulk() { return RecordedBulk(kBulk, {}).recording.taken_at_left(); }

// The third and fourth segment of text, the first of them once more when it is sent again, and one in the next flight.
const RecordedLink kLossyLink{.lost_to_right = {5, 6, 13, 16}};
File loss_sender() { return RecordedBulk(kLossyBulk, kLossyLink).recording.taken_at_left(); }
File loss_receiver() { return RecordedBulk(kLossyBulk, kLossyLink).recording.taken_at_right(); }

WorldSettings without_sack() {
  WorldSettings settings;
  settings.left_tcp.sack = settings.left_tcp.timestamps = false;
  return settings;
}
const RecordedLink kNewRenoLink{.lost_to_right = {8, 10}};
File loss_newreno_sender() { return RecordedBulk(kLossyBulk, kNewRenoLink, without_sack()).recording.taken_at_left(); }

/// A message and its first two repetitions are lost.
File loss_timeout_sender() {
  RecordedTalk talk({.lost_to_right = {4, 5, 6}});
  say(talk.client, "first");
  talk.run(100ms);
  say(talk.client, "second, lost three times");
  talk.run(5s);
  return talk.recording.taken_at_left();
}

/// Twenty small messages: more than are acknowledged at once.
File delayed_ack() {
  RecordedTalk talk;
  talk.say_often(talk.server, "tick", 20, 100ms);
  return talk.recording.taken_at_left();
}

File close_active() {
  RecordedTalk talk;
  say(talk.client, "a question");
  talk.then = [&] {
    if (talk.server.at_eof()) talk.server.close();
  };
  talk.run(100ms);
  talk.client.close();
  talk.run();
  return talk.recording.taken_at_left();
}

File close_passive() {
  RecordedTalk talk;
  talk.then = [&] {
    if (talk.client.at_eof()) talk.client.close();
  };
  say(talk.server, "a greeting");
  talk.run(100ms);
  talk.server.close();
  talk.run();
  return talk.recording.taken_at_left();
}

File close_simultaneous() {
  RecordedTalk talk;
  say(talk.client, "the last word");
  talk.run(100ms);
  talk.client.finish();
  talk.server.finish();
  talk.run();
  return talk.recording.taken_at_left();
}

File close_half() {
  RecordedTalk talk;
  say(talk.client, "all I have");
  talk.client.finish();
  talk.run(100ms);
  for (int i = 0; i < 5; ++i) {
    say(talk.server, std::string(400, 'x'));
    talk.run(25ms);
  }
  talk.server.finish();
  talk.run();
  return talk.recording.taken_at_left();
}

File close_abort() {
  RecordedTalk talk;
  say(talk.client, "never mind");
  talk.run(100ms);
  talk.client.abort();
  talk.run();
  return talk.recording.taken_at_left();
}

/// Who closed reads no more: later text is answered with a RST.
File close_late_text() {
  RecordedTalk talk;
  talk.client.close();
  talk.run(100ms);
  say(talk.server, "too late");
  talk.run();
  return talk.recording.taken_at_left();
}

File refused() {
  Recording recording;
  World& world = recording.world();
  auto opened = world.left().connect({world.right_address(), 81}, {.options = kFixedBuffers});
  REQUIRE(opened);
  world.run_for(2s);
  CHECK(opened->error() == Errc::connection_refused);
  return recording.taken_at_left();
}

/// Three flows: an echo, a datagram in fragments each way, and a port that nobody is at.
File udp(Family family) {
  Recording recording;
  World& world = recording.world();
  const IpAddress left = World::left_address(family), right = World::right_address(family);
  const udp::Options whole{.dont_fragment = false};
  auto server = world.right().bind_udp({right, 7}, whole);
  auto client = world.left().bind_udp({left, 40007}, whole);
  auto lost = world.left().bind_udp({left, 40008});
  REQUIRE((server && client && lost));
  world.on_step = [&] {
    udp::Received one;
    while (server->receive(std::span(&one, 1)).value_or(0) == 1) REQUIRE(server->send_to(one.from, one.data.bytes()));
    while (client->receive(std::span(&one, 1)).value_or(0) == 1) continue;
  };
  REQUIRE(client->send_to({right, 7}, as_bytes("small")));
  world.run_for(50ms);
  REQUIRE(client->send_to({right, 7}, pattern(3, 0, 4000)));
  world.run_for(50ms);
  REQUIRE(lost->send_to({right, 9}, as_bytes("is anybody there?")));
  world.run_for(2s);
  world.on_step = nullptr;
  return recording.taken_at_left();
}
File udp_v4() { return udp(Family::ipv4); }
File udp_v6() { return udp(Family::ipv6); }

void ping(Recording& recording, Family family, std::uint16_t id, std::size_t count) {
  const auto text = pattern(5, 0, 56);
  for (std::uint16_t i = 1; i <= count; ++i) {
    lab::IcmpLine request;
    request.type = lab::IcmpType::echo_request;
    request.id = id;
    request.seq = i;
    request.length = 56;
    const lab::WireForm form{
        .source = {World::left_address(family), 0}, .destination = {World::right_address(family), 0}, .payload = text};
    recording.send_from_left(*lab::to_wire({{}, request}, form));
    recording.world().run_for(1s);
  }
}

/// One that needs two packets each way.
void large_ping(Recording& recording) {
  const IpAddress left = World::left_address(Family::ipv4), right = World::right_address(Family::ipv4);
  lab::IcmpLine request;
  request.type = lab::IcmpType::echo_request;
  request.id = 0x53;
  request.seq = 1;
  request.length = 2000;
  const auto text = pattern(6, 0, 2000);
  const File whole = *lab::to_wire({{}, request}, {.source = {left, 0}, .destination = {right, 0}, .payload = text});
  constexpr std::size_t kHeader = wire::ipv4::kMinimumHeader, kFirst = 1480;
  for (const std::size_t offset : {std::size_t{0}, kFirst}) {
    const std::size_t size = std::min(kFirst, whole.size() - kHeader - offset);
    File fragment(kHeader);
    wire::ipv4::write(fragment, {.source = left,
                                 .destination = right,
                                 .protocol = 1,
                                 .identification = 77,
                                 .more_fragments = offset == 0,
                                 .fragment_offset = static_cast<std::uint16_t>(offset),
                                 .total_length = static_cast<std::uint16_t>(kHeader + size)});
    const auto from = whole.begin() + static_cast<std::ptrdiff_t>(kHeader + offset);
    fragment.insert(fragment.end(), from, from + static_cast<std::ptrdiff_t>(size));
    recording.send_from_left(std::move(fragment));
  }
  recording.world().run_for(1s);
}

File icmp_echo() {
  Recording recording;
  ping(recording, Family::ipv4, 0x51, 3);
  ping(recording, Family::ipv6, 0x52, 3);
  large_ping(recording);
  recording.world().run_for(1s);
  return recording.taken_at_left();
}

}  // namespace

const std::vector<Golden>& goldens() {
  constexpr lab::Side kClient = lab::Side::opener, kServer = lab::Side::other;
  static const std::vector<Golden> kAll = {
      {"handshake-ipv4", handshake_v4, kClient},
      {"handshake-ipv6", handshake_v6, kClient},
      {"handshake-simultaneous", handshake_simultaneous, kClient},
      {"bulk", bulk, kClient},
      {"loss-sender", loss_sender, kClient, false},
      {"loss-receiver", loss_receiver, kServer, false},
      {"loss-newreno-sender", loss_newreno_sender, kClient, false},
      {"loss-timeout-sender", loss_timeout_sender, kClient, false},
      {"delayed-ack", delayed_ack, kClient},
      {"close-active", close_active, kClient},
      {"close-passive", close_passive, kClient},
      {"close-simultaneous", close_simultaneous, kClient},
      {"close-half", close_half, kClient},
      {"close-abort", close_abort, kClient},
      {"close-late-text", close_late_text, kClient},
      {"refused", refused, kClient},
      {"udp-ipv4", udp_v4, kClient},
      {"udp-ipv6", udp_v6, kClient},
      {"icmp-echo", icmp_echo, kClient},
      {"websocket", record_websocket, kClient},
      {"websocket-binary", record_websocket_binary, kClient},
      {"handshake-loss", record_handshake_loss, kClient, false},
      {"close-loss", record_close_loss, kClient, false},
      {"loss-tail-sender", record_loss_tail, kClient, false},
      {"reordering-sender", record_reordering, kClient, false},
      {"spurious-sender", record_spurious, kClient, false},
      {"spurious-timeout-sender", record_spurious_timeout, kClient, false},
      {"duplicates-receiver", record_duplicates, kServer, false},
      {"ecn-sender", record_ecn, kClient, false},
      {"ecn-receiver", record_ecn_receiver, kServer, false},
      {"ecn-accurate-sender", record_ecn_accurate, kClient, false},
      {"zero-window-sender", record_zero_window, kClient, false},
      {"nagle", record_nagle, kClient},
      {"bulk-ipv6", record_bulk_ipv6, kClient},
      {"bulk-no-options", record_bulk_no_options, kClient},
      {"bulk-small-segments", record_bulk_small_segments, kClient},
      {"both-ways", record_both_ways, kClient},
      {"udp-burst", record_udp_burst, kClient},
  };
  return kAll;
}

std::string golden_path(std::string_view file) { return std::string(SLUICE_SOURCE_DIR "/pcaps/").append(file); }

lab::Capture load_golden(std::string_view name) {
  lab::Capture capture = lab::load_capture(golden_path(std::string(name) + ".pcapng"));
  REQUIRE_MESSAGE(capture.error.empty(), capture.error);
  return capture;
}

lab::ReplaySettings exact_settings(const lab::Conversation& conversation, lab::Side us, lab::Side taken_at) {
  lab::ReplaySettings settings = lab::settings_from(conversation, us);
  settings.distance = us == taken_at ? Duration(0) : kGoldenDelay;
  settings.level = lab::Level::timing;
  settings.after = 1s;
  return settings;
}

}  // namespace sluice::test
