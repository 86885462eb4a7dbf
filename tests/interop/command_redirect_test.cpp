// `sluice get` over several answers: redirects, kept connections, files that go on where they broke off.
#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/interop/command.hpp"

namespace sluice::interop {
namespace {

using Json = nlohmann::json;

/// python3's http.server on 8000 (keep-alive) and 8001, answering paths by what they say; its log tells of each
/// request.
constexpr const char* kServer = R"(
import http.server, sys, threading
body = open(sys.argv[1], 'rb').read()
class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    connections = 0
    def setup(self):
        super().setup()
        Answers.connections += 1
        self.number = Answers.connections
    def answer(self, status, text=b'', **fields):
        self.send_response(status)
        for name, value in fields.items(): self.send_header(name.replace('_', '-'), value)
        if status != 304: self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        if self.command != 'HEAD': self.wfile.write(text)
    def do_GET(self):
        names = ('Authorization', 'Cookie', 'X-Mine', 'User-Agent', 'Range', 'If-Range', 'Host')
        fields = ' '.join(f'{n}={self.headers[n]}' for n in names if self.headers[n])
        print(self.command, self.server.server_port, self.path, f'on={self.number}', fields, flush=True)
        kind = self.path.split('/')[1]
        if kind == 'to': return self.answer(int(self.path.split('/')[2]), b'moved', Location=self.path.split('/', 3)[3])
        if kind == 'bare': return self.answer(302)
        if kind == 'long': return self.answer(301, b'x' * 1000000, Location='/page')
        if kind == 'count':
            n = int(self.path.split('/')[2])
            return self.answer(302, Location=f'/count/{n - 1}') if n else self.answer(200, b'counted')
        if kind == 'drop':
            self.answer(200, b'once')
            self.close_connection = True
            return
        if kind == 'cut':
            self.send_response(200)
            self.send_header('ETag', '"v1"')
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body[:300000])
            self.close_connection = True
            return
        if kind in ('body', 'changed', 'whole'):
            tag = '"v2"' if kind == 'changed' else '"v1"'
            range = self.headers['Range']
            fits = self.headers['If-Range'] in (None, tag) and kind != 'whole'
            if range and fits:
                first = int(range[6:].split('-')[0])
                if first >= len(body): return self.answer(416, Content_Range=f'bytes */{len(body)}')
                last = range[6:].split('-')[1]
                part = body[first:int(last) + 1 if last else None]
                return self.answer(206, part, ETag=tag,
                                   Content_Range=f'bytes {first}-{first + len(part) - 1}/{len(body)}')
            return self.answer(200, body, ETag=tag)
        if kind == 'page': return self.answer(200, b'page of %s' % self.path.encode())
        self.answer(404, b'nothing')
    do_HEAD = do_GET
    def log_message(self, *_): pass
class Server(http.server.ThreadingHTTPServer):
    address_family = __import__('socket').AF_INET6
other = Server(('::', 8001), Answers)
threading.Thread(target=other.serve_forever, daemon=True).start()
server = Server(('::', 8000), Answers)
print('up', flush=True)
server.serve_forever()
)";

const std::string kHere = "http://10.77.1.1:8000";

struct Answers : Lab {
  std::string body = noise(700'000);
  std::unique_ptr<Program> server;

  Answers() {
    server = start({"/usr/bin/python3", "-uc", kServer, file("body", body)});
    REQUIRE(server->wait_for("up"));
  }
  Finished get(Words words) {
    words.insert(words.begin(), "get");
    return sluice(words);
  }
  std::string log() {
    server->signal(SIGTERM);
    return server->wait().out;
  }
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("get -L follows redirects of each kind over one connection, and without -L shows them") {
  Answers lab;
  for (const char* status : {"301", "302", "303", "307", "308"})
    CHECK(lab.get({"-L", kHere + "/to/" + status + "//page"}).out == "page of /page");
  const Finished plain = lab.get({kHere + "/to/302//page"});
  CHECK(plain.status == 0);
  CHECK(plain.out == "moved");
  const Finished heads = lab.get({"-L", "-I", kHere + "/to/302//page"});
  CHECK(has(heads.out, "HTTP/1.1 302 Found\r\n"));
  CHECK(has(heads.out, "HTTP/1.1 200 OK\r\n"));
  const Finished told = lab.get({"-L", "--json", kHere + "/to/302//count/3"});
  const Json report = Json::parse(told.out);
  CHECK(report.at("redirects") == 4);
  CHECK(report.at("connects") == 1);
  CHECK(report.at("final_url") == kHere + "/count/0");
  CHECK(report.at("bytes") == 7);
  CHECK(report.at("redirect_ms") > report.at("connect_ms"));
  CHECK(has(lab.log(), "HEAD 8000 /page"));
}

TEST_CASE("get -L ends with curl's 47 and one sentence where redirects have no end or no aim") {
  Answers lab;
  const Finished circle = lab.get({"-L", kHere + "/to/302//to/302//to/302/x/../.."});
  CHECK(circle.status != 0);
  const Finished self = lab.get({"-L", kHere + "/to/302/"});
  CHECK(self.status == 47);
  CHECK(self.err == "sluice get: the redirects go round in a circle, back to " + kHere + "/to/302/\n");
  const Finished bare = lab.get({"-L", kHere + "/bare"});
  CHECK(bare.status == 47);
  CHECK(bare.err == "sluice get: the server answers 302 without a Location\n");
  CHECK(lab.get({"-L", kHere + "/count/10"}).out == "counted");
  const Finished many = lab.get({"-L", kHere + "/count/11"});
  CHECK(many.status == 47);
  CHECK(many.err == "sluice get: more than 10 redirects\n");
  CHECK(lab.get({"-L", "--max-redirs", "2", kHere + "/count/3"}).status == 47);
  CHECK(lab.get({"-L", "--max-redirs", "x", kHere + "/"}).status == 2);
  CHECK(lab.get({"-L", kHere + "/to/302/ws://10.77.1.1/"}).status == 1);
}

TEST_CASE("credentials of -H stay with the origin, other fields go along") {
  Answers lab;
  const std::string there = "http://10.77.1.1:8001/page";
  CHECK(lab.get({"-L", "-H", "Authorization: secret", "-H", "Cookie: c", "-H", "X-Mine: m", "-H",
                 "User-Agent:", kHere + "/to/302/" + there})
            .status == 0);
  const Finished back = lab.get({"-L", "-H", "Authorization: secret", kHere + "/to/307//page/same"});
  CHECK(back.out == "page of /page/same");
  CHECK(lab.get({"-H", "Content-Length: 3", kHere + "/page"}).status == 2);
  CHECK(lab.get({"-H", "no colon", kHere + "/page"}).status == 2);
  const std::string log = lab.log();
  CHECK(has(log, "GET 8000 /to/302/" + there + " on=1 Authorization=secret Cookie=c X-Mine=m Host=10.77.1.1:8000\n"));
  CHECK(has(log, "GET 8001 /page on=2 X-Mine=m Host=10.77.1.1:8001\n"));
  CHECK(has(log, "GET 8000 /page/same on=3 Authorization=secret"));
}

TEST_CASE("several URLs of one origin go over one connection, each into its file, and the last one's code counts") {
  Answers lab;
  const std::string a = lab.file("a"), b = lab.file("b");
  const Finished both =
      lab.get({"--json", "-o", a, "-o", b, kHere + "/page/a", kHere + "/body", kHere + "/drop", kHere + "/page/c"});
  CHECK(both.status == 0);
  CHECK(Lab::read(a) == "page of /page/a");
  CHECK(Lab::read(b) == lab.body);
  std::string lines = both.out;
  for (const int connects : {1, 0, 0, 1}) {
    const Json report = Json::parse(lines.substr(0, lines.find('\n')));
    CHECK(report.at("connects") == connects);
    CHECK(report.contains("dns_ms") == (connects == 1));
    lines.erase(0, lines.find('\n') + 1);
  }
  CHECK(lines.empty());
  CHECK(lab.get({"-f", kHere + "/none", kHere + "/page"}).status == 0);
  const Finished last = lab.get({"-f", kHere + "/page", kHere + "/none"});
  CHECK(last.status == 22);
  CHECK(last.out == "page of /page");
}

TEST_CASE("a request that met the end of a kept connection goes out once more, over a new one [RFC 9112 9.3.1]") {
  Lab lab;
  auto peer = lab.start({"/usr/bin/python3", "-uc", R"(
import socket
listener = socket.create_server(('', 8000))
print('up')
def heard(tcp):
    head = b''
    while b'\r\n\r\n' not in head: head += tcp.recv(4096)
def answered(tcp, text):
    heard(tcp)
    tcp.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n' + text)
first, _ = listener.accept()
answered(first, b'1')
heard(first)
first.close()
second, _ = listener.accept()
answered(second, b'2')
heard(second)
second.close()
third, _ = listener.accept()
heard(third)
third.close()
)"});
  REQUIRE(peer->wait_for("up"));
  const Finished got = lab.sluice({"get", kHere + "/1", kHere + "/2", kHere + "/3"});
  CHECK(got.out == "12");
  CHECK(got.status == 52);
}

TEST_CASE("a redirect with a long body costs a new connection, not the body") {
  Answers lab;
  const Finished got = lab.get({"-L", "--json", "-o", lab.file("got"), kHere + "/long"});
  CHECK(got.status == 0);
  CHECK(Json::parse(got.out).at("connects") == 2);
  CHECK(Lab::read(lab.file("got")) == "page of /page");
}

TEST_CASE("get --continue asks for the rest of a file that broke off, by the tag that it had") {
  Answers lab;
  const std::string file = lab.file("got");
  CHECK(lab.get({"-o", file, kHere + "/cut"}).status == 18);
  CHECK(Lab::read(file) == lab.body.substr(0, 300'000));
  const Finished rest = lab.get({"--json", "--continue", "-o", file, kHere + "/body"});
  CHECK(rest.status == 0);
  CHECK(Json::parse(rest.out).at("resumed_from") == 300'000);
  CHECK(Json::parse(rest.out).at("bytes") == 400'000);
  CHECK(Lab::read(file) == lab.body);
  const Finished complete = lab.get({"-f", "-C", "-", "-o", file, kHere + "/body"});
  CHECK(complete.status == 0);
  CHECK(Lab::read(file) == lab.body);
  CHECK(has(lab.log(), " Range=bytes=300000- If-Range=\"v1\" Host="));
}

TEST_CASE("get --continue makes no file of two halves") {
  Answers lab;
  const std::string file = lab.file("got");
  CHECK(lab.get({"-o", file, kHere + "/cut"}).status == 18);
  const Finished changed = lab.get({"-C", "-", "-o", file, kHere + "/changed"});
  CHECK(changed.status == 0);
  CHECK(changed.err == "sluice get: " + file + " is another file by now, and begins anew\n");
  CHECK(Lab::read(file) == lab.body);
  lab.file("got", "unknown");
  std::filesystem::remove(file);
  lab.file("got", "some of it");
  const Finished whole = lab.get({"-C", "-", "-o", file, kHere + "/whole"});
  CHECK(whole.status == 33);
  CHECK(Lab::read(file) == "some of it");
  CHECK(lab.get({"-C", "-", "-o", file, kHere + "/none"}).status == 22);
  lab.file("got", lab.body + "more");
  CHECK(lab.get({"-C", "-", "-o", file, kHere + "/body"}).status == 33);
  CHECK(lab.get({"-C", "-", "-o", lab.file("new"), kHere + "/page"}).status == 0);
  CHECK(Lab::read(lab.file("new")) == "page of /page");
  CHECK(lab.get({"-C", "-", kHere + "/body"}).status == 2);
}

TEST_CASE("get -r takes a part, -O the name of the URL, -s says nothing") {
  Answers lab;
  CHECK(lab.get({"-r", "10-19", kHere + "/body"}).out == lab.body.substr(10, 10));
  CHECK(lab.get({"-r", "ten", kHere + "/body"}).status == 2);
  const std::string folder = lab.file("");
  CHECK(lab.run({"sh", "-c", "cd " + folder + " && " SLUICE_COMMAND " get -O " + kHere + "/page/named?x=/y"}).status ==
        0);
  CHECK(Lab::read(lab.file("named")) == "page of /page/named?x=/y");
  CHECK(lab.get({"-O", kHere + "/"}).status == 23);
  const Finished silent = lab.get({"-s", "-f", kHere + "/none"});
  CHECK(silent.status == 22);
  CHECK(silent.err.empty());
  CHECK_FALSE(lab.get({"-s", "-S", "-f", kHere + "/none"}).err.empty());
}

TEST_CASE("get -o shows its progress on a terminal, and nowhere else") {
  Answers lab;
  const std::string in_terminal = R"(
import os, pty, sys
status = pty.spawn(sys.argv[1:], lambda fd: os.read(fd, 65536))
sys.exit(os.waitstatus_to_exitcode(status))
)";
  const Finished shown = lab.run({"/usr/bin/python3", "-c", in_terminal, SLUICE_COMMAND, "get", "--rate", "10mbit",
                                  "-o", lab.file("got"), kHere + "/body"});
  CHECK(shown.status == 0);
  CHECK(has(shown.out, "\r\x1b[K"));
  CHECK(has(shown.out, "left"));
  CHECK(has(shown.out, "100% [####"));
  CHECK(lab.run({"/usr/bin/python3", "-c", in_terminal, SLUICE_COMMAND, "get", "-s", "-o", lab.file("got"),
                 kHere + "/body"})
            .out.empty());
  CHECK(lab.get({"-o", lab.file("got"), kHere + "/body"}).err.empty());
}

}  // namespace sluice::interop
