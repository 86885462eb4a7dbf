// `sluice replay` from outside: lists, verdicts, exit codes, and files that are none.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "lab/capture_reader.hpp"
#include "tests/tools/said.hpp"

namespace sluice::tools {
namespace {

using Json = nlohmann::json;

const std::string kCaptures = std::string(SLUICE_SOURCE_DIR) + "/pcaps/";

bool says(const Said& said, const std::string& words) { return said.text.find(words) != std::string::npos; }

struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "sluice-replay-XXXXXX";
    path = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path / name, std::ios::binary) << bytes;
    return path / name;
  }
};

TEST_CASE("a golden capture replays the same at the side where it was taken: exit 0") {
  const Said said = sluice("replay " + kCaptures + "close-half.pcapng");
  CHECK(said.status == 0);
  CHECK(says(said, "as the opener: the same at level timing, 9 packets, as blessed"));
  CHECK(says(said, "1 replay in 1 file: 1 the same, 0 different"));
  CHECK(
      says(sluice("replay --level segments " + kCaptures + "close-half.pcapng"), "as the opener: the same, 9 packets"));
}

TEST_CASE("what a stack of ours says differently is shown packet beside packet: exit 1") {
  const Said said = sluice("replay --as client --no-windows " + kCaptures + "kernel/linux-sluice.pcapng");
  CHECK(said.status == 1);
  CHECK(says(said, "  captured  "));
  CHECK(says(said, "  replayed  "));
  CHECK(says(said, "0 the same, 1 different"));
}

TEST_CASE("--offload and --shards replay on other hosts, byte for byte as blessed") {
  const Said offload = sluice("replay --offload " + kCaptures + "bulk-ipv6.pcapng");
  CHECK(offload.status == 0);
  CHECK(says(offload, "as blessed"));
  CHECK(says(offload, " super-segments left, "));
  const Said shards = sluice("replay --shards 2 " + kCaptures + "bulk-ipv6.pcapng");
  CHECK(shards.status == 0);
  CHECK(says(shards, "as blessed"));
  CHECK(says(shards, " packets came to the wrong shard"));
  CHECK(sluice("replay --shards none " + kCaptures + "bulk-ipv6.pcapng").status == 2);
}

TEST_CASE("--quiet keeps the sum and who differs") {
  const Said said = sluice("replay --quiet " + kCaptures + "close-half.pcapng");
  CHECK_FALSE(says(said, "as the opener"));
  CHECK(says(said, "1 the same"));
}

TEST_CASE("--list names each conversation with its packets, bytes, repetitions and end, and plays none") {
  const Said said = sluice("replay --list " + kCaptures + "loss-sender.pcapng");
  CHECK(said.status == 0);
  CHECK(says(said, "tcp 10.1.0.1:57127 > 10.1.0.2:80"));
  CHECK(says(said, "40000 / 0"));
  CHECK(says(said, "4 / 0"));
  CHECK(says(said, "closed"));
  CHECK_FALSE(says(said, "the same"));
}

TEST_CASE("a folder stands for the captures below it, and --json for one line") {
  const Said said = sluice("replay --json --level segments " + kCaptures + "kernel");
  const Json report = Json::parse(said.text);
  const auto verdict_of = [&](const std::string& name) -> Json {
    for (const Json& file : report.at("files"))
      if (file["file"].get<std::string>().ends_with("/" + name)) return file["verdicts"][0];
    return {};
  };
  const Json ours = verdict_of("linux-sluice.pcapng");
  CHECK(ours["as"] == "server");
  CHECK(ours["same"] == true);
  const Json linux_client = verdict_of("linux-linux-loss.pcap");
  CHECK(linux_client["same"] == false);
  CHECK(linux_client["differences"][0].contains("captured"));
}

TEST_CASE("each capture with Linux in it replays to the packet as it was blessed") {
  const Json report = Json::parse(sluice("replay --json " + kCaptures + "kernel").text);
  for (const Json& file : report.at("files"))
    for (const Json& verdict : file["verdicts"]) {
      CAPTURE(file["file"].get<std::string>());
      REQUIRE(verdict.contains("blessed"));
      CHECK_MESSAGE(verdict["blessed"]["same"] == true, verdict["blessed"].dump());
    }
  CHECK(report["files"].size() >= 22);
}

TEST_CASE("what is no capture is one sentence and exit 2; so is a number that no conversation has") {
  const Folder folder;
  const auto refused = [](const std::string& words, const std::string& sentence) {
    const Said said = sluice("replay " + words);
    INFO(words);
    CHECK(said.status == 2);
    CHECK(says(said, sentence));
  };
  refused(folder.write("empty.pcap", ""), "empty.pcap");
  refused(folder.write("text.pcap", "this is no capture at all, it is text"), "neither a pcapng nor a pcap");
  refused("/no/such/file.pcap", "No such file");
  std::filesystem::create_directory(folder.path / "none");
  refused((folder.path / "none").string(), "holds no .pcap or .pcapng");
  refused("--only 9 " + kCaptures + "bulk.pcapng", "holds 1 conversation");
  refused("--as nobody " + kCaptures + "bulk.pcapng", "--as");
}

TEST_CASE("a capture cut short is played as far as it goes, and exit 2 says that it was not all") {
  const Folder folder;
  std::ifstream whole(kCaptures + "bulk.pcapng", std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(whole), {}};
  const Said said = sluice("replay --as client " + folder.write("cut.pcapng", bytes.substr(0, bytes.size() / 2)));
  CHECK(said.status == 2);
  CHECK(says(said, "1 replay in 1 file"));
  CHECK(says(said, "1 file not readable to its end"));
}

/// A folder with a copy of one golden capture, blessed.
struct Blessed : Folder {
  std::string capture = path / "half.pcapng";
  std::string recording = path / "half.replayed.pcapng";
  std::string verdict = path / "half.verdict";
  Blessed() {
    std::filesystem::copy_file(kCaptures + "close-half.pcapng", capture);
    const Said said = sluice("replay --bless " + capture);
    REQUIRE_MESSAGE(said.status == 0, said.text);
  }
};

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_CASE("--bless keeps the strictest verdict and every packet, and later replays are held against them") {
  const Blessed folder;
  CHECK(content(folder.verdict).starts_with("== conversation 1 as client --level timing, packets 1 to "));
  const std::string once = content(folder.recording);
  const Said said = sluice("replay " + folder.path.string());
  CHECK(said.status == 0);
  CHECK(says(said, "the same at level timing, 9 packets, as blessed"));
  CHECK(says(said, "1 replay in 1 file: 1 the same, 0 different (1 held against what was blessed)"));
  CHECK(sluice("replay --bless " + folder.capture).status == 0);
  CHECK(content(folder.recording) == once);
  const Json report = Json::parse(sluice("replay --json " + folder.path.string()).text);
  CHECK(report["files"][0]["verdicts"][0]["blessed"]["same"] == true);
}

TEST_CASE("a stack that says anything else than what was blessed is told by packet and field: exit 1") {
  const Blessed folder;
  const lab::Capture kept = lab::load_capture(folder.recording);
  const auto change = [&](std::size_t packet, std::size_t at) {
    std::string bytes(kept.file.begin(), kept.file.end());
    const auto offset = kept.packets.at(packet).bytes.data() - kept.file.data();
    bytes[static_cast<std::size_t>(offset) + at] ^= 1;
    folder.write("half.replayed.pcapng", bytes);
    return sluice("replay " + folder.capture);
  };
  REQUIRE(kept.packets.at(2).direction == lab::Direction::out);
  const Said window = change(2, 20 + 15);
  CHECK(window.status == 1);
  CHECK(says(window, "packet 3, at 0.02 s: window"));
  CHECK(says(window, "  blessed   "));
  CHECK(says(window, "  replayed  "));
  const Said checksum = change(2, 20 + 17);
  CHECK(checksum.status == 1);
  CHECK(says(checksum, "packet 3, at 0.02 s: identification, checksum or text"));
}

TEST_CASE("another verdict than the blessed one is a difference, one that can't be read is exit 2") {
  const Blessed folder;
  const std::string text = content(folder.verdict);
  folder.write("half.verdict", text + "and more\n");
  const Said said = sluice("replay " + folder.capture);
  CHECK(said.status == 1);
  CHECK(says(said, "half.verdict has other words"));
  folder.write("half.verdict", "== conversation one\n");
  CHECK(sluice("replay " + folder.capture).status == 2);
  folder.write("half.verdict", "== conversation 7 as client --level acks, packets 1 to 3\n");
  CHECK(sluice("replay " + folder.capture).status == 2);
  std::filesystem::remove(folder.verdict);
  CHECK(sluice("replay " + folder.capture).status == 2);
}

TEST_CASE("with a flag that chooses what is compared the blessing is left alone") {
  const Blessed folder;
  folder.write("half.verdict", "nonsense");
  const Said said = sluice("replay --level stream " + folder.capture);
  CHECK(said.status == 0);
  CHECK_FALSE(says(said, "blessed"));
  CHECK(sluice("replay --bless --until 3 " + folder.capture).status == 2);
}

TEST_CASE("at level messages HTTP and WebSocket are compared as what they say, and other text is not played") {
  const Said said = sluice("replay --level messages " + kCaptures + "websocket.pcapng");
  CHECK(said.status == 0);
  CHECK(says(said, "the same at level messages, 10 packets, 8 messages"));
  CHECK(says(sluice("replay --level messages " + kCaptures + "bulk.pcapng"), "neither HTTP nor WebSocket"));
  CHECK(says(sluice("replay --level messages " + kCaptures + "icmp-echo.pcapng"), "only TCP has messages"));
}

TEST_CASE("--until stops at a packet, --capture keeps what was said and heard till then") {
  const Folder folder;
  const std::string out = folder.path / "out.pcapng";
  CHECK(sluice("replay --until 3 --capture " + out + " " + kCaptures + "close-half.pcapng").status == 0);
  const lab::Capture capture = lab::load_capture(out);
  CHECK(capture.error.empty());
  REQUIRE(capture.packets.size() == 3);
  CHECK(capture.packets[0].direction == lab::Direction::out);
  CHECK(capture.packets[1].direction == lab::Direction::in);
  CHECK(sluice("replay --capture " + out + " " + kCaptures).status == 2);
}

TEST_CASE("a file's name that is no UTF-8 doesn't break what --json says of it") {
  const Folder folder;
  const std::string copy = folder.path / "a\xff.pcapng";
  std::filesystem::copy_file(kCaptures + "refused.pcapng", copy);
  const Said said = sluice("replay --json " + copy);
  CHECK(said.status == 0);
  CHECK(Json::parse(said.text)["files"][0]["verdicts"][0]["same"] == true);
  CHECK(Json::parse(sluice("explain --json " + copy).text)["files"].size() == 1);
}

TEST_CASE("explain draws the ladder of a capture, and tells the same as JSON") {
  const Said said = sluice("explain " + kCaptures + "loss-sender.pcapng");
  CHECK(said.status == 0);
  CHECK(says(said, "completes the handshake"));
  CHECK(says(said, "fast retransmission"));
  const Json report = Json::parse(sluice("explain --json " + kCaptures + "loss-sender.pcapng").text);
  const Json& conversation = report["files"][0]["conversations"][0];
  CHECK(conversation["opener"]["retransmitted"] == 4);
  CHECK(conversation["opener"]["retransmitted_bytes"] == 4 * 1448);
  CHECK(conversation["opener"]["mss"] == 1460);
  for (const char* figure : {"sack_blocks", "smallest_window", "most_in_flight", "throughput", "longest_idle"})
    CHECK(conversation["other"].contains(figure));
  CHECK(conversation["packets"][14]["does"] == Json{"retransmission", "fast"});
  CHECK(conversation["packets"].size() == 42);
  CHECK(sluice("explain /dev/null").status == 2);
}

}  // namespace
}  // namespace sluice::tools
