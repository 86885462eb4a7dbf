// tools/plot from outside: a picture from a trace, and one sentence for what is none.
#include <doctest/doctest.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

namespace sluice::tools {
namespace {

struct Drawn {
  int status = -1;
  std::string text;
};

Drawn plot(const std::string& trace, const std::string& flags = {}) {
  const std::string path = std::filesystem::temp_directory_path() / "sluice_plot_test.jsonl";
  std::ofstream(path) << trace;
  const std::string command = SLUICE_SOURCE_DIR "/tools/plot " + path + " " + flags + " 2>&1";
  Drawn drawn;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) drawn.text += static_cast<char>(c);
  drawn.status = WEXITSTATUS(::pclose(pipe));
  std::filesystem::remove(path);
  return drawn;
}

const std::string kHead = "{\"trace\":\"sluice\",\"version\":1,\"began_unix_ns\":0}\n";
const std::string kTrace =
    kHead +
    R"({"t_ns":1000000,"kind":"congestion","flow":"0000000100000002","cwnd":14600,"ssthresh":-1,"pipe":1460}
{"t_ns":2000000,"kind":"loss","flow":"0000000100000002","bytes":1460,"una":7}
{"t_ns":3000000,"kind":"congestion","flow":"0000000100000002","cwnd":10220,"ssthresh":10220,"pipe":2920}
{"t_ns":3000000,"kind":"congestion","flow":"0000000100000003","cwnd":500,"ssthresh":-1,"pipe":0}
)";

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a trace becomes a picture of the busiest connection, with its losses") {
  const Drawn drawn = plot(kTrace);
  CHECK(drawn.status == 0);
  CHECK(drawn.text.starts_with("<svg"));
  CHECK(has(drawn.text, "0000000100000002"));
  for (const char* part : {"class=\"cwnd\"", "class=\"ssthresh\"", "class=\"pipe\"", "class=\"loss\"", "</svg>"})
    CHECK(has(drawn.text, part));
}

TEST_CASE("another connection can be named, and all of them listed") {
  CHECK(has(plot(kTrace, "--flow 100000003").text, "0000000100000003"));
  CHECK(has(plot(kTrace, "--list").text, "0000000100000002  2 events"));
  CHECK(has(plot(kTrace, "--help").text, "Examples:"));
}

TEST_CASE("what is no trace is told in a sentence and exit 2") {
  for (const auto& [trace, sentence] :
       {std::pair{std::string("hello\n"), "not a line of JSON"},
        std::pair{std::string("{}\n"), "not a trace of sluice"}, std::pair{kHead, "no connection in it"},
        std::pair{kHead + "{\"t_ns\":1,\"kind\":\"congestion\"}\n", "without its fields"}}) {
    const Drawn drawn = plot(trace);
    CHECK(drawn.status == 2);
    CHECK(has(drawn.text, sentence));
  }
  CHECK(plot(kTrace, "--flow 77").status == 2);
}

}  // namespace sluice::tools
