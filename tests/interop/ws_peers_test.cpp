// WebSocket libraries that we did not write, in both roles: Boost.Beast, libwebsockets, node's ws.
#include <doctest/doctest.h>

#include "tests/interop/command.hpp"

namespace sluice::interop {
namespace {

std::string peer(const std::string& name) { return SLUICE_PEERS "/" + name + "_peer"; }

/// A line of each kind and 70,000 letters, which take the 64-bit form of the length.
std::string lines() {
  return "hello\nGr\xc3\xbc\xc3\x9f\x65\n" + std::string(126, 'a') + "\n" + std::string(70'000, 'b') + "\n";
}

void expect_echo(Lab& lab) {
  for (const bool deflate : {true, false}) {
    Words words{"ws", "-v", "--wait", "300ms", "ws://10.77.1.1:8000/"};
    if (!deflate) words.insert(words.begin() + 1, "--no-deflate");
    const Finished ended = lab.sluice(words, lines());
    INFO(ended.err);
    CHECK(ended.status == 0);
    CHECK(ended.out == lines());
    CHECK((ended.err.find("compressed") != std::string::npos) == deflate);
  }
}

}  // namespace

TEST_CASE("the clients of Boost.Beast and libwebsockets are echoed, compressed and not, over both families") {
  Lab lab;
  const auto server = lab.serve({"--http", "80", "--ws-echo", "/echo"});
  for (const char* name : {"beast", "lws"}) {
    for (const char* address : {"10.77.0.2", "fd77::2"}) {
      for (const char* way : {"plain", "deflate"}) {
        CAPTURE(name);
        CAPTURE(address);
        CAPTURE(way);
        const Finished client = lab.run({peer(name), "client", address, "80", "/echo", way});
        INFO(client.err);
        CHECK(client.status == 0);
        CHECK(client.out.starts_with("done"));
      }
    }
  }
}

TEST_CASE("a server on Boost.Beast echoes sluice ws, compressed and not") {
  Lab lab;
  const auto server = lab.start({peer("beast"), "serve", "0.0.0.0", "8000", "deflate"});
  REQUIRE(server->wait_for("ready"));
  expect_echo(lab);
}

TEST_CASE("a server on libwebsockets echoes sluice ws, compressed and not") {
  Lab lab;
  const auto server = lab.start({peer("lws"), "serve", "0.0.0.0", "8000", "deflate"});
  REQUIRE(server->wait_for("ready"));
  expect_echo(lab);
}

TEST_CASE("a server on node's ws package echoes sluice ws, compressed and not") {
  Lab lab;
  const auto server = lab.start(node_words(R"(
const {WebSocketServer} = require('ws');
const server = new WebSocketServer({host: '0.0.0.0', port: 8000, perMessageDeflate: {threshold: 0}});
server.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, {binary})));
server.on('listening', () => console.log('ready'));
)"));
  REQUIRE(server->wait_for("ready"));
  expect_echo(lab);
}

}  // namespace sluice::interop
