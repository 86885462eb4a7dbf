// Coroutines at sockets: they wait, resume in the dispatch only, and vanish without trace when anything around them
// dies.
#include "tun/coroutines.hpp"

#include <doctest/doctest.h>

#include <array>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/tun/twins.hpp"

namespace sluice::tun {
namespace {

using namespace std::chrono_literals;

Task<> echo(Stream stream) {
  std::array<std::uint8_t, 4096> room;
  for (;;) {
    const auto count = co_await stream.read(room);
    if (!count || *count == 0) break;
    if (!co_await stream.write_all(Bytes(room).first(*count))) break;
  }
}

Task<> serve(EventLoop& loop) {
  Acceptor acceptor(loop, *loop.stack().listen(kServer));
  while (auto stream = co_await acceptor.accept()) spawn(loop, echo(std::move(*stream)));
}

/// Sends `size` bytes to the echo server, reads them back, and tells the outcome.
Task<> ask(EventLoop& loop, std::size_t size, std::string& outcome) {
  auto stream = co_await connect(loop, kServer);
  if (!stream) {
    outcome = describe(stream.error());
    co_return;
  }
  const std::string text(size, 'q');
  if (!co_await stream->write_all(as_bytes(text))) co_return;
  stream->socket().finish();
  std::string answer;
  while (co_await stream->readable() && !stream->socket().at_eof()) {
    const MutableBytes bytes = stream->socket().peek();
    answer += as_text(bytes);
    stream->socket().consume(bytes.size());
  }
  outcome = answer == text ? "echoed" : "wrong";
}

Task<int> number(int value) { co_return value; }

Task<int> sum(int count) {
  int total = 0;
  for (int i = 0; i < count; ++i) total += co_await number(1);
  co_return total;
}

Task<> nothing() { co_return; }

Task<int> failing() {
  throw std::runtime_error("inside");
  co_return 0;
}

Task<> catching(std::string& seen) {
  try {
    (void)co_await failing();
  } catch (const std::runtime_error& error) {
    seen = error.what();
  }
}

Task<> wait_for_text(Stream& stream, std::string& outcome) {
  std::array<std::uint8_t, 16> room;
  const auto count = co_await stream.read(room);
  outcome = count ? std::string(as_text(Bytes(room).first(*count))) : std::string(describe(count.error()));
}

/// Both ends of an established connection.
struct Established {
  explicit Established(Twins& twins) {
    auto listener = *twins.server_stack.listen(kServer);
    auto socket = *twins.client_stack.connect(kServer);
    REQUIRE(twins.run_until([&] { return socket.state() == tcp::State::established && far_accepts(listener); }));
    near = Stream(twins.client, std::move(socket));
  }
  bool far_accepts(tcp::Listener& listener) {
    auto accepted = listener.accept();
    if (accepted) far = std::move(*accepted);
    return static_cast<bool>(far);
  }
  Stream near;
  tcp::Socket far;
};

/// Holds a value that says whether the coroutine's frame still exists.
Task<> sleep_holding(EventLoop& loop, Duration delay, std::shared_ptr<int> token, bool& woke) {
  co_await sleep(loop, delay);
  woke = *token == 0;
}

}  // namespace

TEST_CASE("an echo server in ten lines answers many clients at once") {
  Twins twins;
  spawn(twins.server, serve(twins.server));
  std::array<std::string, 20> outcomes;
  for (std::size_t i = 0; i < outcomes.size(); ++i) spawn(twins.client, ask(twins.client, 1 + i * 5000, outcomes[i]));
  CHECK(twins.run_until([&] {
    for (const std::string& outcome : outcomes)
      if (outcome.empty()) return false;
    return true;
  }));
  for (const std::string& outcome : outcomes) CHECK(outcome == "echoed");
}

TEST_CASE("more than the buffers hold is written while it is read") {
  Twins twins;
  std::string outcome;
  Established ends(twins);
  const auto writer = [](Stream& stream, std::string& told) -> Task<> {
    const std::string text(2'000'000, 'w');
    told = (co_await stream.write_all(as_bytes(text))) ? "written" : "failed";
  };
  spawn(twins.client, writer(ends.near, outcome));
  std::size_t read = 0;
  CHECK(twins.run_until([&] {
    const std::size_t now = ends.far.peek().size();
    ends.far.consume(now);
    read += now;
    return read == 2'000'000;
  }));
  CHECK(outcome == "written");
}

TEST_CASE("values and exceptions come out of awaited tasks, and loops over ready ones need no stack") {
  Task<int> total = sum(200000);
  CHECK(total.start());
  CHECK(total.result() == 200000);
  std::string seen;
  Task<> catcher = catching(seen);
  CHECK(catcher.start());
  CHECK(seen == "inside");
  Task<int> thrower = failing();
  CHECK(thrower.start());
  CHECK_THROWS_AS(thrower.result(), std::runtime_error);
  Task<> moved = nothing();
  moved = std::move(catcher);
  Task<> never_started = nothing();
  const Task<> empty;
}

TEST_CASE("a spawned task begins in the dispatch and is gone when it ends") {
  Twins twins;
  const auto token = std::make_shared<int>(0);
  bool woke = false;
  spawn(twins.client, sleep_holding(twins.client, 5ms, token, woke));
  spawn(twins.client, nothing());
  twins.turn_both();
  CHECK(token.use_count() == 2);
  CHECK(!woke);
  Twins::time += 5ms;
  twins.turn_both();
  CHECK(woke);
  twins.turn_both();
  CHECK(token.use_count() == 1);
}

TEST_CASE("a waiting coroutine resumes only in the dispatch, with the bytes") {
  Twins twins;
  Established ends(twins);
  std::string outcome;
  Task<> waiting = wait_for_text(ends.near, outcome);
  CHECK(!waiting.start());
  (void)ends.far.write(as_bytes("now"));
  CHECK(outcome.empty());
  CHECK(twins.run_until([&] { return !outcome.empty(); }));
  CHECK(outcome == "now");
}

TEST_CASE("destroying a waiting task unlinks it; the stream goes on") {
  Twins twins;
  Established ends(twins);
  std::string outcome;
  {
    Task<> waiting = wait_for_text(ends.near, outcome);
    waiting.start();
  }
  (void)ends.far.write(as_bytes("x"));
  CHECK(twins.run_until([&] { return ends.near.socket().readable() == 1; }));
  CHECK(outcome.empty());
  Task<> again = wait_for_text(ends.near, outcome);
  CHECK(again.start());
  CHECK(outcome == "x");
}

TEST_CASE("closing the stream tells the waiter in the next dispatch") {
  Twins twins;
  Established ends(twins);
  std::string outcome;
  Task<> waiting = wait_for_text(ends.near, outcome);
  waiting.start();
  ends.near = Stream();
  CHECK(outcome.empty());
  twins.turn_both();
  CHECK(outcome == describe(Errc::stale_handle));
}

TEST_CASE("closing the stream and destroying the task before the next dispatch leaves nothing behind") {
  Twins twins;
  Established ends(twins);
  std::string outcome;
  {
    Task<> waiting = wait_for_text(ends.near, outcome);
    waiting.start();
    ends.near.close();
    ends.near.close();
  }
  twins.turn_both();
  CHECK(outcome.empty());
}

TEST_CASE("the loop may die before tasks that wait in it, and before streams") {
  auto ends = packet_pair();
  FdDevice device(std::move(ends[0]), 1500);
  Stack stack(host("10.0.0.1/24", 1));
  std::string outcome;
  auto loop = std::make_unique<EventLoop>(stack, device);
  Stream stream(*loop, *stack.connect(kServer));
  Acceptor acceptor(*loop, *stack.listen(*Endpoint::parse("10.0.0.1:9")));
  Datagrams datagrams(*loop, *stack.bind_udp(*Endpoint::parse("10.0.0.1:9")));
  Task<> reading = wait_for_text(stream, outcome);
  reading.start();
  bool woke = false;
  Task<> sleeping = sleep_holding(*loop, 1h, std::make_shared<int>(0), woke);
  sleeping.start();
  const auto token = std::make_shared<int>(0);
  spawn(*loop, sleep_holding(*loop, 1h, token, woke));
  spawn(*loop, serve(*loop));
  spawn(*loop, ask(*loop, 5, outcome));
  REQUIRE(loop->turn());
  REQUIRE(loop->turn());

  EventLoop* const gone = loop.get();
  loop.reset();
  CHECK(token.use_count() == 1);
  CHECK(!woke);
  Task<> late = wait_for_text(stream, outcome);
  CHECK(late.start());
  CHECK(outcome == describe(Errc::stale_handle));
  (void)gone;
}

TEST_CASE("stop() drops spawned tasks, and their connections close in an orderly way") {
  Twins twins;
  Established ends(twins);
  std::string outcome;
  const auto holder = [](Stream stream, std::string& told) -> Task<> { co_await wait_for_text(stream, told); };
  spawn(twins.client, holder(std::move(ends.near), outcome));
  twins.turn_both();
  twins.client.stop();
  CHECK(twins.run_until([&] { return ends.far.at_eof(); }));
  CHECK(ends.far.error() == Errc::none);
}

TEST_CASE("a connection that fails is the error of its co_await, at once or later") {
  Twins twins;
  std::string refused;
  std::string unreachable;
  spawn(twins.client, ask(twins.client, 1, refused));
  const auto elsewhere = [](EventLoop& loop, std::string& told) -> Task<> {
    const auto stream = co_await connect(loop, *Endpoint::parse("[fd00::1]:1"));
    told = describe(stream.error());
  };
  spawn(twins.client, elsewhere(twins.client, unreachable));
  CHECK(twins.run_until([&] { return !refused.empty() && !unreachable.empty(); }));
  CHECK(refused == describe(Errc::connection_refused));
  CHECK(unreachable != describe(Errc::none));
}

TEST_CASE("datagrams are received and sent with co_await, in either direction") {
  Twins twins;
  const auto pong = [](EventLoop& loop) -> Task<> {
    Datagrams socket(loop, *loop.stack().bind_udp(kServer));
    while (auto datagram = co_await socket.receive())
      if (!co_await socket.send(datagram->from, datagram->data.bytes())) break;
  };
  std::string answer;
  const auto ping = [](EventLoop& loop, std::string& heard) -> Task<> {
    Datagrams socket(loop, *loop.stack().bind_udp(*Endpoint::parse("0.0.0.0:0")));
    (void)co_await socket.send(kServer, as_bytes("ping"));
    const auto datagram = co_await socket.receive();
    if (datagram) heard = as_text(datagram->data.bytes());
    Datagrams moved;
    moved = std::move(socket);
    CHECK(moved.socket().local());
  };
  spawn(twins.server, pong(twins.server));
  twins.turn_both();
  spawn(twins.client, ping(twins.client, answer));
  CHECK(twins.run_until([&] { return !answer.empty(); }));
  CHECK(answer == "ping");
}

TEST_CASE("a listener that is closed ends the accept loop with an error") {
  Twins twins;
  Acceptor acceptor(twins.server, *twins.server_stack.listen(kServer));
  Errc told = Errc::none;
  const auto waiter = [](Acceptor& at, Errc& error) -> Task<> { error = (co_await at.accept()).error(); };
  Task<> waiting = waiter(acceptor, told);
  waiting.start();
  CHECK(acceptor.listener().local());
  Acceptor other;
  other = std::move(acceptor);
  other.close();
  twins.turn_both();
  CHECK(told == Errc::stale_handle);
}

TEST_CASE("the peer's reset is the error of the read and of the write") {
  Twins twins;
  Established ends(twins);
  std::string outcome;
  Task<> waiting = wait_for_text(ends.near, outcome);
  waiting.start();
  ends.far.abort();
  CHECK(twins.run_until([&] { return !outcome.empty(); }));
  CHECK(outcome == describe(Errc::connection_reset));
  Errc written = Errc::none;
  const auto writer = [](Stream& stream, Errc& error) -> Task<> {
    error = (co_await stream.write_all(as_bytes("x"))).error();
    CHECK((co_await stream.readable()).error() == Errc::connection_reset);
  };
  Task<> writing = writer(ends.near, written);
  CHECK(writing.start());
  CHECK(written == Errc::connection_reset);
}

}  // namespace sluice::tun
