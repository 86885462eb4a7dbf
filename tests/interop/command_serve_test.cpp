// `sluice serve` against the kernel's own programs: curl, python3, node.
#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "tests/interop/command.hpp"

namespace sluice::interop {
namespace {

constexpr const char* kHost = "http://10.77.0.2";

struct WebLab : Lab {
  std::string site = file("site");
  std::string big = noise(2'000'000);
  std::unique_ptr<Program> server;

  explicit WebLab(Words more = {}) {
    std::filesystem::create_directory(site);
    file("site/index.html", "<p>front</p>\n");
    file("site/big.bin", big);
    Words flags{"--http", "80", "--root", site, "--ws-echo", "/echo", "--tcp-echo", "7", "--udp-echo", "7"};
    flags.insert(flags.end(), more.begin(), more.end());
    server = serve(flags);
  }

  Finished curl(Words words) {
    Words command{"curl", "-sS", "-g", "--max-time", "20"};
    command.insert(command.end(), words.begin(), words.end());
    return run(command);
  }
};

}  // namespace

TEST_CASE("curl gets pages, parts and refusals, over both families") {
  WebLab lab;
  CHECK(lab.curl({std::string(kHost) + "/"}).out == "<p>front</p>\n");
  CHECK(lab.curl({"http://[fd77::2]/"}).out == "<p>front</p>\n");
  CHECK(lab.curl({std::string(kHost) + "/big.bin"}).out == lab.big);
  CHECK(lab.curl({"-r", "1000-1999", "http://[fd77::2]/big.bin"}).out == lab.big.substr(1000, 1000));
  CHECK(lab.curl({"-r", "-5", std::string(kHost) + "/big.bin"}).out == lab.big.substr(lab.big.size() - 5));
  CHECK(lab.curl({"-I", "-w", "%{http_code}", "-o", "/dev/null", std::string(kHost) + "/big.bin"}).out == "200");
  const auto status_of = [&](const std::string& target) {
    return lab.curl({"-w", "%{http_code}", "-o", "/dev/null", "--path-as-is", kHost + target}).out;
  };
  CHECK(status_of("/nothing") == "404");
  CHECK(status_of("/../etc/passwd") == "403");
  CHECK(status_of("/echo") == "426");
}

TEST_CASE("a file that is cut short while it is sent breaks its answer off, and the server goes on") {
  WebLab lab;
  lab.file("site/shrinks.bin", noise(30'000'000));
  const Finished client = lab.python(R"(
import os, socket, sys
tcp = socket.create_connection(("10.77.0.2", 80), timeout=10)
tcp.sendall(b"GET /shrinks.bin HTTP/1.1\r\nHost: x\r\n\r\n")
size = len(tcp.recv(1000))
os.truncate(sys.argv[1], 1000)
try:
    while part := tcp.recv(1 << 20): size += len(part)
    end = "end"
except ConnectionResetError:
    end = "reset"
print(size < 30_000_000, end)
)",
                                     {lab.site + "/shrinks.bin"});
  INFO(client.err);
  CHECK(client.out == "True reset\n");
  CHECK(lab.curl({std::string(kHost) + "/shrinks.bin"}).out == noise(30'000'000).substr(0, 1000));
}

TEST_CASE("one connection carries many requests") {
  WebLab lab;
  const std::string big = std::string(kHost) + "/big.bin";
  const Finished both = lab.curl({"-o", "/dev/null", "-o", "/dev/null", "-w", "%{num_connects} ", big, big});
  CHECK(both.out == "1 0 ");
}

TEST_CASE("curl is told what is allowed: by OPTIONS, and where it asked for something else") {
  WebLab lab;
  const auto allowed = [&](const std::string& method, const std::string& target) {
    return lab.curl({"-X", method, "-o", "/dev/null", "-w", "%{http_code} %header{allow}", kHost + target}).out;
  };
  CHECK(allowed("OPTIONS", "/big.bin") == "204 GET, HEAD, OPTIONS");
  CHECK(allowed("DELETE", "/big.bin") == "405 GET, HEAD, OPTIONS");
  CHECK(allowed("GET", "/upload") == "405 PUT, POST, OPTIONS");
  CHECK(lab.curl({"-X", "OPTIONS", "--request-target", "*", "-D", "-", std::string(kHost)})
            .out.find("Allow: PUT, POST, GET, HEAD, OPTIONS\r\n") != std::string::npos);
}

TEST_CASE("files say how long they may be kept, and come compressed beforehand unless it was forbidden") {
  for (const bool forbidden : {false, true}) {
    WebLab lab(forbidden ? Words{"--cache", "3600", "--no-precompressed"} : Words{"--cache", "0"});
    lab.file("site/index.html.gz", "not really gzip");
    const std::string answer = lab.curl({"-i", "-H", "Accept-Encoding: gzip", std::string(kHost) + "/"}).out;
    const auto has = [&](const char* text) { return answer.find(text) != std::string::npos; };
    CHECK(has(forbidden ? "\r\nCache-Control: max-age=3600\r\n" : "\r\nCache-Control: no-cache\r\n"));
    CHECK(has("Content-Encoding: gzip") != forbidden);
    CHECK(has("<p>front</p>") == forbidden);
  }
}

TEST_CASE("a connection ends after as many requests as were allowed, and when it is idle for too long") {
  WebLab lab({"--keep-alive-requests", "2", "--idle-time", "300ms"});
  const std::string front = std::string(kHost) + "/";
  Words command{"-w", "%{num_connects} ", front, front, front};
  for (int i = 0; i < 3; ++i) command.insert(command.begin(), {"-o", "/dev/null"});
  CHECK(lab.curl(command).out == "1 0 1 ");
  const Finished idle = lab.python(R"(
import socket
tcp = socket.create_connection(("10.77.0.2", 80), timeout=10)
tcp.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
said = b""
while part := tcp.recv(4096): said += part
print(said.endswith(b"<p>front</p>\n"), b"close" in said)
)");
  CHECK(idle.out == "True False\n");
}

TEST_CASE("an upload comes back as its size and its SHA-256, with a length and in chunks") {
  WebLab lab;
  const std::string path = lab.file("up", lab.big);
  const std::string digest = lab.run({"sha256sum", path}).out.substr(0, 64);
  const std::string expected = "{\"bytes\":2000000,\"sha256\":\"" + digest + "\"}\n";
  CHECK(lab.curl({"-T", path, std::string(kHost) + "/upload"}).out == expected);
  CHECK(lab.curl({"-T", path, "-H", "Transfer-Encoding: chunked", "http://[fd77::2]/upload/name"}).out == expected);
  CHECK(lab.curl({"--data-binary", "@" + path, std::string(kHost) + "/upload"}).out == expected);
}

TEST_CASE("an upload above the limit is refused, and the server goes on") {
  WebLab lab({"--body-limit", "1MB"});
  const std::string path = lab.file("up", lab.big);
  const std::string to = std::string(kHost) + "/upload";
  CHECK(lab.curl({"-T", path, "-w", "%{http_code}", "-o", "/dev/null", to}).out == "413");
  CHECK(lab.curl({std::string(kHost) + "/"}).out == "<p>front</p>\n");
}

TEST_CASE("a head that does not come to its end is answered with 408") {
  WebLab lab({"--head-time", "300ms"});
  const Finished slow = lab.python(R"(
import socket
tcp = socket.create_connection(("10.77.0.2", 80), timeout=10)
tcp.sendall(b"GET / HTTP/1.1\r\nHost: x")
print(tcp.recv(4096).split(b"\r\n")[0].decode())
)");
  CHECK(slow.out == "HTTP/1.1 408 Request Timeout\n");
}

TEST_CASE("datagrams of all sizes are echoed, in fragments if need be, over both families") {
  WebLab lab;
  const Finished client = lab.python(R"(
import os, socket
for family, address in ((socket.AF_INET, "10.77.0.2"), (socket.AF_INET6, "fd77::2")):
    udp = socket.socket(family, socket.SOCK_DGRAM)
    udp.settimeout(10)
    for size in (0, 1, 1452, 1453, 1472, 1473, 4000, 20_000):
        sent = os.urandom(size)
        udp.sendto(sent, (address, 7))
        assert udp.recv(65535) == sent, size
print("done")
)");
  INFO(client.err);
  CHECK(client.out == "done\n");
}

TEST_CASE("python3-websockets is echoed: text, large binary, fragments, ping, close") {
  WebLab lab;
  const Finished client = lab.python(R"(
import asyncio, os, websockets
async def talk(url):
    async with websockets.connect(url, open_timeout=10, max_size=None) as socket:
        for message in ("Grüße", "", os.urandom(1), os.urandom(1_000_000)):
            await socket.send(message)
            assert await asyncio.wait_for(socket.recv(), 20) == message
        await socket.send(["in ", "three ", "pieces"])
        assert await asyncio.wait_for(socket.recv(), 20) == "in three pieces"
        await asyncio.wait_for(await socket.ping(b"?"), 20)
    assert socket.close_code == 1000
async def all():
    await asyncio.gather(*(talk("ws://10.77.0.2/echo") for _ in range(20)), talk("ws://[fd77::2]/echo"))
asyncio.run(all())
print("done")
)");
  INFO(client.err);
  CHECK(client.out == "done\n");
}

TEST_CASE("python3-websockets agrees on permessage-deflate with each of its parameter sets [WSD-5-1] [WSD-7-1]") {
  WebLab lab;
  const Finished client = lab.python(R"(
import asyncio, itertools, os, websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
text = " ".join("line %d of a text that compresses" % i for i in range(20_000))
async def talk(server_bits, client_bits, server_alone, client_alone):
    factory = ClientPerMessageDeflateFactory(
        server_no_context_takeover=server_alone, client_no_context_takeover=client_alone,
        server_max_window_bits=server_bits, client_max_window_bits=client_bits)
    async with websockets.connect("ws://10.77.0.2/echo", open_timeout=20, max_size=None, compression=None,
                                  extensions=[factory]) as socket:
        assert len(socket.extensions) == 1, socket.extensions
        for message in (text[:500], text, "", os.urandom(100_000), text[:1000], "x" * 1_000_000):
            await socket.send(message)
            assert await asyncio.wait_for(socket.recv(), 30) == message
        await socket.send([text[:7], text[7:50_000], "", text[50_000:]])
        assert await asyncio.wait_for(socket.recv(), 30) == text
async def all():
    await asyncio.gather(*(talk(*set) for set in itertools.product(
        (None, 9, 12, 15), (True, 9, 12, 15), (False, True), (False, True))))
asyncio.run(all())
print("done")
)");
  INFO(client.err);
  CHECK(client.out == "done\n");
}

TEST_CASE("a server that was told so accepts no compression [WSD-5-4]") {
  WebLab lab({"--ws-no-deflate"});
  const Finished client = lab.python(R"(
import asyncio, websockets
async def talk():
    async with websockets.connect("ws://10.77.0.2/echo", open_timeout=10) as socket:
        print(len(socket.extensions))
asyncio.run(talk())
)");
  INFO(client.err);
  CHECK(client.out == "0\n");
}

TEST_CASE("the WebSocket client of node's ws package is echoed, compressed") {
  WebLab lab;
  const Finished client = lab.run(node_words(R"(
const WebSocket = require('ws');
const socket = new WebSocket('ws://10.77.0.2/echo', {perMessageDeflate: {threshold: 0}});
const sent = [Buffer.from('hello'), require('crypto').randomBytes(500000), Buffer.alloc(2000000, 'again and again ')];
let next = 0;
socket.on('open', () => {
  if (!socket.extensions.startsWith('permessage-deflate')) process.exit(5);
  socket.send(sent[0]);
});
socket.on('message', (data) => {
  if (Buffer.compare(data, sent[next]) !== 0) process.exit(3);
  if (++next < sent.length) socket.send(sent[next]); else socket.close(1000, 'bye');
});
socket.on('close', (code) => { console.log(code); });
socket.on('error', (error) => { console.error(error); process.exit(4); });
)"));
  INFO(client.err);
  CHECK(client.out == "1000\n");
}

TEST_CASE("TCP echo gives back every byte after the peer's FIN, on many connections at once") {
  WebLab lab;
  const Finished client = lab.python(R"(
import os, selectors, socket
text = os.urandom(20000)
waits = selectors.DefaultSelector()
for i in range(200):
    host = "10.77.0.2" if i % 2 else "fd77::2"
    tcp = socket.create_connection((host, 7), timeout=20)
    tcp.sendall(text)
    tcp.shutdown(socket.SHUT_WR)
    tcp.setblocking(False)
    waits.register(tcp, selectors.EVENT_READ, bytearray())
good = 0
while waits.get_map():
    events = waits.select(20)
    assert events
    for key, _ in events:
        part = key.fileobj.recv(65536)
        key.data.extend(part)
        if not part:
            good += key.data == text
            waits.unregister(key.fileobj)
            key.fileobj.close()
print(good)
)");
  INFO(client.err);
  CHECK(client.out == "200\n");
}

TEST_CASE("a client that does not read holds itself up, not the server") {
  WebLab lab;
  const Finished client = lab.python(R"(
import socket
lazy = socket.create_connection(("10.77.0.2", 7), timeout=1)
sent = 0
try:
    while sent < 64 << 20: sent += lazy.send(b"x" * 65536)
except TimeoutError:
    pass
assert sent < 64 << 20, "the echo took everything"
busy = socket.create_connection(("10.77.0.2", 7), timeout=10)
busy.sendall(b"still there")
assert busy.recv(100) == b"still there"
lazy.settimeout(10)
lazy.shutdown(socket.SHUT_WR)
back = 0
while part := lazy.recv(1 << 20): back += len(part)
print(back == sent)
)");
  INFO(client.err);
  CHECK(client.out == "True\n");
}

TEST_CASE("SIGTERM ends it in good order: FIN to who is connected, 1001 to a WebSocket, exit 0, no socket left") {
  WebLab lab;
  auto client = lab.start({"/usr/bin/python3", "-uc", R"(
import asyncio, socket, websockets
async def talk():
    tcp = socket.create_connection(("10.77.0.2", 7), timeout=10)
    tcp.sendall(b"x")
    assert tcp.recv(1) == b"x"
    async with websockets.connect("ws://10.77.0.2/echo") as ws:
        await ws.send("x")
        await ws.recv()
        print("connected")
        try:
            await asyncio.wait_for(ws.recv(), 10)
        except websockets.ConnectionClosed:
            print(ws.close_code, tcp.recv(1))
asyncio.run(talk())
)"});
  REQUIRE(client->wait_for("connected"));
  lab.server->signal(SIGTERM);
  const Finished ended = lab.server->wait(Seconds(10));
  CHECK(ended.status == 0);
  CHECK(client->wait().out == "connected\n1001 b''\n");
  CHECK(lab.sluice({"ss", lab.name()}).err == "sluice ss: no sluice named " + lab.name() + " runs here\n");
}

TEST_CASE("a bad link loses nothing for good") {
  WebLab lab(
      {"--loss", "2%", "--delay", "5ms", "--jitter", "2ms", "--reorder", "3%", "--duplicate", "1%", "--seed", "test"});
  CHECK(lab.curl({"--max-time", "60", std::string(kHost) + "/big.bin"}).out == lab.big);
}

}  // namespace sluice::interop
