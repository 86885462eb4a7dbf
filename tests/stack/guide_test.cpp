// docs/tcp.md shows what the code does: its diagram comes from the edge table, its conversation from a run of ours.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "lab/exchange.hpp"
#include "lab/ladder.hpp"
#include "stack/tcp/state.hpp"
#include "tests/support/world.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

std::string read_guide() {
  std::ifstream file(SLUICE_SOURCE_DIR "/docs/tcp.md");
  REQUIRE(file);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Compares the block between two markers; with SLUICE_UPDATE_DOCS set it is written instead.
void expect_block(const std::string& name, const std::string& expected) {
  std::string guide = read_guide();
  const std::string begin = fmt::format("<!-- begin {} -->\n", name), end = fmt::format("<!-- end {} -->", name);
  const std::size_t from = guide.find(begin), to = guide.find(end);
  REQUIRE(from != std::string::npos);
  REQUIRE(to != std::string::npos);
  const std::size_t start = from + begin.size();
  if (std::getenv("SLUICE_UPDATE_DOCS")) {
    guide.replace(start, to - start, expected);
    std::ofstream(SLUICE_SOURCE_DIR "/docs/tcp.md") << guide;
    return;
  }
  CHECK_MESSAGE(guide.substr(start, to - start) == expected,
                "run the tests with SLUICE_UPDATE_DOCS=1 and commit docs/tcp.md");
}

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

/// Remembers why each segment left, to write it beside the packet.
class Reasons final : public Observer {
 public:
  void on_event(const TraceEvent& event) noexcept override {
    if (event.kind == TraceKind::state) note("state", event);
    if (event.kind != TraceKind::segment_out) return;
    for (const TraceField& field : event.fields) {
      if (field.key == "reason") reason = field.text;
      if (field.key == "clause") clause = field.text;
    }
  }
  std::string reason, clause;
  std::vector<std::string> states;

 private:
  void note(std::string_view, const TraceEvent& event) {
    std::string line;
    for (const TraceField& field : event.fields) line += fmt::format("{}{}", line.empty() ? "" : " → ", field.text);
    states.push_back(line);
  }
};

TEST_CASE("the guide's conversation is what two stacks say to each other") {
  WorldSettings settings;
  settings.to_left.delay = settings.to_right.delay = 10ms;
  settings.to_right.drop = {6};  // the second segment of the text
  Reasons left_reasons, right_reasons;
  settings.left_observer = &left_reasons;
  settings.right_observer = &right_reasons;
  World world(settings);
  std::vector<lab::Rung> rungs;
  std::optional<std::uint32_t> left_first, right_first;
  const Time start = world.now();
  const auto tell_states = [&](Reasons& reasons, bool at_left) {
    for (const std::string& line : reasons.states)
      rungs.push_back(
          {world.now() - start, lab::Rung::Kind::local, fmt::format("{}: {}", at_left ? "client" : "server", line)});
    reasons.states.clear();
  };
  world.on_packet = [&](bool to_right, Bytes packet) {
    tell_states(left_reasons, true);
    tell_states(right_reasons, false);
    const auto opened = lab::open_packet(packet);
    REQUIRE(opened);
    ByteReader header(opened->transport.subspan(4));
    auto& first = to_right ? left_first : right_first;
    if (!first) first = header.u32();
    const lab::SideNumbers left{left_first.value_or(0)}, right{right_first.value_or(0)};
    lab::PacketLine line = lab::brief(lab::to_line(*opened, to_right ? left : right, to_right ? right : left));
    const Reasons& reasons = to_right ? left_reasons : right_reasons;
    rungs.push_back({world.now() - start, to_right ? lab::Rung::Kind::inbound : lab::Rung::Kind::outbound,
                     lab::to_text(line), fmt::format("{} ({})", reasons.reason, reasons.clause)});
  };
  tcp::OpenOptions open;
  open.options.receive_buffer = 65535;
  auto [client, server] = world.connect(80, open, {.options = {.receive_buffer = 65535}});
  Transfer text(client, server, 4000);
  text.finish_when_sent = true;
  world.on_step = [&] { text.step(); };
  REQUIRE(world.run_until([&] { return server.at_eof(); }));
  server.close();
  REQUIRE(world.run_until([&] { return client.at_eof(); }));
  client.close();
  world.run_for(2s);
  tell_states(left_reasons, true);
  tell_states(right_reasons, false);
  expect_block("conversation", fmt::format("```\n{}```\n", lab::ladder(rungs, "client", "server")));
}

}  // namespace
}  // namespace sluice::test
