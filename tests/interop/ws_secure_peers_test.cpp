// Clients that we did not write, over wss: python3-websockets, node's ws, Boost.Beast, libwebsockets.
#include <doctest/doctest.h>

#include "tests/interop/secure_lab.hpp"

namespace sluice::interop {
namespace {

/// `sluice serve --https 443` that echoes, and sends reasons with a Close at /chat.
struct EchoLab : SecureLab {
  std::unique_ptr<Program> server;

  EchoLab() {
    issue("server", {"web.example", "10.77.0.2", "fd77::2"});
    server = serve({"--https", "443", "--tls-cert", file("server.pem"), "--tls-key", file("server.key"), "--ws-echo",
                    "/echo", "--ws-chat", "/chat"});
  }
};

void expect_done(const Finished& client) {
  INFO(client.err);
  CHECK(client.status == 0);
  CHECK(client.out.starts_with("done"));
}

}  // namespace

TEST_CASE("python3-websockets is echoed over wss, compressed and not, and hears why it is closed [WS-10.6-1]") {
  EchoLab lab;
  expect_done(lab.python(R"(
import asyncio, os, ssl, sys, websockets
trust = ssl.create_default_context(cafile=sys.argv[1])
def connect(url, **more):
    return websockets.connect(url, ssl=trust, open_timeout=10, max_size=None, **more)
async def talk(url, compression):
    async with connect(url, compression=compression) as socket:
        assert [one.name for one in socket.extensions] == ["permessage-deflate"] * (compression is not None)
        for message in ("Grüße", "", "text " * 200_000, os.urandom(1), os.urandom(1_000_000)):
            await socket.send(message)
            assert await asyncio.wait_for(socket.recv(), 20) == message
        await asyncio.wait_for(await socket.ping(b"?"), 20)
        await socket.close(4321, "ours")
    assert socket.close_code == 4321
async def rejected(url):
    async with connect(url) as socket:
        await socket.send(b"no text")
        await asyncio.wait_for(socket.wait_closed(), 20)
    assert socket.close_code == 1003
async def all():
    talks = [talk("wss://10.77.0.2/echo", way) for way in ("deflate", None) for _ in range(5)]
    await asyncio.gather(*talks, talk("wss://[fd77::2]/echo", "deflate"), rejected("wss://10.77.0.2/chat/ws?name=x"))
asyncio.run(all())
print("done")
)",
                         {lab.trusted}));
}

TEST_CASE("the client of node's ws package is echoed over wss, compressed and not [WS-10.6-1]") {
  EchoLab lab;
  expect_done(lab.run(node_words(R"(
const assert = require('assert/strict');
const { randomBytes } = require('crypto');
const { once } = require('events');
const WebSocket = require('ws');
const ca = require('fs').readFileSync(process.argv[1]);
async function talk(url, perMessageDeflate) {
  const socket = new WebSocket(url, { ca, perMessageDeflate });
  await once(socket, 'open');
  assert.equal(socket.extensions, perMessageDeflate ? 'permessage-deflate' : '');
  for (const sent of ['Grüße', '', 'text '.repeat(200_000), randomBytes(1), randomBytes(1_000_000)]) {
    socket.send(sent);
    const [back, binary] = await once(socket, 'message');
    assert.equal(binary, typeof sent !== 'string');
    assert.ok(Buffer.from(sent).equals(back));
  }
  socket.ping('?');
  assert.equal(String((await once(socket, 'pong'))[0]), '?');
  socket.close(4321, 'ours');
  assert.equal((await once(socket, 'close'))[0], 4321);
}
async function all() {
  for (const way of [{ threshold: 0 }, false])
    for (const url of ['wss://10.77.0.2/echo', 'wss://[fd77::2]/echo']) await talk(url, way);
  await assert.rejects(once(new WebSocket('wss://10.77.0.2/echo'), 'open'), /self.signed|unable to/);
  console.log('done');
}
all();
)",
                                 {lab.trusted})));
}

TEST_CASE("the clients of Boost.Beast and libwebsockets are echoed over wss, compressed and not [WS-10.6-1]") {
  EchoLab lab;
  for (const char* address : {"10.77.0.2", "fd77::2"}) {
    for (const char* way : {"plain", "deflate"}) {
      CAPTURE(address);
      CAPTURE(way);
      expect_done(lab.run({SLUICE_PEERS "/beast_peer", "client", address, "443", "/echo", "--ca", lab.trusted, way}));
      expect_done(lab.run({SLUICE_PEERS "/lws_peer", "client", address, "443", "/echo", "--ca", lab.trusted, "--host",
                           "web.example", way}));
    }
  }
  lab.file("strange.pem", make_identity({"Strange Authority"}, nullptr).certificates);
  for (const char* name : {"/beast_peer", "/lws_peer"})
    CHECK(lab.run({SLUICE_PEERS + std::string(name), "client", "10.77.0.2", "443", "/echo", "--ca",
                   lab.file("strange.pem"), "--host", "web.example", "plain"})
              .status == 1);
}

TEST_CASE("the servers of Boost.Beast and libwebsockets that others are tested with speak TLS") {
  SecureLab lab;
  lab.issue("server", {"web.example", "127.0.0.1"});
  for (const std::string name : {"beast", "lws"}) {
    CAPTURE(name);
    const auto server = lab.start({SLUICE_PEERS "/" + name + "_peer", "serve", "127.0.0.1", "8000", "--cert",
                                   lab.file("server.pem"), "--key", lab.file("server.key"), "deflate"});
    REQUIRE(server->wait_for("ready"));
    expect_done(lab.run({SLUICE_PEERS "/beast_peer", "client", "127.0.0.1", "8000", "/", "--ca", lab.trusted}));
  }
}

}  // namespace sluice::interop
