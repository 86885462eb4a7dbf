// Captures of which only a part is there, or wanted: packets cut by the capture, a replay that stops early.
#include <doctest/doctest.h>

#include "lab/cut_packet.hpp"
#include "lab/pcapng.hpp"
#include "lab/replay.hpp"
#include "tests/support/golden.hpp"

namespace sluice::test {
namespace {

using lab::Side;

/// The same capture, taken with a snapshot length.
lab::Capture cut_to(const lab::Capture& whole, std::size_t snap) {
  lab::PcapngWriter writer(lab::LinkType::raw, "cut", snap);
  for (const lab::CapturedPacket& packet : whole.packets) writer.add({packet.time, packet.direction}, packet.bytes);
  return lab::parse_capture(writer.bytes());
}

TEST_CASE("a capture that kept only the headers replays as the whole one does, zeros in the place of its text") {
  for (const std::string_view name : {"bulk", "loss-sender", "udp-ipv6", "handshake-ipv6", "icmp-echo"}) {
    CAPTURE(name);
    const lab::Capture capture = cut_to(load_golden(name), 100);
    const lab::Conversations found = lab::split(capture);
    const bool fragments = name == "udp-ipv6" || name == "icmp-echo";
    CHECK((found.damaged > 0) == fragments);  // a fragment carries no checksum that could be made to match
    for (const lab::Conversation& conversation : found.all) {
      if (fragments && conversation.packets.size() > 2) continue;
      const lab::Verdict verdict =
          lab::replay(conversation, Side::opener, exact_settings(conversation, Side::opener, Side::opener));
      CHECK_MESSAGE(verdict.same(), lab::to_text(verdict));
      if (name == "bulk") CHECK(verdict.cut == 39);
    }
  }
}

TEST_CASE("of a packet cut within its headers nothing can be said") {
  const lab::Capture capture = cut_to(load_golden("bulk"), 50);
  const lab::Conversations found = lab::split(capture);
  CHECK(found.all.empty());
  CHECK(found.damaged == capture.packets.size());
}

TEST_CASE("zeros for what is missing are limited, and the packet's own length decides how many there are") {
  const lab::Capture whole = load_golden("bulk");
  const lab::Capture capture = cut_to(whole, 100);
  lab::ConversationLimits limits;
  limits.zeros = 10000;
  const lab::Conversations found = lab::split(capture, limits);
  CHECK(found.cut == 6);
  CHECK(found.damaged == 33);
  const Bytes packet = whole.packets[4].bytes;
  const auto again = lab::filled(packet.first(60), packet.size() - 60);
  REQUIRE(again);
  CHECK(again->size() == packet.size());
  CHECK_FALSE(lab::filled(packet.first(60), 100));  // shorter than its IP header says
  CHECK_FALSE(lab::filled(packet.first(60), std::size_t{1} << 40));
  CHECK_FALSE(lab::filled({}, 20));
}

TEST_CASE("a replay up to a packet says nothing of what follows, and finds what comes before") {
  const lab::Capture capture = load_golden("bulk");
  const lab::Conversation conversation = lab::split(capture).all.front();
  lab::ReplaySettings settings = exact_settings(conversation, Side::opener, Side::opener);
  settings.after = {};
  settings.stack.tcp.sack = false;
  const auto differences = [&](std::size_t until) {
    settings.until = until;
    return lab::replay(conversation, Side::opener, settings).differences;
  };
  const std::size_t all = differences(0).size();
  REQUIRE(all > 0);
  REQUIRE(differences(1).size() == 1);
  CHECK(differences(1)[0].number == 1);
  CHECK(differences(conversation.packets.back().number).size() == all);
}

}  // namespace
}  // namespace sluice::test
