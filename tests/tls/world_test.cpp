// TLS between two stacks over bad links, in virtual time.
#include <doctest/doctest.h>

#include "http/tls/stream.hpp"
#include "tests/support/world.hpp"
#include "tests/tls/couple.hpp"

namespace sluice::tls::test {
namespace {

using sluice::test::pattern_byte;
using sluice::test::World;
using sluice::test::WorldSettings;
using Secure = Stream<tcp::Socket>;
static_assert(ByteStream<Secure>);

WorldSettings lossy(double loss, std::uint64_t stream) {
  lab::ImpairmentSettings link;
  link.loss = loss;
  link.delay = std::chrono::milliseconds(20);
  WorldSettings settings;
  settings.to_left = settings.to_right = link;
  settings.stream = stream;
  return settings;
}

/// Writes a pattern into one stream and checks what comes out of the other.
struct Traffic {
  Secure& from;
  Secure& to;
  std::uint64_t total;
  bool finishes = true;
  std::uint64_t sent = 0;
  std::uint64_t got = 0;
  bool good = true;

  void step() {
    from.peek();
    while (sent < total && send_some()) continue;
    for (MutableBytes bytes = to.peek(); !bytes.empty(); bytes = to.peek()) {
      for (const std::uint8_t byte : bytes) good &= byte == pattern_byte(1, got++);
      to.consume(bytes.size());
    }
  }
  bool send_some() {
    const ByteVector bytes = sluice::test::pattern(1, sent, std::min<std::uint64_t>(total - sent, 5000));
    const Bytes piece(bytes);
    const Result<std::size_t> written = from.write(Gather(&piece, 1));
    if (!written || *written == 0) return false;
    sent += *written;
    if (sent == total && finishes) from.finish();
    return true;
  }
};

TEST_CASE("TLS 1.3 shakes hands and carries text over two stacks that lose a tenth of all packets") {
  for (const std::uint64_t run : {1u, 2u, 3u}) {
    CAPTURE(run);
    World world(lossy(0.1, run));
    auto pair = world.connect(443);
    Secure client(pair.first, Session(client_context(), {"server.example", kToday}, world.now()));
    Secure server(pair.second, Session(server_context(), world.now()));
    Traffic up{client, server, 300000};
    Traffic down{server, client, 300000};
    world.on_step = [&] {
      up.step();
      down.step();
    };
    const bool done = world.run_until([&] { return client.at_eof() && server.at_eof(); });
    CHECK(done);
    CHECK(client.session().version() == "TLSv1.3");
    CHECK(up.got == up.total);
    CHECK(down.got == down.total);
    CHECK((up.good && down.good));
    CHECK(client.session().state() == State::closed);
    CHECK(client.error() == Errc::none);
    CHECK(server.error() == Errc::none);
    world.on_step = nullptr;
  }
}

TEST_CASE("a middle box that ends the connection early is noticed") {
  World world;
  auto pair = world.connect(443);
  Secure client(pair.first, Session(client_context(), {"server.example", kToday}, world.now()));
  Secure server(pair.second, Session(server_context(), world.now()));
  Traffic up{client, server, 100000, false};
  world.on_step = [&] {
    up.step();
    if (up.got == up.total) pair.first.finish();  // a FIN below TLS
  };
  CHECK(world.run_until([&] { return server.error() != Errc::none; }));
  CHECK(up.got == up.total);
  CHECK(server.error() == Errc::truncated);
  world.on_step = nullptr;
}

TEST_CASE("a peer that connects and says nothing is given up in time") {
  World world;
  auto pair = world.connect(443);
  Secure server(pair.second, Session(server_context(), world.now()));
  world.run_for(server.next_timeout() - world.now());
  server.handle_timeout(world.now());
  CHECK(server.error() == Errc::timed_out);
  world.run_for(std::chrono::seconds(1));
  CHECK(pair.first.at_eof());
}

}  // namespace
}  // namespace sluice::tls::test
