// From the upgrade to the last FIN; see golden_websocket.hpp.
#include "tests/support/golden_websocket.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <tuple>

#include "http/driver.hpp"
#include "http/server_session.hpp"
#include "tests/support/fixed_buffers.hpp"
#include "tests/support/recording.hpp"
#include "tests/ws/wire.hpp"
#include "ws/connection.hpp"
#include "ws/echo.hpp"
#include "ws/handshake.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

// The key of RFC 6455 1.3, so that the answer is the one in the RFC.
constexpr std::string_view kUpgrade =
    "GET /echo HTTP/1.1\r\n"
    "Host: 10.1.0.2\r\n"
    "Upgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "\r\n";

class EchoServer {
 public:
  explicit EchoServer(tcp::Socket& socket) : socket_(socket) {}

  void step(Time now) {
    if (!websocket_) {
      const http::Phase phase = http::drive(socket_, http_, now, [this](http::ServerEvent&& event) {
        if (const auto* head = std::get_if<http::RequestHead>(&event))
          http_.respond(ws::answer_handshake(head->request).response);
      });
      if (phase == http::Phase::upgraded) websocket_.emplace(socket_, ws::Role::server, settings_);
    }
    if (websocket_ && !over_) over_ = websocket_->pump(now, ws::Echo());
  }
  bool over() const noexcept { return over_; }

 private:
  tcp::Socket& socket_;
  http::ServerSession http_;
  ws::Settings settings_;
  std::optional<ws::Connection<tcp::Socket>> websocket_;
  bool over_ = false;
};

}  // namespace

/// The upgrade, these frames of the client's one by one, and the end.
static std::vector<std::uint8_t> record_frames(const std::vector<std::vector<std::uint8_t>>& frames) {
  Recording recording;
  World& world = recording.world();
  tcp::Socket client, server;
  std::tie(client, server) = world.connect(80, {.options = kFixedBuffers}, {.options = kFixedBuffers});
  EchoServer echo(server);
  const auto say = [&](Bytes bytes) {
    REQUIRE(client.write(bytes).value_or(0) == bytes.size());
    world.run_for(100ms);
  };
  world.on_step = [&] {
    echo.step(world.now());
    for (MutableBytes run = client.peek(); !run.empty(); run = client.peek()) client.consume(run.size());
    if (client.at_eof()) client.finish();
  };
  say(as_bytes(kUpgrade));
  for (const std::vector<std::uint8_t>& frame : frames) say(frame);
  world.run_for(2s);
  CHECK(echo.over());
  world.on_step = nullptr;
  return recording.taken_at_left();
}

std::vector<std::uint8_t> record_websocket() {
  using ws::test::from_client;
  return record_frames(
      {from_client(0x81, "Hello"), from_client(0x89, "still there?"), from_client(0x88, ws::test::close_body(1000))});
}

std::vector<std::uint8_t> record_websocket_binary() {
  using ws::test::from_client;
  const std::string blob(300, '\xa5');
  return record_frames({from_client(0x82, blob), from_client(0x01, "in two "), from_client(0x89, "between"),
                        from_client(0x80, "pieces"), from_client(0x88, ws::test::close_body(1001))});
}

}  // namespace sluice::test
