// Names looked up through our stack, from a server of the kernel's that also answers wrongly, late or never.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/interop/command.hpp"

namespace sluice::interop {
namespace {

// What it says depends on the name's first label. Prints each question with the way it came.
constexpr const char* kServer = R"(
import socket, struct, threading
MANY = {'refusing': [3, 1], 'silent-first': [77, 1], 'bad': [3, 4]}
V4, V6 = socket.inet_aton('10.77.1.1'), socket.inet_pton(socket.AF_INET6, 'fd77:0:0:1::1')
def name(labels): return b''.join(bytes([len(x)]) + x for x in labels) + b'\0'
def record(owner, kind, data): return owner + struct.pack('>HHIH', kind, 1, 60, len(data)) + data
def answer(query, tcp):
    labels, at = [], 12
    while query[at]: labels.append(query[at + 1:at + 1 + query[at]]); at += 1 + query[at]
    kind = struct.unpack('>H', query[at + 1:at + 3])[0]
    what, owner, flags, records = labels[0].decode(), b'\xc0\x0c', 0x8180, []
    print('tcp' if tcp else 'udp', b'.'.join(labels).decode(), kind)
    if what == 'silent': return []
    if what == 'absent': flags |= 3
    if what == 'broken': flags |= 2
    if what == 'alias':
        target = name([b'web', b'example']); records.append(record(owner, 5, target)); owner = target
    cut = what == 'long' and not tcp
    if cut: flags |= 0x200
    elif what in ('web', 'alias', 'long', 'spoofed', 'four') and kind == 1: records.append(record(owner, 1, V4))
    elif what in MANY and kind == 1: records += [record(owner, 1, socket.inet_aton('10.77.1.%d' % one)) for one in MANY[what]]
    elif what in ('web', 'six') and kind == 28: records.append(record(owner, 28, V6))
    def message(id, records): return id + struct.pack('>HHHHH', flags, 1, len(records), 0, 0) + query[12:at + 5] + b''.join(records)
    wrong = bytes([query[0] ^ 1]) + query[1:2]
    lie = [message(wrong, [record(b'\xc0\x0c', 1, socket.inet_aton('10.77.1.66'))])] if what == 'spoofed' and kind == 1 else []
    return lie + [message(query[:2], records)]
def streams():
    while True:
        peer, _ = listener.accept()
        with peer:
            data = peer.makefile('rb')
            while size := data.read(2):
                for one in answer(data.read(struct.unpack('>H', size)[0]), True): peer.sendall(struct.pack('>H', len(one)) + one)
listener = socket.create_server(('', 53))
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.bind(('', 53))
threading.Thread(target=streams, daemon=True).start()
print('up')
while True:
    query, sender = datagrams.recvfrom(4096)
    for one in answer(query, False): datagrams.sendto(one, sender)
)";

// On port 8000 of all addresses, and on port 8001 of 10.77.1.1 alone. /to/URL leads there.
constexpr const char* kWeb = R"(
import http.server, socket, threading
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith('/to/'):
            self.send_response(302); self.send_header('Location', self.path[4:]); self.send_header('Content-Length', '0'); return self.end_headers()
        body = ('family %d' % (4 if '.' in self.client_address[0] else 6)).encode()
        self.send_response(200); self.send_header('Content-Length', str(len(body))); self.end_headers(); self.wfile.write(body)
class Server(http.server.ThreadingHTTPServer): address_family = socket.AF_INET6
class Narrow(http.server.ThreadingHTTPServer):
    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IP, 15, 1)  # IP_FREEBIND: the device is yet to come
        super().server_bind()
threading.Thread(target=Narrow(('10.77.1.1', 8001), Answer).serve_forever, daemon=True).start()
server = Server(('::', 8000), Answer)
print('up')
server.serve_forever()
)";

constexpr const char* kEcho = R"(
import asyncio, websockets
async def echo(peer, path=None):
    async for message in peer: await peer.send(message)
async def main():
    async with websockets.serve(echo, ['0.0.0.0', '::'], 8002):
        print('up', flush=True)
        await asyncio.Future()
asyncio.run(main())
)";

struct Names {
  Lab lab;
  std::unique_ptr<Program> dns = lab.start({"/usr/bin/python3", "-uc", kServer});
  std::unique_ptr<Program> web = lab.start({"/usr/bin/python3", "-uc", kWeb});
  Names() {
    REQUIRE(dns->wait_for("up"));
    REQUIRE(web->wait_for("up"));
  }
  Finished get(const std::string& name, const std::string& flag = "-S") {
    return lab.sluice({"get", flag, "--dns", "10.77.1.1", "http://" + name + ":8000/"});
  }
};

bool says(const Finished& finished, const std::string& text) { return finished.err.find(text) != std::string::npos; }

}  // namespace

TEST_CASE("get finds a host by name over UDP, by an alias, and over TCP when the answer is cut [RFC 1035 4.2, 3.3.1]") {
  Names names;
  CHECK(names.get("four.example").out.starts_with("family"));
  CHECK(names.get("alias.example").out.starts_with("family"));
  CHECK(names.get("six.example").out.starts_with("family"));
  CHECK(names.get("web.example.").out.starts_with("family"));
  CHECK(names.get("long.example").out.starts_with("family"));
  CHECK(names.dns->wait_for("tcp long.example 1"));
}

TEST_CASE("an answer with another id than the question's is not believed [RFC 5452 9.1]") {
  Names names;
  const auto report = nlohmann::json::parse(names.get("spoofed.example", "--json").out);
  CHECK(report.at("remote") == "10.77.1.1:8000");
  CHECK(report.at("dns_ms") > 0);
}

TEST_CASE("a name that is not found ends get with 6 and says why") {
  Names names;
  for (const auto& [name, why] :
       {std::pair("absent.example", "no such name"), std::pair("broken.example", "server failure"),
        std::pair("empty.example", "no address"), std::pair("silent.example", "no answer from 10.77.1.1")}) {
    const Finished got = names.get(name);
    CHECK(got.status == 6);
    CHECK_MESSAGE(says(got, std::string("cannot resolve ") + name + ": " + why), got.err);
  }
}

TEST_CASE("get, nc and ws go on to a name's next address when one refuses or is silent [RFC 8305 5]") {
  Names names;
  names.lab.run({"ip", "link", "set", "lo", "up"});
  names.lab.run({"ip", "address", "add", "10.77.1.3/32", "dev", "lo"});
  names.lab.run({"ip", "address", "add", "10.77.1.4/32", "dev", "lo"});
  for (const std::string name : {"refusing.example", "silent-first.example"}) {
    const Finished got = names.lab.sluice({"get", "--json", "--dns", "10.77.1.1", "http://" + name + ":8001/"});
    CHECK_MESSAGE(got.status == 0, got.err);
    CHECK(nlohmann::json::parse(got.out).at("remote") == "10.77.1.1:8001");
    const Finished typed = names.lab.sluice({"nc", "-v", "--dns", "10.77.1.1", name, "8001"}, "GET / HTTP/1.0\r\n\r\n");
    CHECK(typed.out.ends_with("family 4"));
    CHECK(says(typed, "connected to 10.77.1.1:8001"));
  }
}

TEST_CASE("a name none of whose addresses can be reached is told with each of them") {
  Names names;
  names.lab.run({"ip", "link", "set", "lo", "up"});
  names.lab.run({"ip", "address", "add", "10.77.1.3/32", "dev", "lo"});
  names.lab.run({"ip", "address", "add", "10.77.1.4/32", "dev", "lo"});
  const std::string both = "10.77.1.3:8001: connection refused; 10.77.1.4:8001: connection refused\n";
  const Finished got = names.lab.sluice({"get", "--dns", "10.77.1.1", "http://bad.example:8001/"});
  CHECK(got.status == 7);
  CHECK(got.err == "sluice get: " + both);
  const Finished typed = names.lab.sluice({"nc", "--dns", "10.77.1.1", "bad.example", "8001"});
  CHECK(typed.status == 1);
  CHECK(typed.err == "sluice nc: " + both);
  const Finished talked = names.lab.sluice({"ws", "--dns", "10.77.1.1", "ws://bad.example:8001/"});
  CHECK(talked.status == 1);
  CHECK(talked.err == "sluice ws: " + both);
}

TEST_CASE("a redirect to another name is looked up through the stack, and told when that is none") {
  Names names;
  const Words get{"get", "-L", "--dns", "10.77.1.1"};
  const auto led_to = [&](const std::string& target) {
    Words words = get;
    words.push_back("http://10.77.1.1:8000/to/" + target);
    return names.lab.sluice(words);
  };
  CHECK(led_to("http://four.example:8000/").out == "family 4");
  CHECK(led_to("http://four.example:8000/to/http://alias.example:8000/").out == "family 4");
  const Finished lost = led_to("http://absent.example:8000/");
  CHECK(lost.status == 6);
  CHECK(lost.err == "sluice get: cannot resolve absent.example: no such name\n");
  Words hasty = get;
  hasty.insert(hasty.end(), {"-m", "1s", "http://10.77.1.1:8000/to/http://silent.example:8000/"});
  const Finished late = names.lab.sluice(hasty);
  CHECK(late.status == 28);
  CHECK(late.err == "sluice get: not done within 1 s\n");
}

TEST_CASE("ws talks to a host that DNS names, and says of another why it does not") {
  Names names;
  const auto echo = names.lab.start({"/usr/bin/python3", "-uc", kEcho});
  REQUIRE(echo->wait_for("up"));
  const auto talk = [&](const std::string& name) {
    return names.lab.sluice({"ws", "--dns", "10.77.1.1", "--one", "ws://" + name + ":8002/"}, "hello\n");
  };
  for (const std::string name : {"web.example", "alias.example", "long.example"}) CHECK(talk(name).out == "hello\n");
  for (const auto& [name, why] :
       {std::pair("absent.example", "no such name"), std::pair("silent.example", "no answer from 10.77.1.1")}) {
    const Finished said = talk(name);
    CHECK(said.status == 1);
    CHECK_MESSAGE(says(said, std::string("cannot resolve ") + name + ": " + why), said.err);
  }
}

TEST_CASE("ping and nc find a host by name, too") {
  Names names;
  CHECK(names.lab.sluice({"ping", "--dns", "10.77.1.1", "-c", "1", "web.example"}).status == 0);
  CHECK(names.lab.sluice({"nc", "--dns", "10.77.1.1", "-w", "200ms", "absent.example", "8000"}).status == 1);
}

}  // namespace sluice::interop
