// What `sluice explain` says of each segment, held against tshark's analysis: where they differ, a rule says why.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "lab/explain.hpp"
#include "tests/tools/tshark.hpp"
#include "tools/capture_files.hpp"

namespace sluice::tools {
namespace {

using lab::Deed;
using lab::Deeds;
using PacketsByFile = std::map<std::string, std::size_t>;

struct Field {
  Deed deed;
  const char* name;
};
constexpr std::array<Field, 15> kFields = {{{Deed::retransmission, "tcp.analysis.retransmission"},
                                            {Deed::fast, "tcp.analysis.fast_retransmission"},
                                            {Deed::needless, "tcp.analysis.spurious_retransmission"},
                                            {Deed::out_of_order, "tcp.analysis.out_of_order"},
                                            {Deed::behind_gap, "tcp.analysis.lost_segment"},
                                            {Deed::acks_unseen, "tcp.analysis.ack_lost_segment"},
                                            {Deed::duplicate_ack, "tcp.analysis.duplicate_ack"},
                                            {Deed::window_update, "tcp.analysis.window_update"},
                                            {Deed::zero_window, "tcp.analysis.zero_window"},
                                            {Deed::fills_window, "tcp.analysis.window_full"},
                                            {Deed::keep_alive, "tcp.analysis.keep_alive"},
                                            {Deed::keeps_alive, "tcp.analysis.keep_alive_ack"},
                                            {Deed::window_probe, "tcp.analysis.zero_window_probe"},
                                            {Deed::answers_probe, "tcp.analysis.zero_window_probe_ack"},
                                            {Deed::reset, "tcp.flags.reset"}}};

/// A difference that is known and meant: exactly these deeds are seen by one side alone, in exactly so many packets.
struct Rule {
  std::string_view name;  ///< as in docs/replay.md, which has the reason too
  Deeds ours;             ///< what tshark does not say
  Deeds theirs;           ///< what we don't say
  PacketsByFile packets;
};

const std::vector<Rule>& rules() {
  static const std::vector<Rule> kRules = {
      // RFC 6675 and RFC 8985 find a loss by SACK blocks; tshark waits for two duplicate ACKs within 20 ms.
      {"SACK makes it fast",
       {Deed::fast},
       {},
       {{"loss-sender.pcapng", 4},
        {"spurious-sender.pcapng", 1},
        {"linux-linux-loss.pcap", 1},
        {"linux-linux-path-mtu.pcap", 3},
        {"linux-sluice-loss.pcapng", 1}}},
      // tshark takes text left of the highest within a round trip (3 ms if it knows none) for overtaken, seen or not.
      {"what was seen is sent again, however soon",
       {Deed::retransmission, Deed::fast},
       {Deed::out_of_order},
       {{"linux-linux-loss.pcap", 1}, {"linux-linux-path-mtu.pcap", 8}, {"linux-linux-reordering.pcap", 2}}},
      // And what comes later than that for sent again, though nobody saw it: lost or late can't be told from here.
      {"what was not seen is out of order, however late",
       {Deed::out_of_order},
       {Deed::retransmission},
       {{"loss-receiver.pcapng", 3}, {"linux-sluice-loss.pcapng", 1}}},
      // The text that filled the window did so when it was sent first.
      {"a window is filled once", {}, {Deed::fills_window}, {{"linux-linux-zero-window.pcap", 1}}},
      // Linux probes with a segment left of all; to a closed window that asks for the window.
      {"a probe may be empty", {Deed::window_probe}, {Deed::keep_alive}, {{"linux-linux-zero-window.pcap", 2}}},
      {"an empty probe is answered", {Deed::answers_probe}, {}, {{"linux-linux-zero-window.pcap", 1}}},
      // tshark forgets a probe's byte, so its next appearance is its first one.
      {"a probe's byte was sent", {Deed::retransmission}, {}, {{"zero-window-sender.pcapng", 1}}}};
  return kRules;
}

/// By packet number; packets in which tshark sees nothing are missing.
std::map<std::size_t, Deeds> deeds_by_tshark(const std::string& path) {
  std::vector<std::string> names = {"frame.number"};
  for (const Field& field : kFields) names.emplace_back(field.name);
  std::map<std::size_t, Deeds> deeds;
  for (const std::vector<std::string>& row : fields_by_tshark(path, names))
    for (std::size_t i = 0; i < kFields.size(); ++i)
      if (const std::string& cell = row[i + 1]; !cell.empty() && cell != "0" && cell != "False")
        deeds[std::stoul(row[0])].add(kFields[i].deed);
  return deeds;
}

/// Packets of one capture by the name of the rule that explains their difference; others fail the test.
std::map<std::string_view, std::size_t> differences(const std::string& path, std::size_t& agreed) {
  auto theirs = deeds_by_tshark(path);
  std::map<std::string_view, std::size_t> explained;
  const OpenedCapture opened("test", path, 0);
  for (const auto& [number, conversation] : opened.chosen())
    for (const lab::ExplainedPacket& packet : lab::explain(*conversation).packets) {
      const Deeds said = packet.segment ? packet.segment->deeds - Deeds{Deed::syn, Deed::fin} : Deeds{};
      const auto there = theirs.extract(packet.number);
      const Deeds analysis = there ? there.mapped() : Deeds{};
      const Deeds ours = said - analysis;
      const Deeds alone = analysis - said;
      agreed += said != Deeds{} && ours == Deeds{} && alone == Deeds{} ? 1u : 0u;
      if (ours == Deeds{} && alone == Deeds{}) continue;
      std::string_view name;
      for (const Rule& rule : rules())
        if (rule.ours == ours && rule.theirs == alone) name = rule.name;
      CHECK_MESSAGE(!name.empty(),
                    fmt::format("{}, packet {}: {}: only we say [{}], only tshark [{}]", path, packet.number,
                                packet.text, fmt::join(lab::names(ours), " "), fmt::join(lab::names(alone), " ")));
      ++explained[name];
    }
  for (const auto& [number, deeds] : theirs)
    FAIL_CHECK(fmt::format("{}, packet {}: tshark alone knows it", path, number));
  return explained;
}

TEST_CASE("each segment of each capture does what tshark says too, or a rule names the difference") {
  require_tshark();
  std::map<std::string_view, PacketsByFile> found;
  std::size_t agreed = 0;
  for (const std::string& path : capture_files({std::string(SLUICE_SOURCE_DIR) + "/pcaps"}))
    for (const auto& [name, packets] : differences(path, agreed))
      found[name][std::filesystem::path(path).filename()] += packets;
  for (const Rule& rule : rules())
    CHECK_MESSAGE(found[rule.name] == rule.packets,
                  fmt::format("{}: applies to {}, and not to {}", rule.name, found[rule.name], rule.packets));
  CHECK(agreed > 90);
}

TEST_CASE("docs/replay.md tells each rule by which explain and tshark differ") {
  std::ostringstream guide;
  guide << std::ifstream(std::string(SLUICE_SOURCE_DIR) + "/docs/replay.md").rdbuf();
  for (const Rule& rule : rules()) CHECK_MESSAGE(guide.str().find(rule.name) != std::string::npos, rule.name);
}

}  // namespace
}  // namespace sluice::tools
