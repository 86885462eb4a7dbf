// Captures that are damaged, incomplete or lying: one clear sentence or a defined verdict, never a crash.
#include <doctest/doctest.h>

#include <algorithm>

#include "lab/pcapng.hpp"
#include "lab/replay.hpp"
#include "lab/replay_application.hpp"
#include "lab/replay_numbers.hpp"
#include "stack/wire/pseudo_header.hpp"
#include "tests/support/edited.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/world.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using lab::Side;

/// Plays whatever is in a file, from both sides; answers how many replays there were.
std::size_t play_all(std::vector<std::uint8_t> file) {
  const lab::Capture capture = lab::parse_capture(std::move(file));
  std::size_t replays = 0;
  for (const lab::Conversation& conversation : lab::split(capture).all)
    for (const Side side : {Side::opener, Side::other}) {
      lab::ReplaySettings settings = lab::settings_from(conversation, side);
      settings.after = 1s;
      const lab::Verdict verdict = lab::replay(conversation, side, settings);
      CHECK(!lab::to_text(verdict).empty());
      ++replays;
    }
  return replays;
}

std::string sentence(const lab::Conversation& conversation, Side us) {
  const lab::Verdict verdict = lab::replay(conversation, us, lab::settings_from(conversation, us));
  CHECK(!verdict.same());
  CHECK(lab::to_text(verdict) == verdict.title + ": no replay: " + verdict.error + "\n");
  return verdict.error;
}

TEST_CASE("a file cut anywhere is played as far as it goes") {
  for (const std::string_view name : {"close-active", "handshake-ipv6", "refused"}) {
    const std::vector<std::uint8_t> whole = load_golden(name).file;
    for (std::size_t size = 0; size < whole.size(); size += 3)
      play_all({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
    CHECK(play_all(whole) == 2);
  }
}

TEST_CASE("files of other kinds and of nothing have no conversations") {
  CHECK(play_all({}) == 0);
  CHECK(play_all(pattern(1, 0, 1000)) == 0);
  CHECK(lab::split(lab::parse_capture({})).error == "this is neither a pcapng nor a pcap file");
}

TEST_CASE("flipped bits anywhere in any packet do no harm") {
  Random random(run_key(), KeyUse::test, 77);
  for (const std::string_view name : {"close-late-text", "close-simultaneous", "udp-ipv4", "udp-ipv6", "icmp-echo"}) {
    const lab::Capture capture = load_golden(name);
    for (int round = 0; round < 150; ++round) {
      lab::PcapngWriter writer;
      for (const lab::CapturedPacket& packet : capture.packets) {
        std::vector<std::uint8_t> bytes(packet.bytes.begin(), packet.bytes.end());
        for (std::uint32_t flips = random.below(4); flips > 0; --flips)
          bytes[random.below(static_cast<std::uint32_t>(std::min<std::size_t>(bytes.size(), 64)))] ^=
              static_cast<std::uint8_t>(1u << random.below(8));
        writer.add({packet.time}, bytes);
      }
      play_all(writer.bytes());
    }
  }
}

TEST_CASE("times at the end of the clock's range leave room for timers") {
  lab::PcapngWriter writer;
  for (const lab::CapturedPacket& packet : load_golden("close-half").packets)
    writer.add({std::chrono::nanoseconds::max(), packet.direction}, packet.bytes);
  CHECK(play_all(writer.bytes()) == 2);
}

TEST_CASE("without the opening SYN, or without a packet of ours, there is no replay") {
  const lab::Capture capture = load_golden("close-half");
  const lab::Conversation whole = lab::split(capture).all.front();
  lab::Conversation late = whole;
  late.has_opening = false;
  CHECK(sentence(late, Side::opener) == "the SYN that opened the connection is not in the capture");
  lab::Conversation silent = whole;
  std::erase_if(silent.packets, [](const lab::ConversationPacket& one) { return !one.from_opener; });
  CHECK(sentence(silent, Side::other) == "the capture holds no packet of this side");
  lab::Conversation nowhere = whole;
  nowhere.other.address = *IpAddress::parse("127.0.0.1");
  CHECK(sentence(nowhere, Side::opener) == "no packet may come from 127.0.0.1");
  nowhere.other.address = *IpAddress::parse("fd00::1");
  CHECK(sentence(nowhere, Side::opener) == "the two sides are of different families");
}

TEST_CASE("packets before the SYN stand apart, and the connection behind them replays") {
  const lab::Capture capture = load_golden("close-active");
  lab::PcapngWriter writer;
  writer.add({capture.packets.front().time}, capture.packets[4].bytes);  // an ACK of an earlier connection
  for (const lab::CapturedPacket& packet : capture.packets) writer.add({packet.time}, packet.bytes);
  const lab::Capture more = lab::parse_capture(writer.bytes());
  const lab::Conversations found = lab::split(more);
  REQUIRE(found.all.size() == 2);
  CHECK(!sentence(found.all[0], Side::opener).empty());
  const auto settings = exact_settings(found.all[1], Side::opener, Side::opener);
  CHECK(lab::replay(found.all[1], Side::opener, settings).same());
}

TEST_CASE("with only our side in the capture the stack opens, repeats its SYN, and the rest is missing") {
  const lab::Capture capture = load_golden("close-half");
  lab::Conversation alone = lab::split(capture).all.front();
  std::erase_if(alone.packets, [](const lab::ConversationPacket& one) { return !one.from_opener; });
  lab::ReplaySettings settings = exact_settings(alone, Side::opener, Side::opener);
  settings.after = 2s;
  const lab::Verdict verdict = lab::replay(alone, Side::opener, settings);
  CHECK(verdict.error.empty());
  CHECK(verdict.got == 2);
  CHECK(verdict.differences.size() >= alone.packets.size() - 1);
  CHECK(verdict.differences.front().number == 3);
}

TEST_CASE("what acknowledges text that the stack did not send waits, and is named when it waits for ever") {
  const lab::Capture capture = load_golden("bulk");
  const lab::Conversation conversation = lab::split(capture).all.front();
  lab::ReplaySettings settings = exact_settings(conversation, Side::opener, Side::opener);
  settings.socket.send_buffer = 2048;  // nothing like the flights of the capture
  settings.level = lab::Level::segments;
  const lab::Verdict slow = lab::replay(conversation, Side::opener, settings);
  CHECK(slow.error.empty());
  CHECK(!slow.same());
  const bool named = std::any_of(slow.differences.begin(), slow.differences.end(), [](const lab::Difference& one) {
    return one.kind == lab::Difference::Kind::waiting && one.reason.starts_with("of the peer");
  });
  CHECK(named);
}

TEST_CASE("numbers that claim a gap of gigabytes fill no memory") {
  const lab::Capture capture = load_golden("close-half");
  Edited edited(lab::split(capture).all.front());
  for (std::size_t i = 3; i < edited.conversation.packets.size(); ++i)
    if (edited.conversation.packets[i].bytes.size() > 400) edited.add_u16(i, 4, static_cast<std::uint16_t>(0x1000 * i));
  const lab::OurStream stream = lab::both_streams(edited.conversation).other;
  CHECK(stream.text.size() < (2u << 20));
  lab::replay(edited.conversation, Side::other, lab::settings_from(edited.conversation, Side::other));
}

TEST_CASE("a wrong checksum of the peer's stays wrong, one left to its device is finished") {
  const lab::Capture capture = load_golden("close-active");
  const lab::Conversation conversation = lab::split(capture).all.front();
  constexpr std::size_t kChecksum = 16, kServersAnswer = 1;
  const lab::ReplaySettings settings = exact_settings(conversation, Side::opener, Side::opener);
  Edited wrong(conversation);
  wrong.add_u16(kServersAnswer, kChecksum, 1);
  CHECK(!lab::replay(wrong.conversation, Side::opener, settings).same());

  Edited unfinished(conversation);
  std::vector<std::uint8_t>& bytes = unfinished.packet(kServersAnswer);
  const auto view = lab::view_datagram(bytes);
  const auto half =
      wire::pseudo_header(view->source, view->destination, view->protocol, view->transport.size()).folded();
  ByteWriter(MutableBytes(bytes).subspan(view->transport_offset + kChecksum, 2)).u16(half);
  CHECK(lab::replay(unfinished.conversation, Side::opener, settings).same());
}

}  // namespace
}  // namespace sluice::test
