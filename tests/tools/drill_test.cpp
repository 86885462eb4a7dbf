// `sluice drill` from outside: verdicts, exit codes, reports, captures, and what it rewrites.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "lab/pcapng.hpp"
#include "tests/tools/said.hpp"
#include "tools/drill_files.hpp"

namespace sluice::tools {
namespace {

using Json = nlohmann::json;
using lab::drill::Verdict;

const std::string kPasses = "`true`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 close(3) = 0\n";
const std::string kFails = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 close(3) = 1\n";
const std::string kError = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 close(3 = 0\n";
const std::string kUnsupported = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 shmget(3) = 0\n";
const std::string kPackets =
    "0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3\n"
    "+0 connect(3, ..., ...) = -1 EINPROGRESS\n"
    "+0 > S 0:0(0) <...>\n"
    "+.1 < S. 0:0(0) ack 1 win 20000 <mss 1000>\n"
    "+0 > . 1:1(0) ack 1\n";

const std::string kTwoAtOnce =
    "+0 < . 1:1001(1000) ack 7001 win 65535\n"
    "+0 < P. 1001:2001(1000) ack 7001 win 65535\n"
    "+0 > . 7001:7001(0) ack 2001\n";
const std::string kBulk =
    "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
    "+0 bind(3, ..., ...) = 0\n"
    "+0 listen(3, 1) = 0\n"
    "+0 < S 0:0(0) win 65535 <mss 1000>\n"
    "+0 > S. 0:0(0) ack 1 <...>\n"
    "+.1 < . 1:1(0) ack 1 win 65535\n"
    "+0 accept(3, ..., ...) = 4\n"
    "+0 write(4, ..., 5000) = 5000\n"
    "+0 > . 1:1001(1000) ack 1\n"
    "+0 > . 1001:2001(1000) ack 1\n"
    "+0 > . 2001:3001(1000) ack 1\n"
    "+0 > . 3001:4001(1000) ack 1\n"
    "+0 > P. 4001:5001(1000) ack 1\n"
    "+.1 < . 1:1(0) ack 5001 win 65535\n"
    "+0 write(4, ..., 2000) = 2000\n"
    "+0 > . 5001:6001(1000) ack 1\n"
    "+0 > P. 6001:7001(1000) ack 1\n"
    "+.1 < . 1:1(0) ack 7001 win 65535\n";

bool says(const Said& said, const std::string& words) { return said.text.find(words) != std::string::npos; }

std::string content(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "sluice-drill-XXXXXX";
    path = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  /// The whole path of a file with these bytes.
  std::string write(const std::string& name, const std::string& bytes) const {
    std::filesystem::create_directories((path / name).parent_path());
    std::ofstream(path / name, std::ios::binary) << bytes;
    return path / name;
  }
};

/// The command with one script in a file.
Said drill(const std::string& script, const std::string& flags = "") {
  const Folder folder;
  return sluice("drill " + flags + " " + folder.write("one.pkt", script));
}

std::vector<lab::CapturedPacket> packets(const std::string& bytes, std::vector<std::string>& comments) {
  lab::PcapngReader reader(as_bytes(bytes));
  std::vector<lab::CapturedPacket> found;
  while (const auto packet = reader.next()) {
    found.push_back(*packet);
    comments.emplace_back(packet->comment);
  }
  CHECK(reader.error().empty());
  return found;
}

/// Every element is closed, no sign stands for itself that has to be written otherwise.
bool well_formed(std::string_view xml) {
  std::vector<std::string> open;
  for (std::size_t at = 0; (at = xml.find('<', at)) != xml.npos;) {
    const std::size_t end = xml.find('>', at);
    if (end == xml.npos) return false;
    const std::string_view tag = xml.substr(at + 1, end - at - 1);
    at = end + 1;
    if (tag.find('<') != tag.npos) return false;
    const std::string name(tag.substr(0, std::min(tag.find(' '), tag.size())));
    if (tag.starts_with("?") || tag.ends_with("/")) continue;
    if (!tag.starts_with("/")) {
      open.push_back(name);
      continue;
    }
    if (open.empty() || "/" + open.back() != name) return false;
    open.pop_back();
  }
  return open.empty();
}

}  // namespace

// --- verdicts ----------------------------------------------------------------------------------------------------

TEST_CASE("the exit code tells the verdict: 0 passed, 1 failed, 2 no script, 3 not supported") {
  CHECK(drill(kPasses).status == 0);
  CHECK(drill(kFails).status == 1);
  CHECK(drill(kError).status == 2);
  CHECK(drill(kUnsupported).status == 3);
}

TEST_CASE("--offload and --shards play the same script on other hosts, and say what was different below") {
  const Folder folder;
  const std::string script = folder.write("bulk.pkt", kBulk);
  CHECK(says(sluice("drill --strict " + script), "1 script: 1 passed in "));
  CHECK(says(sluice("drill --strict --offload " + script), "1 passed; 2 super-segments left, 0 came in "));
  // What comes as one is acknowledged once.
  const std::string merged = folder.write("merged.pkt", kBulk + kTwoAtOnce);
  CHECK(sluice("drill --strict " + merged).status == 1);
  CHECK(says(sluice("drill --strict --offload " + merged), "1 passed; 2 super-segments left, 1 came in "));
  for (const char* const flags : {"--shards 2 ", "--shards 3 --offload ", "--ip-version ipv6 --shards 16 "}) {
    const Said said = sluice(std::string("drill --strict ") + flags + script);
    CHECK(said.status == 0);
    CHECK(says(said, " packets came to the wrong shard in "));
  }
  const Json json = Json::parse(sluice("drill --json --offload --shards 2 " + script).text);
  CHECK(json["super_segments_out"] == 2);
  CHECK(json["super_segments_in"] == 0);
  CHECK(json["handed_over"] > 0);
}

TEST_CASE("--known is a table of what fails where: a failure in it is none, and a line that is not true is one") {
  const Folder folder;
  const std::string bad = folder.write("bad.pkt", kFails), good = folder.write("good.pkt", kPasses);
  const std::string table = folder.write("known.txt", "offload | bad.pkt | of a reason\nipv6 | good.pkt | no more\n");
  const std::string drill = "drill --known " + table + " ";
  CHECK(sluice(drill + bad).status == 1);
  const Said known = sluice(drill + "--offload " + bad + " " + good);
  CHECK(known.status == 0);
  CHECK(says(known, "bad.pkt: fails as is known: of a reason\n2 scripts: 1 passed, 1 known to fail in "));
  const Said stale = sluice(drill + "--ip-version ipv6 " + good);
  CHECK(stale.status == 1);
  CHECK(says(stale, "good.pkt: it passes, but " + table + " says that it fails: no more"));
  CHECK(Json::parse(sluice(drill + "--offload --json " + bad).text)["scripts"][0]["known"] == "of a reason");
  const Said wrong = sluice("drill --known " + good + " " + bad);
  CHECK(wrong.status == 2);
  CHECK(says(wrong, "line 1 is not 'when | name | reason'"));
  CHECK(sluice("drill --known " + table + ".none " + bad).status == 2);
  CHECK(sluice("drill --shards 0 " + bad).status == 2);
  CHECK(sluice("drill --shards 17 " + bad).status == 2);
}

TEST_CASE("a failure is told with its file, line and column, and what differs below it") {
  const Said failed = drill(kFails);
  CHECK(says(failed, "one.pkt:2:1: close(): it answered 0\n  expected  1\n  actual    0\n"));
  CHECK(says(failed, "1 script: 0 passed, 1 failed in "));
  const Said slip = drill(kError);
  CHECK(says(slip, "one.pkt:2:12: expected ')'\n"));
  CHECK(says(slip, "1 script: 0 passed, 1 with errors in "));
  CHECK(says(drill(kUnsupported), "one.pkt:2: there is no call shmget()\n1 script: 0 passed, 1 not supported in "));
}

TEST_CASE("of several scripts the worst counts: failures before slips before what isn't supported") {
  const Folder folder;
  const std::string good = folder.write("good.pkt", kPasses), bad = folder.write("bad.pkt", kFails),
                    slip = folder.write("slip.pkt", kError), other = folder.write("other.pkt", kUnsupported);
  CHECK(sluice("drill " + good + " " + good).status == 0);
  CHECK(sluice("drill " + good + " " + other).status == 3);
  CHECK(sluice("drill " + other + " " + slip).status == 2);
  const Said all = sluice("drill " + slip + " " + other + " " + bad + " " + good);
  CHECK(all.status == 1);
  CHECK(says(all, "4 scripts: 1 passed, 1 failed, 1 with errors, 1 not supported in "));
}

TEST_CASE("a folder stands for the .pkt files below it, in the order of their names") {
  const Folder folder;
  folder.write("b.pkt", kFails);
  folder.write("a/deep/c.pkt", kUnsupported);
  folder.write("a.txt", kError);
  const Said said = sluice("drill -j 4 " + folder.path.string());
  CHECK(said.status == 1);
  CHECK(said.text.find("c.pkt:2") < said.text.find("b.pkt:2"));
  CHECK(says(said, "2 scripts: 0 passed, 1 failed, 1 not supported"));
}

TEST_CASE("a path that isn't there, a folder without scripts and a wrong flag are one sentence and exit 2") {
  const Folder folder;
  const auto refused = [](const std::string& words, const std::string& sentence) {
    const Said said = sluice("drill " + words);
    INFO(words);
    CHECK(said.status == 2);
    CHECK(says(said, sentence));
  };
  refused("/no/such.pkt", "/no/such.pkt: there is no such file");
  refused(folder.path.string(), "there is no .pkt file in this folder");
  refused("", "SCRIPT is required");
  refused("--profile bsd x.pkt", "--profile");
  refused("--ip-version 5 x.pkt", "--ip-version");
  refused("-D NAME " + folder.write("a.pkt", kPasses), "-D: 'NAME' is not NAME=VALUE");
  refused("-D =5 " + folder.write("a.pkt", kPasses), "is not NAME=VALUE");
  refused("-j x " + folder.write("a.pkt", kPasses), "--jobs");
  refused("--junit /no/such/folder/x.xml " + folder.write("a.pkt", kPasses), "can't be written");
}

// --- what is said ------------------------------------------------------------------------------------------------

TEST_CASE("--quiet says the sum alone") {
  for (const char* flag : {"--quiet", "-q"}) {
    const Said said = drill(kFails, flag);
    CHECK(said.status == 1);
    CHECK(said.text.starts_with("1 script: 0 passed, 1 failed in "));
    CHECK(std::count(said.text.begin(), said.text.end(), '\n') == 1);
  }
}

TEST_CASE("what code prints and what is left over is said of scripts that pass") {
  CHECK(drill("%{ print('hello', 5) }%\n").text.starts_with("hello 5\n1 script: 1 passed in "));
  const std::string script = kPackets.substr(0, kPackets.find("+0 > . 1:1"));
  const Said said = drill(script);
  CHECK(said.status == 0);
  CHECK(says(said, "one.pkt: left over: 0.1 > . 1:1(0) ack 1 win 65535\n"));
  CHECK(drill(script, "--strict").status == 1);
}

TEST_CASE("--trace prints every event of the stack") {
  CHECK(says(drill(kPackets, "--trace"), "0.000000 state from=CLOSED to=SYN-SENT\n"));
  CHECK(says(drill(kPackets, "--trace"), "segment_out"));
}

TEST_CASE("--json is one line that tells of each script") {
  const Folder folder;
  const std::string flags = "drill --json " + folder.write("a.pkt", kPackets.substr(0, kPackets.find("+0 > . 1:1"))) +
                            " " + folder.write("b.pkt", kFails);
  const Said said = sluice(flags);
  CHECK(said.status == 1);
  CHECK(std::count(said.text.begin(), said.text.end(), '\n') == 1);
  const Json report = Json::parse(said.text);
  REQUIRE(report["scripts"].size() == 2);
  CHECK(report["scripts"][0]["verdict"] == "passed");
  CHECK(report["scripts"][0]["virtual_seconds"].get<double>() == doctest::Approx(0.1));
  CHECK(report["scripts"][0]["leftovers"].size() == 1);
  CHECK_FALSE(report["scripts"][0].contains("message"));
  CHECK(report["scripts"][1]["message"] == "close(): it answered 0");
  CHECK(report["scripts"][1]["line"] == 2);
  CHECK(report["passed"] == 1);
  CHECK(report["failed"] == 1);
}

TEST_CASE("bytes in a script that are no UTF-8 don't break the reports") {
  const Folder folder;
  const std::string script = folder.write("a.pkt", "--mtu=\xff\xfe\n" + kPasses), xml = folder.path / "out.xml";
  const Said said = sluice("drill --json --junit " + xml + " " + script);
  CHECK(said.status == 2);
  CHECK(Json::parse(said.text)["scripts"][0]["verdict"] == "error");
  CHECK(content(xml).find('\xff') == std::string::npos);
}

TEST_CASE("--junit writes a report whose signs are escaped") {
  const Folder folder;
  const std::string xml = folder.path / "out.xml";
  folder.write("good.pkt", kPasses);
  folder.write("bad.pkt", "%{ assert '\"' == '&<>', '\x01' }%\n");
  folder.write("slip.pkt", kError);
  folder.write("other.pkt", kUnsupported);
  CHECK(sluice("drill --junit " + xml + " " + folder.path.string()).status == 1);
  const std::string text = content(xml);
  CHECK(well_formed(text));
  CHECK(text.find("tests=\"4\" failures=\"1\" errors=\"1\" skipped=\"1\"") != std::string::npos);
  CHECK(text.find("assert &apos;") == std::string::npos);
  CHECK(text.find("assert '&quot;' == '&amp;&lt;&gt;' does not hold: ?") != std::string::npos);
  CHECK(text.find("name=\"good.pkt\" time=\"") != std::string::npos);
  CHECK(text.find("<error message=\"") != std::string::npos);
  CHECK(text.find("<skipped message=\"") != std::string::npos);
}

// --- what it takes -----------------------------------------------------------------------------------------------

TEST_CASE("-D defines names that values of calls may use") {
  CHECK(drill("0 socket(..., KIND, 0) = FD\n+0 close(FD) = 0\n", "-D KIND=SOCK_STREAM -D FD=5").status == 0);
  CHECK(drill("0 socket(..., KIND, 0) = 3\n").status == 2);
}

TEST_CASE("--ip-version says which packets leave, and of which family a socket is") {
  const auto syn = [](const std::string& mss) {
    return "0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3\n"
           "+0 connect(3, ..., ...) = -1 EINPROGRESS\n+0 > S 0:0(0) <mss " +
           mss + ",sackOK,TS val 1 ecr 0,nop,wscale 7>\n";
  };
  const std::string of_v6 =
      "0 socket(..., SOCK_STREAM, 0) = 3\n+0 getsockopt(3, SOL_SOCKET, SO_DOMAIN, [10], [4]) = 0\n";
  for (const char* flag : {"", "--ip-version ipv4", "--ip-version ipv4-mapped-ipv6", "--ip_version=ipv4"})
    CHECK(drill(syn("1460"), flag).status == 0);
  CHECK(drill(syn("1460"), "--ip-version ipv6").status == 1);
  CHECK(drill(syn("1440"), "--ip-version ipv6").status == 0);
  CHECK(drill(of_v6, "--ip-version ipv4").status == 1);
  CHECK(drill(of_v6, "--ip-version ipv4-mapped-ipv6").status == 0);
}

TEST_CASE("--tolerance-usecs says how far off times may be") {
  const std::string early = kPackets.substr(0, kPackets.find("+0 > . 1:1")) + "+.003 > . 1:1(0) ack 1\n";
  CHECK(drill(early).status == 0);
  CHECK(drill(early, "--tolerance-usecs 0").status == 1);
  CHECK(drill(early, "--tolerance_usecs=0").status == 1);
  CHECK(drill(early, "--tolerance-usecs 3000").status == 0);
}

TEST_CASE("--profile linux gives up a SYN earlier, after six repetitions in place of seven") {
  const auto gives_up = [](const std::string& seconds) {
    return "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0..." + seconds + " connect(3, ..., ...) = -1 ETIMEDOUT\n";
  };
  CHECK(drill(gives_up("127"), "--profile linux").status == 0);
  CHECK(drill(gives_up("127"), "--profile sluice").status == 1);
  CHECK(drill(gives_up("247")).status == 0);
}

TEST_CASE("--ignore-shell skips commands that mean nothing here") {
  CHECK(drill("`reboot`\n" + kPasses).status == 2);
  CHECK(drill("`reboot`\n" + kPasses, "--ignore-shell").status == 0);
}

// --- what it writes ----------------------------------------------------------------------------------------------

TEST_CASE("--capture writes what passed, with why each packet left") {
  const Folder folder;
  const std::string out = folder.path / "seen.pcapng";
  CHECK(sluice("drill --capture " + out + " " + folder.write("a.pkt", kPackets)).status == 0);
  const std::string bytes = content(out);
  std::vector<std::string> comments;
  const auto all = packets(bytes, comments);
  REQUIRE(all.size() == 3);
  CHECK(all[0].direction == lab::Direction::out);
  CHECK(all[1].direction == lab::Direction::in);
  CHECK(all[1].time - all[0].time == std::chrono::milliseconds(100));
  CHECK(comments[0].starts_with("open: the SYN of connect() (RFC 9293 3.10.1)\nSYN-SENT: snd.una 0 nxt 1 wnd 0"));
  CHECK(comments[1].empty());
}

TEST_CASE("--capture of several scripts is a folder with a file each") {
  const Folder folder;
  const std::filesystem::path out = folder.path / "captures";
  const std::string words = folder.write("a.pkt", kPackets) + " " + folder.write("b.pkt", kFails);
  CHECK(sluice("drill --capture " + out.string() + " " + words).status == 1);
  CHECK(content(out / "a.pcapng").size() > content(out / "b.pcapng").size());
  CHECK(std::filesystem::exists(out / "b.pcapng"));
}

TEST_CASE("--update rewrites what differs, and then the script passes") {
  const Folder folder;
  std::string wrong = kPackets;
  wrong.replace(wrong.find("> . 1:1"), 7, "> P. 1:1");
  const std::string path = folder.write("a.pkt", "// kept\n" + wrong);
  CHECK(sluice("drill " + path).status == 1);
  const Said said = sluice("drill --update " + path);
  CHECK(said.status == 0);
  CHECK(says(said, "a.pkt: rewritten\n"));
  CHECK(says(said, "1 script: 1 passed, 1 rewritten"));
  CHECK(content(path) == "// kept\n" + kPackets);
  CHECK_FALSE(says(sluice("drill --update " + path), "rewritten"));
}

TEST_CASE("--mutants breaks each expectation, and one that isn't noticed is exit 1") {
  CHECK(says(drill(kPackets, "--mutants"), " mutants noticed (100.00 %)"));
  CHECK(drill(kPackets, "--mutants").status == 0);
  const Said missed = drill("%{ assert 1 or 2 }%\n%{ if 0: assert 1 }%\n", "--mutants");
  CHECK(missed.status == 1);
  CHECK(says(missed, "one.pkt: not noticed: line 2: assertion\n"));
  CHECK(says(missed, "1 of 2 mutants noticed (50.00 %)"));
}

// --- the sums ----------------------------------------------------------------------------------------------------

TEST_CASE("a file that can't be read is an error of that file alone") {
  const Folder folder;
  std::filesystem::create_symlink(folder.path / "nowhere", folder.path / "gone.pkt");
  folder.write("good.pkt", kPasses);
  const Said said = sluice("drill " + folder.path.string());
  CHECK(said.status == 0);
  CHECK(says(said, "1 script: 1 passed"));
}

TEST_CASE("exit codes and sums of results") {
  CHECK(exit_code({.passed = 3}) == 0);
  CHECK(exit_code({.passed = 3, .failed = 1, .errors = 1, .unsupported = 1}) == 1);
  CHECK(exit_code({.errors = 1, .unsupported = 1}) == 2);
  CHECK(exit_code({.passed = 9, .unsupported = 1}) == 3);
  CHECK(exit_code({.passed = 1, .mutants = {.all = 2, .caught = 1, .missed = {"line 1: PSH"}}}) == 1);
  CHECK(totals_text({.passed = 2}, 1.5) == "2 scripts: 2 passed in 1.50 s\n");
  CHECK(totals_text({}, 0) == "0 scripts: 0 passed in 0.00 s\n");
}

TEST_CASE("a missed mutant is a failure in the report of JUnit, too") {
  DrillResult result;
  result.path = "a.pkt";
  result.mutants = {.all = 2, .caught = 1, .missed = {"line 7: ack + 1"}};
  const std::string xml = junit_xml({result});
  CHECK(well_formed(xml));
  CHECK(xml.find("failures=\"1\"") != std::string::npos);
  CHECK(xml.find("line 7: ack + 1") != std::string::npos);
}

}  // namespace sluice::tools
