// Whose bytes a session sends, and what is left of it when it ends.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/ws/end.hpp"

namespace sluice::ws::test {
namespace {

constexpr std::uint8_t kForeign = 0xa5;

/// A pool whose blocks hold what somebody else left there.
struct UsedPool {
  BufferPool pool;

  UsedPool() {
    std::vector<Buffer> all;
    for (const std::size_t size : BufferPool::kClasses)
      for (int i = 0; i < 8; ++i) all.push_back(pool.take(size));
    for (Buffer& one : all) std::fill_n(one.data(), one.capacity(), kForeign);
  }
};

bool foreign(const ByteVector& bytes) { return std::search_n(bytes.begin(), bytes.end(), 3, kForeign) != bytes.end(); }

/// Every kind of thing that a session sends, in every way, as a server, whose bytes are plain.
ByteVector everything_from(End& server) {
  const std::string text(5'000, 't');
  CHECK(server.session.send_text("short"));
  CHECK(server.session.send_text(text));
  CHECK(server.session.send(MessageType::binary, Slice::copy_of(as_bytes(text))));
  CHECK(server.session.begin(MessageType::text));
  for (int i = 0; i < 5; ++i) CHECK(server.session.append(as_bytes(text)));
  CHECK(server.session.end());
  CHECK(server.session.ping());
  CHECK(server.session.ping(as_bytes(std::string(125, 'p'))));
  server.in(from_client(0x89, std::string(125, 'q')) + from_client(0x89, ""), 50);
  server.in(from_client(0x88, close_body(1000, "bye")));
  return server.out_bytes();
}

TEST_CASE("what was in a buffer before never leaves with a frame, compressed or not [A-WS-21]") {
  UsedPool used;
  Settings settings;
  settings.pool = &used.pool;
  settings.fragment_size = 3'000;
  for (const auto& deflate : {std::optional<DeflateParameters>(), std::optional(DeflateParameters())}) {
    End server(Role::server, settings, deflate);
    CHECK(!foreign(everything_from(server)));
  }
}

TEST_CASE("what a peer compressed is given out as far as it inflated, and no byte of the buffer more [A-WS-21]") {
  UsedPool used;
  Settings settings;
  settings.pool = &used.pool;
  End sender(Role::server, {}, DeflateParameters());
  End client(Role::client, settings, DeflateParameters());
  for (const std::size_t size : {100u, 10'239u, 10'240u, 10'241u, 50'000u}) {
    const std::string text(size, 'x');
    CHECK(sender.session.send_text(text));
    client.in(sender.out_bytes());
    CHECK((client.log.last() == text));
  }
}

TEST_CASE("a session that ends in the middle of everything gives every buffer back [A-WS-21]") {
  UsedPool used;
  Settings settings;
  settings.pool = &used.pool;
  DeflatePool streams;
  settings.deflate_pool = &streams;
  {
    End server(Role::server, settings, DeflateParameters());
    CHECK(server.session.begin(MessageType::text));
    CHECK(server.session.append(as_bytes(std::string(200'000, 'd'))));
    server.in(from_client(0x41, std::string(1, '\0')) + from_client(0x89, "ping"));
    CHECK(used.pool.in_use() > 0);
  }
  CHECK(used.pool.in_use() == 0);
}

}  // namespace
}  // namespace sluice::ws::test
