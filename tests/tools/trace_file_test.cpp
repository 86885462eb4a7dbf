// Events as lines of JSON.
#include "tools/trace_file.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tools/sha256.hpp"
#include "tun/error.hpp"

namespace sluice::tools {
namespace {

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("a trace has a version, and a line an event with its time since the beginning") {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("sluice-trace-" + std::to_string(::getpid()))).string();
  {
    TraceFile trace(path, Time(std::chrono::seconds(5)), std::chrono::seconds(1000));
    Tracer tracer(&trace);
    tracer.tell(Time(std::chrono::seconds(6)), TraceKind::state, 0xff, {{"from", 0, "CLOSED"}, {"to", 0, "LISTEN"}});
    tracer.tell(Time(std::chrono::seconds(7)), TraceKind::drop, 0, {{"layer", 0, "tcp"}, {"count", -3}});
    CHECK(trace.events() == 2);
    CHECK(trace.error().empty());
  }
  CHECK(text_of(path) ==
        "{\"trace\":\"sluice\",\"version\":1,\"began_unix_ns\":1005000000000}\n"
        "{\"t_ns\":1000000000,\"kind\":\"state\",\"flow\":\"00000000000000ff\",\"from\":\"CLOSED\",\"to\":\"LISTEN\"}\n"
        "{\"t_ns\":2000000000,\"kind\":\"drop\",\"layer\":\"tcp\",\"count\":-3}\n");
  std::filesystem::remove(path);
}

TEST_CASE("a disk that is full ends the trace with a sentence; a path that can't be is an error at once") {
  TraceFile full("/dev/full", Time(), std::chrono::seconds(0));
  CHECK(full.error() == "the trace /dev/full ended early: No space left on device");
  Tracer(&full).tell(Time(), TraceKind::drop, 0, {});
  CHECK(full.events() == 0);
  CHECK_THROWS_AS(TraceFile("/no/such/folder/trace", Time(), std::chrono::seconds(0)), tun::Error);
}

TEST_CASE("SHA-256 of bytes in pieces is that of the whole [FIPS 180-4]") {
  Sha256 digest;
  digest.add(as_bytes("a"));
  digest.add({});
  digest.add(as_bytes("bc"));
  CHECK(digest.finish() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(Sha256().finish() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace sluice::tools
