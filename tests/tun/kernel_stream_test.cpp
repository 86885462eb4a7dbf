// The kernel's sockets as ByteStreams, over loopback and over a pair of local sockets.
#include "tun/kernel_stream.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <array>
#include <string>

namespace sluice::tun {
namespace {

using namespace std::chrono_literals;

struct Pair {
  Pair() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
    near = KernelStream(Fd(ends[0]));
    far = KernelStream(Fd(ends[1]));
  }
  KernelStream near;
  KernelStream far;
};

/// Reads until the end of the stream, an error, or `size` bytes.
std::string read_up_to(KernelStream& stream, std::size_t size) {
  std::string text;
  while (text.size() < size && !stream.at_eof() && stream.error() == Errc::none) {
    const MutableBytes bytes = stream.peek();
    if (bytes.empty() && !stream.at_eof() && stream.error() == Errc::none && !stream.wait(5s)) break;
    text += as_text(bytes);
    stream.consume(bytes.size());
  }
  return text;
}

}  // namespace

TEST_CASE("bytes go both ways, in pieces, and the end comes after them") {
  Pair pair;
  CHECK(pair.near.peek().empty());
  CHECK(!pair.near.at_eof());
  const std::array<Bytes, 2> pieces = {as_bytes("hel"), as_bytes("lo")};
  CHECK(*pair.near.write(pieces) == 5);
  pair.near.finish();
  pair.near.finish();
  CHECK(pair.near.write(as_bytes("x")).error() == Errc::connection_closing);
  CHECK(pair.near.writable() == 0);

  CHECK(as_text(pair.far.peek()) == "hello");
  pair.far.consume(2);
  CHECK(as_text(pair.far.peek()) == "llo");
  CHECK(read_up_to(pair.far, 100) == "llo");
  CHECK(pair.far.at_eof());
  CHECK(*pair.far.write(as_bytes("bye")) == 3);
  CHECK(read_up_to(pair.near, 3) == "bye");
}

TEST_CASE("what the kernel doesn't take waits, writable() is exact, and nothing is lost") {
  Pair pair;
  const std::string block(50000, 'x');
  std::size_t written = 0;
  for (;;) {
    const std::size_t room = pair.near.writable();
    const auto count = pair.near.write(as_bytes(block));
    REQUIRE(count);
    CHECK(*count >= std::min(room, block.size()));
    written += *count;
    if (*count < block.size()) break;
  }
  CHECK(pair.near.writable() == 0);
  CHECK(any(pair.near.interest() & Readiness::writable));
  pair.near.finish();
  std::size_t read = 0;
  while (!pair.far.at_eof()) {
    const std::size_t now = pair.far.peek().size();
    pair.far.consume(now);
    read += now;
    pair.near.on_ready();
  }
  CHECK(read == written);
  CHECK(!any(pair.near.interest() & Readiness::writable));
}

TEST_CASE("a peer that is gone is an error, not a signal") {
  Pair pair;
  pair.far.abort();
  CHECK(pair.far.error() == Errc::connection_aborted);
  CHECK(pair.far.write(as_bytes("x")).error() == Errc::stale_handle);
  CHECK(pair.near.write(as_bytes("x")).error() == Errc::connection_reset);
  CHECK(pair.near.write(as_bytes("x")).error() == Errc::connection_reset);
  pair.near.on_ready();
  CHECK(pair.near.peek().empty());
}

TEST_CASE("a connection over loopback: connect, accept, write before it is established, reset") {
  for (const char* address : {"127.0.0.1:0", "[::1]:0"}) {
    CAPTURE(address);
    const auto listener = kernel_listen(*Endpoint::parse(address));
    REQUIRE(listener);
    CHECK(kernel_accept(*listener).error() == Errc::would_block);
    const auto local = kernel_local(listener->number());
    REQUIRE(local);
    CHECK(local->port != 0);

    auto client = KernelStream::connect(*local, "reno");
    REQUIRE(client);
    CHECK(*client->write(as_bytes("early")) == 5);
    while (any(client->interest() & Readiness::writable)) client->wait(1s);
    auto server = kernel_accept(*listener);
    REQUIRE(server);
    CHECK(read_up_to(*server, 5) == "early");
    server->abort();
    CHECK(read_up_to(*client, 1).empty());
    CHECK(client->error() == Errc::connection_reset);
  }
}

TEST_CASE("a connection that nobody accepts is refused") {
  Endpoint nobody;
  {
    const auto listener = kernel_listen(*Endpoint::parse("127.0.0.1:0"));
    REQUIRE(listener);
    nobody = *kernel_local(listener->number());
  }
  auto client = KernelStream::connect(nobody);
  if (client) {
    client->wait(5s);
    CHECK(client->error() == Errc::connection_refused);
  } else {
    CHECK(client.error() == Errc::connection_refused);
  }
}

TEST_CASE("what the kernel refuses at once is the error of the call") {
  CHECK(KernelStream::connect(*Endpoint::parse("127.0.0.1:9"), "no-such-algorithm").error() == Errc::not_found);
  CHECK(kernel_listen(*Endpoint::parse("192.0.2.1:1")).error() == Errc::address_not_available);
  CHECK(kernel_local(-1).error() == Errc::io_error);
  CHECK(KernelStream::connect(*Endpoint::parse("255.255.255.255:9")).error() != Errc::none);
  const KernelStream none;
  CHECK(none.writable() == 0);
}

}  // namespace sluice::tun
