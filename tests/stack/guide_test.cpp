// docs/tcp.md shows what the code does: its diagram comes from the edge table, its conversation from a run of ours.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "lab/exchange.hpp"
#include "lab/ladder.hpp"
#include "stack/tcp/state.hpp"
#include "tests/support/doc_block.hpp"
#include "tests/support/world.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

void expect_block(const std::string& name, const std::string& expected) { expect_doc_block("tcp.md", name, expected); }

std::string identifier(tcp::State state) {
  std::string text(tcp::name(state));
  for (char& letter : text) letter = letter == '-' ? '_' : letter;
  return text;
}

TEST_CASE("the guide's state diagram is the edge table (RFC 9293 3.3.2)") {
  std::string text = "```mermaid\nstateDiagram-v2\n";
  for (const tcp::Edge& edge : tcp::edges()) {
    const std::string answer = edge.answer.empty() ? "" : fmt::format(" / {}", edge.answer);
    text += fmt::format("    {} --> {} : {}{}\n", identifier(edge.from), identifier(edge.to), edge.event, answer);
  }
  expect_block("diagram", text + "```\n");
}

/// Notes state changes, and beside the packet that just left why it did.
class Narrator final : public Observer {
 public:
  Narrator(std::vector<lab::Rung>& rungs, std::string who, Time start)
      : rungs_(rungs), who_(std::move(who)), start_(start) {}

  void on_event(const TraceEvent& event) noexcept override {
    const auto text = [&event](std::string_view key) {
      for (const TraceField& field : event.fields)
        if (field.key == key) return std::string(field.text);
      return std::string();
    };
    if (event.kind == TraceKind::state)
      rungs_.push_back(
          {event.at - start_, lab::Rung::Kind::local, fmt::format("{}: {} to {}", who_, text("from"), text("to"))});
    if (event.kind == TraceKind::segment_out)
      rungs_.back().note = fmt::format("{}, {}", text("reason"), text("clause"));
  }

 private:
  std::vector<lab::Rung>& rungs_;
  std::string who_;
  Time start_;
};

TEST_CASE("the guide's conversation is what two stacks say to each other") {
  WorldSettings settings;
  settings.to_left.delay = settings.to_right.delay = 10ms;
  settings.to_right.drop = {4};  // the second segment of the text
  settings.left_tcp.timestamps = false;
  std::vector<lab::Rung> rungs;
  Narrator client_narrator(rungs, "client", settings.start), server_narrator(rungs, "server", settings.start);
  settings.left_observer = &client_narrator;
  settings.right_observer = &server_narrator;
  World world(settings);
  std::optional<std::uint32_t> left_first, right_first;
  world.on_packet = [&](bool to_right, Bytes packet) {
    const auto opened = lab::open_packet(packet);
    REQUIRE(opened);
    ByteReader header(opened->transport.subspan(4));
    auto& first = to_right ? left_first : right_first;
    if (!first) first = header.u32();
    const lab::SideNumbers left{left_first.value_or(0)}, right{right_first.value_or(0)};
    const lab::PacketLine line = lab::brief(lab::to_line(*opened, to_right ? left : right, to_right ? right : left));
    rungs.push_back({world.now() - settings.start, to_right ? lab::Rung::Kind::inbound : lab::Rung::Kind::outbound,
                     lab::to_text(line)});
  };
  tcp::OpenOptions open;
  open.options.receive_buffer = 65535;
  tcp::Socket client, server;  // clang 14 captures no structured bindings
  std::tie(client, server) = world.connect(80, open, {.options = {.receive_buffer = 65535}});
  Transfer text(client, server, 4000);
  text.finish_when_sent = true;
  world.on_step = [&] { text.step(); };
  REQUIRE(world.run_until([&] { return server.at_eof(); }));
  server.close();
  REQUIRE(world.run_until([&] { return client.at_eof(); }));
  client.close();
  world.run_for(2s);
  expect_block("conversation", fmt::format("```\n{}```\n", lab::ladder(rungs, "client", "server")));
}

}  // namespace
}  // namespace sluice::test
