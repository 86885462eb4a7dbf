// `sluice ws wss://…`: python3-websockets over TLS as the server, and servers that are not to be believed.
#include <doctest/doctest.h>

#include "tests/interop/secure_lab.hpp"

namespace sluice::interop {
namespace {

constexpr const char* kUrl = "wss://10.77.1.1:8443/";

/// An echo on port 8443 with NAME's certificate.
std::unique_ptr<Program> secure_echo(SecureLab& lab, const std::string& name) {
  auto program = lab.start({"/usr/bin/python3", "-uc", R"(
import asyncio, ssl, sys, websockets
async def talk(ws, path=''):
    async for message in ws: await ws.send(message)
async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1] + '.pem', sys.argv[1] + '.key')
    async with websockets.serve(talk, ['0.0.0.0', '::'], 8443, max_size=None, ssl=context):
        print('up')
        await asyncio.Future()
asyncio.run(main())
)",
                            lab.file(name)});
  REQUIRE(program->wait_for("up"));
  return program;
}

}  // namespace

TEST_CASE("ws: over TLS lines and megabytes come back, clean and over a bad link [WS-4.1-3] [WS-10.6-1]") {
  SecureLab lab;
  lab.issue("server", {"10.77.1.1"});
  const auto server = secure_echo(lab, "server");
  const Finished lines = lab.sluice({"ws", "-v", "--wait", "300ms", "--cacert", lab.trusted, kUrl}, "hello\nagain\n");
  INFO(lines.err);
  CHECK(lines.status == 0);
  CHECK(lines.out == "hello\nagain\n");
  const std::string bytes = noise(2'000'000);
  const Finished lossy = lab.sluice({"ws", "--binary", "--raw", "--wait", "2s", "--loss", "2%", "--delay", "5ms",
                                     "--seed", "wss", "--cacert", lab.trusted, kUrl},
                                    bytes);
  INFO(lossy.err);
  CHECK(lossy.status == 0);
  CHECK(lossy.out == bytes);
}

TEST_CASE(
    "ws: a certificate that is unknown, of another host or too old ends it with a sentence that says which "
    "[WS-4.1-3]") {
  SecureLab lab;
  lab.issue("server", {"10.77.1.1"});
  lab.issue("other", {"10.77.1.9"});
  lab.issue("old", {"10.77.1.1"}, -1);
  const auto refusal = [&](const std::string& name, Words words) {
    const auto server = secure_echo(lab, name);
    words.insert(words.begin(), {"ws", "--one"});
    words.emplace_back(kUrl);
    const Finished ended = lab.sluice(words, "hello\n");
    CHECK(ended.out.empty());
    CHECK(ended.status == 1);
    return ended.err;
  };
  const Words trusting{"--cacert", lab.trusted};
  CHECK(has(refusal("server", {}), "no TLS: "));
  CHECK(has(refusal("other", trusting), "10.77.1.1"));
  CHECK(has(refusal("old", trusting), "expired"));
  const auto server = secure_echo(lab, "other");
  const Finished insecure = lab.sluice({"ws", "--one", "--insecure", kUrl}, "hello\n");
  INFO(insecure.err);
  CHECK(insecure.status == 0);
  CHECK(insecure.out == "hello\n");
}

TEST_CASE("ws: a server that speaks no TLS, and an authority's file that is none, are one sentence each") {
  SecureLab lab;
  const auto server = lab.start({"/usr/bin/python3", "-uc", R"(
import socket
listener = socket.create_server(('0.0.0.0', 8443))
print('up')
while True:
    peer, _ = listener.accept()
    peer.sendall(b'220 this is mail\r\n')
    peer.close()
)"});
  REQUIRE(server->wait_for("up"));
  const Finished plain = lab.sluice({"ws", "--one", "--insecure", kUrl}, "hello\n");
  CHECK(plain.status == 1);
  CHECK(has(plain.err, "no TLS: "));
  const std::string nonsense = lab.file("nonsense.pem", "no certificate\n");
  const Finished bad = lab.sluice({"ws", "--cacert", nonsense, kUrl});
  CHECK(bad.status == 1);
  CHECK(has(bad.err, "sluice ws: "));
}

}  // namespace sluice::interop
