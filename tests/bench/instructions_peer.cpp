// Small fixed pieces of work in virtual time, for tests/bench/instructions to count under callgrind. Of two stacks in
// this process one is counted: what it and the application on it do stands in functions of the namespace `counted`,
// whose names callgrind is told. All else (the other host, the wire, what comes before) is not collected.
#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "http/driver.hpp"
#include "http/server_session.hpp"
#include "tests/support/bare_wire.hpp"
#include "ws/connection.hpp"
#include "ws/echo.hpp"

namespace sluice::bench {

/// What an application does when its socket may be ready.
class Application {
 public:
  virtual ~Application() = default;
  virtual void turn(Time now) = 0;
};

}  // namespace sluice::bench

// Each function here switches callgrind's collection over when it is entered, and back when it is left: so wire(),
// which transmit() calls from inside, is not collected. None may be inlined, nor end in a jump to another.
namespace counted {

using namespace sluice;

[[gnu::noinline]] void wire(test::BareHost& to, const Frame& frame) {
  to.waiting.push_back(test::arrived(to.pool, frame));
  asm volatile("");
}

[[gnu::noinline]] void transmit(test::BareHost& from, test::BareHost& to, Time now) {
  SinkOf sink([&](const Frame& frame) noexcept {
    wire(to, frame);
    asm volatile("");
    return true;
  });
  from.stack.poll_transmit(now, sink);
  asm volatile("");
}

[[gnu::noinline]] void deliver(test::BareHost& host, Time now) {
  test::deliver(host, now);
  asm volatile("");
}

[[gnu::noinline]] void act(bench::Application& application, Time now) {
  application.turn(now);
  asm volatile("");
}

}  // namespace counted

namespace sluice::bench {
namespace {

using namespace std::chrono_literals;

const Endpoint kService{IpAddress::v4(10, 0, 0, 1), 80};
constexpr Duration kStep = 10us;
/// The largest whole number of segments at MTU 1500 with timestamps that one frame may hold.
constexpr std::size_t kFullFrame = 45 * 1448;

void require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

/// `ours` is counted while counting is on; `theirs` never.
class Stage {
 public:
  explicit Stage(std::size_t frame = 0) : ours(test::bare_config(1, frame)), theirs(test::bare_config(2, frame)) {
    ours.waiting.reserve(4096);
    theirs.waiting.reserve(4096);
    listener = *ours.stack.listen(kService, {.options = {.no_delay = true}});
  }

  /// Both sides act until nothing moves any more.
  void settle(Application& application) {
    for (std::size_t moved = 1; moved > 0;) moved = step(application);
  }
  /// A packet's way there and back.
  std::size_t step(Application& application) {
    now += kStep;
    deliver_ours(application);
    test::deliver(theirs, now);
    test::transmit(theirs, ours, now);
    return ours.waiting.size() + theirs.waiting.size();
  }
  void deliver_ours(Application& application) {
    if (counting) {
      counted::deliver(ours, now);
      counted::act(application, now);
      counted::transmit(ours, theirs, now);
    } else {
      test::deliver(ours, now);
      application.turn(now);
      test::transmit(ours, theirs, now);
    }
    if (counting) sent += theirs.waiting.size();
  }
  /// A connection that `theirs` opened: its sockets, the other host's first.
  std::pair<tcp::Socket, tcp::Socket> connect() {
    auto socket = theirs.stack.connect(kService, {.options = {.no_delay = true}});
    require(bool(socket), "connect() was refused");
    test::exchange(theirs, ours, now);
    auto accepted = listener.accept();
    require(bool(accepted), "no connection came");
    return {std::move(*socket), std::move(*accepted)};
  }

  test::BareHost ours, theirs;
  tcp::Listener listener;
  Time now{1h};
  bool counting = false;
  std::size_t sent = 0;  ///< packets that left `ours` while counting
};

/// All that waits is read, or goes back.
struct Reader final : Application {
  void turn(Time) override {
    for (MutableBytes bytes = socket.peek(); !bytes.empty(); bytes = socket.peek()) {
      if (echoes) (void)socket.write(bytes);
      read += bytes.size();
      socket.consume(bytes.size());
    }
  }
  tcp::Socket socket;
  bool echoes = false;
  std::size_t read = 0;
};

/// Writes one shared block a turn when it was asked to.
struct Writer final : Application {
  void turn(Time) override {
    if (blocks == 0) return;
    --blocks;
    (void)socket.write(block);
  }
  tcp::Socket socket;
  Slice block;
  std::size_t blocks = 0;
};

struct Work {
  const char* name;
  const char* unit;
  std::size_t warm;   ///< rounds before
  std::size_t count;  ///< rounds that are counted
};

/// Runs `round` so often as the work says; answers the rounds that were counted.
template <class Round>
std::size_t repeat(const Work& work, Stage& stage, Round&& round) {
  for (std::size_t i = 0; i < work.warm; ++i) round();
  stage.counting = true;
  for (std::size_t i = 0; i < work.count; ++i) round();
  stage.counting = false;
  return work.count;
}

/// Drains what comes to the other host, uncounted.
void drain(tcp::Socket& socket) {
  while (!socket.peek().empty()) socket.consume(socket.peek().size());
}

std::size_t echo(const Work& work) {
  Stage stage;
  Reader reader;
  tcp::Socket client;
  std::tie(client, reader.socket) = stage.connect();
  reader.echoes = true;
  const std::uint8_t byte[] = {'x'};
  return repeat(work, stage, [&] {
    (void)client.write(Bytes(byte));
    test::transmit(stage.theirs, stage.ours, stage.now);
    stage.settle(reader);
    require(client.readable() == 1, "no echo came");
    drain(client);
  });
}

std::size_t text_in(const Work& work, std::size_t frame, std::size_t text) {
  Stage stage(frame);
  Reader reader;
  tcp::Socket client;
  std::tie(client, reader.socket) = stage.connect();
  const Slice block = Slice::copy_of(std::vector<std::uint8_t>(text));
  const std::size_t rounds = repeat(work, stage, [&] {
    (void)client.write(block);
    test::transmit(stage.theirs, stage.ours, stage.now);
    if (stage.counting) require(stage.ours.waiting.size() == 1, "a block did not leave in one frame");
    stage.settle(reader);
  });
  require(reader.read == text * (work.warm + work.count), "text is missing");
  return rounds;
}

std::size_t text_out(const Work& work, std::size_t frame, std::size_t text) {
  Stage stage(frame);
  Writer writer;
  tcp::Socket client;
  std::tie(client, writer.socket) = stage.connect();
  writer.block = Slice::copy_of(std::vector<std::uint8_t>(text));
  std::size_t got = 0;
  const std::size_t rounds = repeat(work, stage, [&] {
    writer.blocks = 1;
    stage.deliver_ours(writer);
    if (stage.counting) require(stage.theirs.waiting.size() == 1, "a block did not leave in one frame");
    stage.settle(writer);
    got += client.readable();
    drain(client);
  });
  require(got == text * (work.warm + work.count), "text is missing");
  return rounds;
}

/// Handshake, accept and an orderly close that our side begins: it keeps the TIME-WAIT record.
struct Greeter final : Application {
  explicit Greeter(tcp::Listener& from) : listener(from) {}
  void turn(Time) override {
    auto accepted = listener.accept();
    if (!accepted) return;
    accepted->close();
    ++served;
  }
  tcp::Listener& listener;
  std::size_t served = 0;
};

std::size_t connection(const Work& work) {
  Stage stage;
  Greeter greeter(stage.listener);
  const std::size_t rounds = repeat(work, stage, [&] {
    auto client = stage.theirs.stack.connect(kService);
    require(bool(client), "connect() was refused");
    test::transmit(stage.theirs, stage.ours, stage.now);
    stage.settle(greeter);
    client->close();
    test::transmit(stage.theirs, stage.ours, stage.now);
    stage.settle(greeter);
  });
  require(greeter.served == work.warm + work.count, "a connection is missing");
  require(stage.ours.stack.tcp().connection_count() == 0, "a connection did not end");
  return rounds;
}

struct WebSocketEcho final : Application {
  void turn(Time now) override { connection->pump(now, ws::Echo()); }
  ws::Settings settings;
  tcp::Socket socket;
  std::unique_ptr<ws::Connection<tcp::Socket>> connection;
};

/// `together` masked text messages of 20 bytes, as a client would send them in one write.
std::vector<std::uint8_t> messages(std::size_t together) {
  Random masks(Key{1}, KeyUse::websocket_mask);
  const ws::Settings settings;
  ws::Session client(ws::Role::client, settings, &masks);
  for (std::size_t i = 0; i < together; ++i) (void)client.send_text("twenty bytes of text");
  std::vector<std::uint8_t> bytes;
  for (const Slice& piece : client.poll_transmit())
    bytes.insert(bytes.end(), piece.bytes().begin(), piece.bytes().end());
  return bytes;
}

std::size_t websocket(const Work& work, std::size_t together) {
  Stage stage;
  WebSocketEcho echo;
  tcp::Socket client;
  std::tie(client, echo.socket) = stage.connect();
  echo.settings.pool = &stage.ours.pool;
  echo.connection =
      std::make_unique<ws::Connection<tcp::Socket>>(echo.socket, ws::Role::server, echo.settings, nullptr);
  const std::vector<std::uint8_t> frames = messages(together);
  const std::size_t rounds = repeat(work, stage, [&] {
    (void)client.write(Bytes(frames));
    test::transmit(stage.theirs, stage.ours, stage.now);
    stage.settle(echo);
    require(client.readable() == 22 * together, "an echo is missing");
    drain(client);
  });
  return rounds * together;
}

struct Hello final : Application {
  void turn(Time now) override {
    http::drive(socket, session, now, [this](http::ServerEvent&& event) {
      if (std::holds_alternative<http::RequestHead>(event)) session.respond({}, std::string("hello, world\n"));
    });
  }
  tcp::Socket socket;
  http::ServerSession session;
};

std::size_t request(const Work& work) {
  Stage stage;
  Hello hello;
  tcp::Socket client;
  std::tie(client, hello.socket) = stage.connect();
  constexpr std::string_view kRequest = "GET /index.html HTTP/1.1\r\nHost: example.org\r\nAccept: */*\r\n\r\n";
  return repeat(work, stage, [&] {
    (void)client.write(as_bytes(kRequest));
    test::transmit(stage.theirs, stage.ours, stage.now);
    stage.settle(hello);
    require(client.readable() > 30, "no answer came");
    drain(client);
  });
}

/// Bulk over 10 ms each way, where one packet in a hundred is lost, by a fixed seed; counted is the sender. Answers the
/// packets that it sent.
std::size_t recovery(const Work& work) {
  Stage stage;
  Writer writer;
  tcp::Socket client;
  std::tie(client, writer.socket) = stage.connect();
  writer.block = Slice::copy_of(std::vector<std::uint8_t>(65536));
  Random fate(Key{1}, KeyUse::test);
  repeat(work, stage, [&] {
    stage.now += 10ms;
    writer.blocks = 1;
    stage.deliver_ours(writer);
    std::erase_if(stage.theirs.waiting,
                  [&](const Packet& packet) { return packet.size() > 60 && fate.below(100) == 0; });
    stage.now += 10ms;
    test::deliver(stage.theirs, stage.now);
    drain(client);
    test::transmit(stage.theirs, stage.ours, stage.now);
  });
  require(writer.socket.info()->retransmissions > 0, "nothing was lost");
  return stage.sent;
}

constexpr Work kWorks[] = {
    {"echo-1", "1-byte echo", 200, 1000},
    {"packet-in", "1448 bytes in", 200, 1000},
    {"packet-out", "1448 bytes out", 200, 1000},
    {"frame-in", "64 KiB frame in", 200, 500},
    {"frame-out", "64 KiB frame out", 200, 500},
    {"connection", "open, accept and close", 200, 500},
    {"request", "HTTP request and answer", 200, 500},
    {"ws-20", "20-byte WebSocket echo", 200, 500},
    {"ws-20-batch", "the same, 32 at once", 50, 100},
    {"recovery", "packet sent at 1 % loss", 300, 1000},
};

std::size_t run(const Work& work) {
  const std::string_view name = work.name;
  if (name == "echo-1") return echo(work);
  if (name == "packet-in") return text_in(work, 0, 1448);
  if (name == "packet-out") return text_out(work, 0, 1448);
  if (name == "frame-in") return text_in(work, 65535, kFullFrame);
  if (name == "frame-out") return text_out(work, 65535, kFullFrame);
  if (name == "connection") return connection(work);
  if (name == "request") return request(work);
  if (name == "ws-20") return websocket(work, 1);
  if (name == "ws-20-batch") return websocket(work, 32);
  return recovery(work);
}

int main_of(const std::vector<std::string_view>& words) {
  constexpr const char* kUsage = "usage: instructions_peer --list | WORK   (tests/bench/instructions runs it)";
  if (words.size() == 1 && words[0] == "--list") {
    for (const Work& work : kWorks) std::printf("%s\t%s\n", work.name, work.unit);
    return 0;
  }
  const auto work = std::find_if(std::begin(kWorks), std::end(kWorks),
                                 [&](const Work& one) { return words.size() == 1 && words[0] == one.name; });
  const bool help = words.size() == 1 && words[0] == "--help";
  if (work == std::end(kWorks)) {
    std::fprintf(help ? stdout : stderr, "%s\n", kUsage);
    return help ? 0 : 2;
  }
  std::printf("%zu\n", run(*work));
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  try {
    return sluice::bench::main_of({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "instructions_peer: %s\n", error.what());
    return 1;
  }
}
