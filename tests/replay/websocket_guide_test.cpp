// docs/websocket.md answers "is it two TCP connections?" with a capture of ours, drawn here.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <algorithm>

#include "lab/exchange.hpp"
#include "lab/ladder.hpp"
#include "tests/support/doc_block.hpp"
#include "tests/support/golden.hpp"
#include "ws/frame.hpp"

namespace sluice::test {
namespace {

std::string frame_note(Bytes text, bool masked) {
  const ws::ParsedHeader parsed = ws::parse_header(text, {.masked = masked});
  REQUIRE(parsed.size > 0);
  std::vector<std::uint8_t> payload(text.begin() + static_cast<std::ptrdiff_t>(parsed.size), text.end());
  REQUIRE(payload.size() == parsed.header.length);
  if (masked) ws::apply_mask(payload, parsed.header.key);
  const std::string_view mask = masked ? ", masked" : "";
  switch (parsed.header.opcode) {
    case ws::Opcode::text: return fmt::format("text \"{}\"{}", as_text(payload), mask);
    case ws::Opcode::ping: return fmt::format("Ping \"{}\"{}", as_text(payload), mask);
    case ws::Opcode::pong: return fmt::format("Pong \"{}\"{}", as_text(payload), mask);
    case ws::Opcode::close: return fmt::format("Close {}{}", ByteReader(payload).u16(), mask);
    default: return "";
  }
}

/// What the text of a packet says: the first line of HTTP, or a frame.
std::string note_of(Bytes text, bool from_client) {
  if (text.empty()) return "";
  const std::string_view words = as_text(text);
  if (!words.starts_with("GET") && !words.starts_with("HTTP")) return frame_note(text, from_client);
  const bool upgrade = from_client && words.find("\r\nUpgrade: websocket\r\n") != std::string_view::npos;
  return std::string(words.substr(0, words.find('\r'))) + (upgrade ? ", Upgrade: websocket" : "");
}

lab::Rung rung_of(const lab::ConversationPacket& packet, const lab::Conversation& conversation) {
  const auto opened = lab::open_packet(packet.bytes);
  REQUIRE(opened);
  const lab::SideNumbers client{*conversation.opener_isn}, server{*conversation.other_isn};
  const lab::SideNumbers& sender = packet.from_opener ? client : server;
  lab::PacketLine line = lab::brief(lab::to_line(*opened, sender, packet.from_opener ? server : client));
  line.segment()->options.reset();
  line.segment()->window.reset();
  return {packet.at - conversation.packets.front().at,
          packet.from_opener ? lab::Rung::Kind::inbound : lab::Rung::Kind::outbound, lab::to_text(line),
          note_of(opened->payload, packet.from_opener)};
}

TEST_CASE("a WebSocket from its upgrade to its end is one TCP connection, as the guide draws it") {
  const lab::Capture capture = load_golden("websocket");
  const lab::Conversations found = lab::split(capture);
  REQUIRE(found.all.size() == 1);
  const lab::Conversation& conversation = found.all.front();
  CHECK(conversation.packets.size() == capture.packets.size());
  std::vector<lab::Rung> rungs;
  for (const lab::ConversationPacket& packet : conversation.packets) rungs.push_back(rung_of(packet, conversation));
  const auto syns = std::count_if(rungs.begin(), rungs.end(), [](const lab::Rung& one) { return one.text[0] == 'S'; });
  CHECK(syns == 2);  // one each way
  expect_doc_block("websocket.md", "conversation", fmt::format("```\n{}```\n", lab::ladder(rungs, "client", "server")));
}

}  // namespace
}  // namespace sluice::test
