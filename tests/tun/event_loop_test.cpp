// The loop: who is called when, what happens to handlers that come late or go early, and how it ends.
#include "tun/event_loop.hpp"

#include <doctest/doctest.h>
#include <unistd.h>
#include <csignal>

#include <string>
#include <thread>
#include <vector>

#include "tests/tun/twins.hpp"
#include "tun/error.hpp"

namespace sluice::tun {
namespace {

using namespace std::chrono_literals;

/// Accepts one connection and keeps it.
struct Acceptance {
  explicit Acceptance(EventLoop& loop) : listener(*loop.stack().listen(kServer)) {
    loop.on(listener, [this](Readiness) {
      while (auto accepted = listener.accept()) socket = std::move(*accepted);
    });
  }
  tcp::Listener listener;
  tcp::Socket socket;
};

std::string read_all(tcp::Socket& socket) {
  std::string text;
  for (MutableBytes bytes = socket.peek(); !bytes.empty(); bytes = socket.peek()) {
    text += as_text(bytes);
    socket.consume(bytes.size());
  }
  return text;
}

Time real_time() noexcept { return monotonic_now(); }

}  // namespace

TEST_CASE("a connection opens, carries bytes and ends, each told to the handler of its socket") {
  Twins twins;
  Acceptance server(twins.server);
  auto client = *twins.client_stack.connect(kServer);
  Readiness seen = Readiness::none;
  twins.client.on(client, [&](Readiness ready) { seen |= ready; });
  REQUIRE(twins.run_until([&] { return static_cast<bool>(server.socket); }));
  CHECK(any(seen & Readiness::connected));

  std::string heard;
  twins.server.on(server.socket, [&](Readiness) { heard += read_all(server.socket); });
  CHECK(*client.write(as_bytes("hello")) == 5);
  CHECK(twins.run_until([&] { return heard == "hello"; }));
  server.socket.finish();
  CHECK(twins.run_until([&] { return any(seen & Readiness::peer_closed); }));
  CHECK(client.at_eof());
}

TEST_CASE("readiness that was told before on() is told then") {
  Twins twins;
  Acceptance server(twins.server);
  auto client = *twins.client_stack.connect(kServer);
  CHECK(twins.run_until([&] { return client.state() == tcp::State::established; }));
  (void)client.write(as_bytes("early"));
  REQUIRE(twins.run_until([&] { return server.socket && server.socket.readable() == 5; }));

  bool told = false;
  twins.server.on(server.socket, [&](Readiness ready) { told = any(ready & Readiness::readable); });
  CHECK(twins.run_until([&] { return told; }));
}

TEST_CASE("a handler may close its own socket, replace itself or forget itself while it runs") {
  Twins twins;
  Acceptance server(twins.server);
  auto client = *twins.client_stack.connect(kServer);
  std::vector<std::string> calls;
  const auto token = std::make_shared<int>(0);
  twins.client.on(client, [&, token](Readiness) {
    calls.push_back("first");
    twins.client.on(client, [&](Readiness ready) {
      calls.push_back("second");
      if (!any(ready & Readiness::readable)) return;
      twins.client.off(client);
      client.close();
    });
  });
  REQUIRE(twins.run_until([&] { return static_cast<bool>(server.socket); }));
  CHECK(token.use_count() == 1);
  (void)server.socket.write(as_bytes("x"));
  CHECK(twins.run_until([&] { return !client; }));
  CHECK(calls.front() == "first");
  CHECK(calls.back() == "second");
}

TEST_CASE("off() forgets what the handler holds, and a stale name harms nobody") {
  Twins twins;
  auto client = *twins.client_stack.connect(kServer);
  const SocketId name = id_of(client);
  const auto token = std::make_shared<int>(0);
  twins.client.on(name, [token](Readiness) {});
  CHECK(token.use_count() == 2);
  twins.client.off(name);
  CHECK(token.use_count() == 1);
  client.close();
  twins.client.off(name);
  twins.client.off({SocketKind::udp, {1000, 1}});
}

TEST_CASE("the handler of a socket that is gone dies when its slot has a new tenant") {
  Twins twins;
  const auto token = std::make_shared<int>(0);
  const SocketId old{SocketKind::udp, {3, 1}};
  twins.client.on(old, [token](Readiness) {});
  twins.client.on({SocketKind::udp, {3, 2}}, [](Readiness) {});
  CHECK(token.use_count() == 1);
}

TEST_CASE("alarms ring in their order, when they are due, unless cancelled") {
  Twins twins;
  EventLoop& loop = twins.client;
  std::string rung;
  loop.after(20ms, [&] { rung += "c"; });
  const auto never = loop.after(15ms, [&] { rung += "x"; });
  loop.after(10ms, [&] {
    rung += "a";
    loop.after(0ms, [&] { rung += "b"; });
  });
  loop.cancel(never);
  loop.cancel({});
  twins.turn_both();
  CHECK(rung.empty());
  Twins::time += 10ms;
  twins.turn_both();
  CHECK(rung == "a");
  twins.turn_both();
  CHECK(rung == "ab");
  Twins::time += 10ms;
  twins.turn_both();
  CHECK(rung == "abc");
}

TEST_CASE("deferred calls run once, those that they defer in the next turn") {
  Twins twins;
  std::string order;
  twins.client.defer([&] {
    order += "1";
    twins.client.defer([&] { order += "2"; });
  });
  twins.turn_both();
  CHECK(order == "1");
  twins.turn_both();
  CHECK(order == "12");
}

TEST_CASE("another thread's post() wakes a sleeping loop") {
  auto ends = packet_pair();
  FdDevice device(std::move(ends[0]), 1500);
  Stack stack(host("10.0.0.1/24", 1));
  EventLoop loop(stack, device, {.clock = real_time});
  int calls = 0;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) loop.post([&] { ++calls; });
    loop.post([&] { loop.stop(); });
  });
  CHECK(loop.run());
  other.join();
  CHECK(calls == 100);
  CHECK(loop.stopping());
}

TEST_CASE("other descriptors are watched as long as they are ready, until unwatched") {
  Twins twins;
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  int calls = 0;
  Readiness seen = Readiness::none;
  twins.client.watch(reader.number(), Readiness::readable, [&](Readiness ready) {
    seen = ready;
    ++calls;
  });
  twins.turn_both();
  CHECK(calls == 0);
  REQUIRE(::write(writer.number(), "x", 1) == 1);
  twins.turn_both();
  twins.turn_both();
  CHECK(calls == 2);
  CHECK(seen == Readiness::readable);
  writer.reset();
  twins.turn_both();
  CHECK(any(seen & Readiness::failed));
  twins.client.watch(reader.number(), Readiness::readable | Readiness::writable, [&](Readiness) {
    twins.client.unwatch(reader.number());
    calls = 100;
  });
  twins.turn_both();
  twins.turn_both();
  CHECK(calls == 100);
  twins.client.unwatch(reader.number());
  CHECK_THROWS_AS(twins.client.watch(-1, Readiness::readable, nullptr), Error);
}

TEST_CASE("stop() lets the application close, then goes on until no connection is left") {
  Twins twins;
  Acceptance server(twins.server);
  auto client = *twins.client_stack.connect(kServer);
  REQUIRE(twins.run_until([&] { return static_cast<bool>(server.socket); }));
  std::string order;
  auto kept = std::make_shared<tcp::Socket>(std::move(client));
  std::weak_ptr<tcp::Socket> observer = kept;
  twins.client.keep(kept);
  twins.client.on_stop([&] { order += "first given, called last"; });
  twins.client.on_stop([&] { order += "last given, "; });
  kept.reset();
  CHECK(!observer.expired());

  twins.client.stop();
  twins.turn_both();
  CHECK(order == "last given, first given, called last");
  CHECK(observer.expired());
  CHECK(twins.run_until([&] { return server.socket.at_eof(); }));
  server.socket.close();
  CHECK(twins.run_until([&] { return twins.client_stack.tcp().connection_count() == 0; }));
  CHECK(twins.client.run());
}

TEST_CASE("a drain that takes too long ends all the same, and a second stop() at once") {
  Twins twins({.drain = 5s});
  auto client = *twins.client_stack.connect(*Endpoint::parse("10.0.0.9:1"));
  twins.client.stop();
  twins.turn_both();
  CHECK(twins.client_stack.tcp().connection_count() == 1);
  SUBCASE("time") { Twins::time += 6s; }
  SUBCASE("again") { twins.client.stop(); }
  CHECK(twins.client.run());
}

TEST_CASE("a socket that only its handler holds closes in an orderly way when the drain is over") {
  Twins twins({.drain = 1s});
  Acceptance server(twins.server);
  auto client = std::make_shared<tcp::Socket>(*twins.client_stack.connect(kServer));
  twins.client.on(*client, [kept = client](Readiness) {});
  REQUIRE(twins.run_until([&] { return static_cast<bool>(server.socket); }));
  client.reset();
  twins.client.stop();
  twins.turn_both();
  CHECK(!server.socket.at_eof());
  Twins::time += 1s;
  CHECK(twins.client.run());
  REQUIRE(twins.server.turn());
  CHECK(server.socket.at_eof());
}

TEST_CASE("a signal stops the loop in an orderly way and is blocked only while the loop lives") {
  sigset_t before;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &before);
  {
    Twins twins;
    twins.client.stop_on({SIGTERM});
    twins.client.stop_on({SIGTERM, SIGINT});
    ::raise(SIGTERM);
    CHECK(twins.client.run());
    CHECK(twins.client.stopping());
  }
  sigset_t after;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &after);
  CHECK(::sigismember(&after, SIGTERM) == ::sigismember(&before, SIGTERM));
}

TEST_CASE("a device that is gone ends the loop with an error") {
  auto ends = packet_pair();
  FdDevice device(std::move(ends[0]), 1500);
  Stack stack(host("10.0.0.1/24", 1));
  EventLoop loop(stack, device, {.clock = real_time});
  ends[1].reset();
  CHECK(loop.run().error() == Errc::io_error);
}

TEST_CASE("a full device is offered its frames again when it is writable, and the loop sleeps in between") {
  auto ends = packet_pair();
  FdDevice device(std::move(ends[0]), 1500);
  Stack stack(host("10.0.0.1/24", 1));
  EventLoop loop(stack, device, {.clock = real_time});
  auto socket = *stack.bind_udp(*Endpoint::parse("10.0.0.1:9"), {.send_buffer = std::size_t{4} << 20});
  const std::string kilobyte(1000, 'x');
  int queued = 0;
  while (device.counters()[DeviceCounter::full] == 0) {
    while (socket.send_to(*Endpoint::parse("10.0.0.2:9"), as_bytes(kilobyte))) ++queued;
    REQUIRE(loop.turn());
  }
  const std::uint64_t turns = loop.turns();
  REQUIRE(loop.turn(10ms));
  CHECK(loop.turns() == turns + 1);

  std::array<char, 2000> room{};
  for (int quiet = 0; quiet < 3; ++quiet) {
    while (::read(ends[1].number(), room.data(), room.size()) > 0) quiet = 0;
    REQUIRE(loop.turn(1ms));
  }
  CHECK(device.counters()[DeviceCounter::packets_out] == static_cast<std::uint64_t>(queued));
}

TEST_CASE("spinning finds work without sleeping, and ends") {
  Twins twins;
  auto ends = packet_pair();
  FdDevice device(std::move(ends[0]), 1500);
  Stack stack(host("10.0.0.1/24", 1));
  EventLoop loop(stack, device, {.spin = 2ms, .clock = real_time});
  CHECK(loop.turn(1ms));
  loop.after(5ms, [&] { loop.stop(); });
  CHECK(loop.run());
}

TEST_CASE("what the loop holds may hold sockets of its own when it dies") {
  Twins twins;
  auto other = std::make_unique<EventLoop>(twins.client_stack, twins.client_device);
  EventLoop* loop = other.get();
  auto socket = std::make_shared<tcp::Socket>(*twins.client_stack.connect(kServer));
  const SocketId name = id_of(*socket);
  std::shared_ptr<void> unlisten(nullptr, [loop, name](void*) { loop->off(name); });
  loop->on(name, [socket, unlisten](Readiness) {});
  loop->keep(std::make_shared<std::shared_ptr<void>>(unlisten));
  loop->defer([unlisten] {});
  loop->post([unlisten] {});
  const auto alive = loop->alive();
  CHECK(!alive.expired());
  unlisten.reset();
  other.reset();
  CHECK(alive.expired());
}

}  // namespace sluice::tun
