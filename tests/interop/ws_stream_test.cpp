// A message that is larger than memory: ten gigabytes each way through two sessions, measured by the kernel's own count
// of this process's pages. Here and not with the unit tests, because it takes a build that is optimised.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "tests/ws/memory_pipe.hpp"
#include "ws/connection.hpp"
#include "ws/echo.hpp"

namespace sluice::ws {
namespace {

constexpr std::uint64_t kWhole = 10'000'000'000;
constexpr std::size_t kPattern = 65521;  ///< no multiple of anything: a shift would show

std::size_t resident_bytes() {
  std::size_t total = 0;
  std::size_t resident = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  REQUIRE(file);
  const int read = std::fscanf(file, "%zu %zu", &total, &resident);
  std::fclose(file);
  REQUIRE(read == 2);
  return resident * 4096;
}

/// The bytes of the message, over and over: twice, so that any run of up to kPattern bytes is contiguous.
std::vector<std::uint8_t> pattern() {
  std::vector<std::uint8_t> bytes(2 * kPattern);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>((i % kPattern) * 2654435761u >> 13);
  return bytes;
}

/// Counts what comes back and holds it against the pattern.
struct Judge {
  const std::vector<std::uint8_t>& expected;
  std::uint64_t seen = 0;
  std::uint64_t wrong = 0;
  bool ended = false;

  void operator()(const Event& event, Session&) {
    const auto* data = std::get_if<Data>(&event);
    if (!data) return;
    Bytes rest = data->bytes;
    while (!rest.empty()) {
      const std::size_t at = static_cast<std::size_t>(seen % kPattern);
      const Bytes part = rest.first(std::min(rest.size(), kPattern));
      if (std::memcmp(part.data(), expected.data() + at, part.size()) != 0) ++wrong;
      seen += part.size();
      rest = rest.subspan(part.size());
    }
    ended = data->last;
  }
};

Settings without_limits() {
  Settings settings;
  settings.max_frame = settings.max_message = kWhole;
  settings.max_fragments = 1u << 30;
  return settings;
}

}  // namespace

TEST_CASE("a message of 10 GB streams there and back in less than 2 MiB [A-WS-19]") {
  const Settings settings = without_limits();
  const std::vector<std::uint8_t> bytes = pattern();
  Random random(Key{3}, KeyUse::websocket_mask);
  test::MemoryPipe pipe;
  Connection<test::MemoryStream> server(pipe.server, Role::server, settings);
  Connection<test::MemoryStream> client(pipe.client, Role::client, settings, &random);
  Judge judge{bytes};
  const Time now = Time{} + std::chrono::hours(1);
  REQUIRE(client.session().begin(MessageType::binary));
  std::uint64_t said = 0;
  std::size_t before = 0;
  std::size_t most = 0;
  for (std::uint64_t turn = 0; !judge.ended; ++turn) {
    while (said < kWhole && client.session().writable() > 0) {
      const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(kPattern, kWhole - said));
      REQUIRE(client.session().append(Bytes(bytes).subspan(static_cast<std::size_t>(said % kPattern), size)));
      said += size;
      if (said == kWhole) REQUIRE(client.session().end());
    }
    client.pump(now, judge);
    server.pump(now, Echo());
    if (turn == 1000) before = resident_bytes();
    if (turn % 1000 == 0) most = std::max(most, resident_bytes());
  }
  CHECK(judge.seen == kWhole);
  CHECK(judge.wrong == 0);
  CHECK(most - before < (2u << 20));
}

TEST_CASE("one frame of 10 GB is read as it comes, in less than 2 MiB [WS-5.2-5]") {
  const Settings settings = without_limits();
  std::vector<std::uint8_t> bytes = pattern();
  const std::vector<std::uint8_t> expected = bytes;
  Session server(Role::server, settings);
  std::vector<std::uint8_t> head(kMaxHeader);
  head.resize(write_header(head, {true, 0, Opcode::binary, true, {}, kWhole}));  // the key of zeros
  CHECK(server.receive(head) == head.size());
  Judge judge{expected};
  const std::size_t before = resident_bytes();
  std::size_t most = before;
  for (std::uint64_t sent = 0; sent < kWhole;) {
    const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(kPattern, kWhole - sent));
    MutableBytes input = MutableBytes(bytes).subspan(static_cast<std::size_t>(sent % kPattern), size);
    while (!input.empty()) {
      input = input.subspan(server.receive(input));
      while (const auto event = server.poll_event()) judge(*event, server);
    }
    sent += size;
    most = std::max(most, resident_bytes());
  }
  CHECK(judge.ended);
  CHECK(judge.seen == kWhole);
  CHECK(judge.wrong == 0);
  CHECK(most - before < (2u << 20));
}

}  // namespace sluice::ws
