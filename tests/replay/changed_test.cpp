// A replay that can't fail is no test: another stack, or another capture, is reported with the packet that differs.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "lab/replay.hpp"
#include "lab/replay_application.hpp"
#include "lab/replay_numbers.hpp"
#include "tests/support/edited.hpp"
#include "tests/support/golden.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using lab::Side;

/// The first difference that a stack with other settings shows.
struct ChangedStack {
  std::string_view what;
  std::string_view golden;
  Side us;
  std::function<void(lab::ReplaySettings&)> change;
  std::size_t number;
  std::string_view reason;
  std::string_view got;  ///< a part of what came instead
};

const std::vector<ChangedStack>& changed_stacks() {
  using Settings = lab::ReplaySettings;
  static const std::vector<ChangedStack> kAll = {
      {"half the receive buffer", "bulk", Side::other, [](Settings& s) { s.socket.receive_buffer = 131072; }, 2,
       "options", "wscale 2"},
      {"a little more receive buffer", "bulk", Side::opener, [](Settings& s) { s.socket.receive_buffer += 4096; }, 3,
       "window", "win 33280"},
      {"no SACK offered", "loss-sender", Side::opener, [](Settings& s) { s.stack.tcp.sack = false; }, 1, "options",
       "S 0:0(0)"},
      {"no SACK accepted", "loss-receiver", Side::other, [](Settings& s) { s.stack.tcp.sack = false; }, 2, "options",
       "S. 0:0(0) ack 1"},
      {"no timestamps", "bulk", Side::opener, [](Settings& s) { s.stack.tcp.timestamps = false; }, 1, "options",
       "sackOK"},
      {"no window scaling", "close-half", Side::opener, [](Settings& s) { s.stack.tcp.window_scaling = false; }, 1,
       "options", "sackOK"},
      {"another MTU", "handshake-ipv6", Side::other, [](Settings& s) { s.stack.ip.mtu = 1280; }, 2, "options",
       "mss 1220"},
      {"another TTL", "close-active", Side::opener, [](Settings& s) { s.stack.ip.hop_limit = 63; }, 1, "TTL", "ttl 63"},
      {"a longer delayed ACK", "delayed-ack", Side::opener, [](Settings& s) { s.stack.tcp.delayed_ack = 60ms; }, 37,
       "options, 0.02 s late", "ack 69"},
      {"fewer quick ACKs", "delayed-ack", Side::opener, [](Settings& s) { s.stack.tcp.quick_acks = 4; }, 13,
       "options, 0.04 s late", "ack 21"},
      {"a larger RTO", "loss-timeout-sender", Side::opener, [](Settings& s) { s.stack.tcp.rto_variance_floor = 300ms; },
       7, "options, 0.02 s late", "6:30(24)"},
      {"no answer to pings", "icmp-echo", Side::other, [](Settings& s) { s.stack.ip.answer_echo = false; }, 2,
       "missing", ""},
      {"no errors", "udp-ipv4", Side::other, [](Settings& s) { s.stack.ip.icmp_errors_per_second = 0; }, 10, "missing",
       ""},
      {"smaller fragments", "udp-ipv6", Side::opener, [](Settings& s) { s.stack.ip.mtu = 1300; }, 3, "packet",
       "0:1248(1248) more"},
  };
  return kAll;
}

/// The first difference over all conversations of a capture.
std::optional<lab::Difference> first_difference(const ChangedStack& changed) {
  const auto golden =
      std::find_if(goldens().begin(), goldens().end(), [&](const Golden& one) { return one.name == changed.golden; });
  REQUIRE(golden != goldens().end());
  const lab::Capture capture = load_golden(changed.golden);
  for (const lab::Conversation& conversation : lab::split(capture).all) {
    lab::ReplaySettings settings = exact_settings(conversation, changed.us, golden->taken_at);
    changed.change(settings);
    const lab::Verdict verdict = lab::replay(conversation, changed.us, settings);
    CHECK(verdict.error.empty());
    if (!verdict.differences.empty()) return verdict.differences.front();
  }
  return std::nullopt;
}

TEST_CASE("a stack with another habit is found out at the first packet that shows it") {
  for (const ChangedStack& changed : changed_stacks()) {
    CAPTURE(changed.what);
    const auto first = first_difference(changed);
    REQUIRE(first);
    CHECK(first->number == changed.number);
    CHECK(first->reason == changed.reason);
    CHECK_MESSAGE(first->got.find(changed.got) != std::string::npos, first->got);
  }
}

constexpr std::size_t kAckField = 10, kWindowField = 14;  // the lower half of the ACK; both in the TCP header

/// Which packets of a side, by index, are segments with an acknowledgement.
std::vector<std::size_t> acknowledging(const lab::Conversation& conversation, Side us) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < conversation.packets.size(); ++i) {
    const auto header = lab::tcp_header(*lab::view_datagram(conversation.packets[i].bytes));
    if (lab::is_ours(conversation.packets[i], us) && header && header->has(wire::tcp::ack)) found.push_back(i);
  }
  return found;
}

/// Changes a field of one packet in the capture: that packet alone must be reported, for that field.
void expect_found(const Golden& golden, const lab::Conversation& original, std::size_t index, std::size_t field,
                  std::string_view reason) {
  const auto settings = exact_settings(original, golden.taken_at, golden.taken_at);
  Edited edited(original);
  edited.add_u16(index, field, 1);
  const lab::Verdict verdict = lab::replay(edited.conversation, golden.taken_at, settings);
  REQUIRE_MESSAGE(verdict.differences.size() == 1, lab::to_text(verdict));
  CHECK(verdict.differences[0].number == original.packets[index].number);
  CHECK(verdict.differences[0].reason == reason);
}

TEST_CASE("a window or acknowledgement changed in any packet of a capture is reported, and nothing else is") {
  std::size_t changed = 0;
  for (const Golden& golden : goldens()) {
    CAPTURE(golden.name);
    const lab::Capture capture = load_golden(golden.name);
    for (const lab::Conversation& original : lab::split(capture).all) {
      if (original.kind != lab::ConversationKind::tcp || original.packets.size() > 60) continue;
      for (const std::size_t index : acknowledging(original, golden.taken_at)) {
        expect_found(golden, original, index, kWindowField, "window");
        expect_found(golden, original, index, kAckField, "ack");
        ++changed;
      }
    }
  }
  CHECK(changed > 100);
}

TEST_CASE("a packet of ours that the capture lacks is reported as one too many, one too many as missing") {
  const lab::Capture capture = load_golden("close-half");
  const lab::Conversation original = lab::split(capture).all.front();
  const auto ours = acknowledging(original, Side::opener);
  const std::size_t last = ours.back();
  const auto settings = exact_settings(original, Side::opener, Side::opener);
  Edited without(original);
  without.remove(last);
  lab::Verdict verdict = lab::replay(without.conversation, Side::opener, settings);
  REQUIRE(verdict.differences.size() == 1);
  CHECK(verdict.differences[0].kind == lab::Difference::Kind::extra);
  CHECK(verdict.differences[0].number == original.packets[ours[ours.size() - 2]].number);

  Edited doubled(original);
  doubled.conversation.packets.push_back(original.packets[last]);
  verdict = lab::replay(doubled.conversation, Side::opener, settings);
  REQUIRE(verdict.differences.size() == 1);
  CHECK(verdict.differences[0].kind == lab::Difference::Kind::missing);
}

TEST_CASE("the same packet at another time is a difference only if times matter") {
  const lab::Capture capture = load_golden("close-active");
  lab::Conversation conversation = lab::split(capture).all.front();
  lab::ReplaySettings settings = exact_settings(conversation, Side::opener, Side::opener);
  settings.after = 2s;
  conversation.packets.back().at += 5ms;  // our last ACK
  REQUIRE(lab::is_ours(conversation.packets.back(), Side::opener));
  const lab::Verdict strict = lab::replay(conversation, Side::opener, settings);
  REQUIRE(strict.differences.size() == 1);
  CHECK(strict.differences[0].reason == "0.005 s early");
  settings.time_slack = 5ms;
  CHECK(lab::replay(conversation, Side::opener, settings).same());
  settings.level = lab::Level::segments;
  CHECK(lab::replay(conversation, Side::opener, settings).same());
}

TEST_CASE("whatever ISN, timestamps and identifications a stack chooses, the verdict is the same") {
  for (const std::string_view name : {"loss-sender", "loss-receiver", "close-simultaneous", "udp-ipv4", "udp-ipv6"}) {
    const lab::Capture capture = load_golden(name);
    const Side us = name == "loss-receiver" ? Side::other : Side::opener;
    for (const lab::Conversation& conversation : lab::split(capture).all) {
      for (std::uint8_t key = 1; key <= 20; ++key) {
        lab::ReplaySettings settings = exact_settings(conversation, us, us);
        settings.stack.key.fill(key);
        const lab::Verdict verdict = lab::replay(conversation, us, settings);
        CHECK_MESSAGE(verdict.same(), lab::to_text(verdict));
      }
    }
  }
}

constexpr std::string_view kLadder =
    R"(around the first difference
       seconds   packet    captured             replayed
          1.04       25    . 1:1(0) ack 45      . 1:1(0) ack 45
          1.14       26        ---->  P. 45:49(4) ack 1
          1.14       27    . 1:1(0) ack 49      . 1:1(0) ack 49
          1.24       28        ---->  P. 49:53(4) ack 1
          1.24       29    . 1:1(0) ack 53      . 1:1(0) ack 53
          1.34       30        ---->  P. 53:57(4) ack 1
          1.34       31    . 1:1(0) ack 57      . 1:1(0) ack 57
          1.44       32        ---->  P. 57:61(4) ack 1
          1.44       33    . 1:1(0) ack 61      . 1:1(0) ack 61
          1.54       34        ---->  P. 61:65(4) ack 1
          1.54       35    . 1:1(0) ack 65      . 1:1(0) ack 65
          1.64       36        ---->  P. 65:69(4) ack 1
*         1.68       37    . 1:1(0) ack 69      . 1:1(0) ack 69
          1.74       38        ---->  P. 69:73(4) ack 1
*         1.78       39    . 1:1(0) ack 73      . 1:1(0) ack 73
          1.84       40        ---->  P. 73:77(4) ack 1
*         1.88       41    . 1:1(0) ack 77      . 1:1(0) ack 77
          1.94       42        ---->  P. 77:81(4) ack 1
*         1.98       43    . 1:1(0) ack 81      . 1:1(0) ack 81
)";

TEST_CASE("a verdict as people read it") {
  const lab::Capture capture = load_golden("delayed-ack");
  const lab::Conversation conversation = lab::split(capture).all.front();
  lab::ReplaySettings settings = exact_settings(conversation, Side::opener, Side::opener);
  CHECK(lab::to_text(lab::replay(conversation, Side::opener, settings)) ==
        "tcp 10.1.0.1:57127 > 10.1.0.2:80 as the opener: the same at level timing, 22 packets\n");
  settings.stack.tcp.delayed_ack = 60ms;
  settings.most_differences = 1;
  CHECK(lab::to_text(lab::replay(conversation, Side::opener, settings)) ==
        std::string(
            "tcp 10.1.0.1:57127 > 10.1.0.2:80 as the opener: 4 differences at level timing in 22 packets captured, 22 "
            "replayed\n"
            "packet 37, at 1.68 s: options, 0.02 s late\n"
            "  captured  . 1:1(0) ack 69 win 32759 <nop,nop,TS val 1680 ecr 1620>\n"
            "  replayed  . 1:1(0) ack 69 win 32759 <nop,nop,TS val 1700 ecr 1620>\n"
            "and 3 more\n") +
            std::string(kLadder));
}

}  // namespace
}  // namespace sluice::test
