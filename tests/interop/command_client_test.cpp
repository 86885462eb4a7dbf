// get, nc and ping: our TCP as the client, the kernel as the server.
#include <doctest/doctest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "tests/interop/command.hpp"

namespace sluice::interop {
namespace {

using Json = nlohmann::json;

/// Answers one connection on PORT with what CODE makes of it; says "up" when it listens.
std::string server_on(int port, const std::string& code) {
  return "import socket, sys\nlistener = socket.create_server(('::', " + std::to_string(port) +
         "), family=socket.AF_INET6, dualstack_ipv6=True)\nprint('up')\ntcp, _ = "
         "listener.accept()\ntcp.settimeout(20)\n"
         "def rest(): return b''.join(iter(lambda: tcp.recv(65536), b''))\n" +
         code;
}

struct Peer {
  std::unique_ptr<Program> program;
  Peer(Lab& lab, int port, const std::string& code)
      : program(lab.start({"/usr/bin/python3", "-uc", server_on(port, code)})) {
    REQUIRE(program->wait_for("up"));
  }
};

/// Reads a head, answers with `answer` (python bytes), closes.
std::string http_answer(const std::string& answer) {
  return "head = b''\nwhile b'\\r\\n\\r\\n' not in head: head += tcp.recv(4096)\ntcp.sendall(" + answer +
         ")\ntcp.close()\nprint(head.decode())\n";
}

}  // namespace

TEST_CASE("get fetches from a server of the kernel's, whole and in time, clean and over a bad link") {
  Lab lab;
  const std::string body = noise(1'000'000);
  const std::string path = lab.file("body", body);
  const std::string answer =
      "b'HTTP/1.1 200 OK\\r\\nContent-Length: 1000000\\r\\n\\r\\n' + open('" + path + "','rb').read()";
  {
    Peer peer(lab, 8000, http_answer(answer));
    const Finished got = lab.sluice({"get", "http://10.77.1.1:8000/x?y"});
    CHECK(got.status == 0);
    CHECK(got.out == body);
    const std::string head = peer.program->wait().out;
    CHECK(head.find("GET /x?y HTTP/1.1\r\nHost: 10.77.1.1:8000\r\n") != std::string::npos);
  }
  Peer peer(lab, 8001, http_answer(answer));
  const std::string file = lab.file("got");
  const Finished lossy = lab.sluice({"get", "--loss", "3%", "--delay", "5ms", "--reorder", "3%", "--seed", "g",
                                     "--json", "-o", file, "http://[fd77:0:0:1::1]:8001/"});
  CHECK(lossy.status == 0);
  const Json report = Json::parse(lossy.out);
  CHECK(report.at("status") == 200);
  CHECK(report.at("bytes") == body.size());
  CHECK(report.at("remote") == "[fd77:0:0:1::1]:8001");
  CHECK(Lab::read(file) == body);
}

TEST_CASE("get ends as curl would") {
  Lab lab;
  CHECK(lab.sluice({"get", "http://10.77.1.1:9/"}).status == 7);
  CHECK(lab.sluice({"get", "ws://10.77.1.1/"}).status == 1);
  CHECK(lab.sluice({"get", "10.77.1.1"}).status == 3);
  CHECK(lab.sluice({"get", "http://no-such-host.invalid/"}).status == 6);
  CHECK(lab.sluice({"get", "-m", "200ms", "http://10.77.1.77/"}).status == 28);
  {
    Peer peer(lab, 8000, http_answer("b'HTTP/1.1 404 Not Found\\r\\nContent-Length: 4\\r\\n\\r\\ngone'"));
    const Finished missing = lab.sluice({"get", "-i", "-f", "http://10.77.1.1:8000/"});
    CHECK(missing.status == 22);
    CHECK(missing.out == "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\n");
  }
  {
    Peer peer(lab, 8001, http_answer("b'HTTP/1.1 200 OK\\r\\nContent-Length: 9\\r\\n\\r\\nhalf'"));
    CHECK(lab.sluice({"get", "http://10.77.1.1:8001/"}).status == 18);
  }
  Peer peer(lab, 8002, http_answer("b''"));
  CHECK(lab.sluice({"get", "http://10.77.1.1:8002/"}).status == 52);
}

TEST_CASE("nc sends its input and a FIN, and still hears the answer") {
  Lab lab;
  Peer peer(lab, 7000, "text = rest()\ntcp.sendall(b'%d bytes' % len(text))\ntcp.close()\n");
  const Finished ended = lab.sluice({"nc", "10.77.1.1", "7000"}, noise(500'000));
  CHECK(ended.status == 0);
  CHECK(ended.out == "500000 bytes");
}

TEST_CASE("nc goes on sending after the peer's FIN") {
  Lab lab;
  Peer peer(lab, 7000, "tcp.sendall(b'bye')\ntcp.shutdown(socket.SHUT_WR)\nprint(len(rest()))\n");
  CHECK(lab.sluice({"nc", "10.77.1.1", "7000"}, noise(500'000)).out == "bye");
  CHECK(peer.program->wait().out == "up\n500000\n");
}

TEST_CASE("nc -l takes one connection, with half-close both ways") {
  Lab lab;
  auto listener = lab.start({SLUICE_COMMAND, "nc", "-l", "7100", "--dev", "nc0"}, "from sluice");
  const Finished client = lab.python(R"(
import socket, time
end = time.monotonic() + 20
while True:
    try:
        tcp = socket.create_connection(("10.77.1.2", 7100), timeout=10)
        break
    except OSError:
        assert time.monotonic() < end
        time.sleep(0.02)
tcp.sendall(b"from the kernel")
tcp.shutdown(socket.SHUT_WR)
print(b"".join(iter(lambda: tcp.recv(100), b"")).decode())
)");
  CHECK(client.out == "from sluice\n");
  const Finished ended = listener->wait();
  CHECK(ended.status == 0);
  CHECK(ended.out == "from the kernel");
}

TEST_CASE("nc says in one sentence why a connection failed") {
  Lab lab;
  const Finished refused = lab.sluice({"nc", "10.77.1.1", "9"});
  CHECK(refused.status == 1);
  CHECK(refused.err == "sluice nc: 10.77.1.1:9: connection refused\n");
  const Finished silent = lab.sluice({"nc", "-w", "200ms", "10.77.1.77", "9"});
  CHECK(silent.status == 1);
  CHECK(silent.err == "sluice nc: timed out\n");
  Peer peer(lab, 7000,
            "import struct\ntcp.recv(1)\ntcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))\n"
            "tcp.close()\n");
  const Finished reset = lab.sluice({"nc", "10.77.1.1", "7000"}, "x");
  CHECK(reset.status == 1);
  CHECK(reset.err == "sluice nc: 10.77.1.1:7000: connection reset by peer\n");
}

TEST_CASE("nc -u sends datagrams and prints the answers, and hears of a closed port") {
  Lab lab;
  auto peer = lab.start({"/usr/bin/python3", "-uc", R"(
import socket
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("", 5000))
udp.settimeout(20)
print("up")
text, sender = udp.recvfrom(2000)
udp.sendto(b"back: " + text, sender)
)"});
  REQUIRE(peer->wait_for("up"));
  const Finished answered = lab.sluice({"nc", "-u", "10.77.1.1", "5000"}, "knock");
  CHECK(answered.status == 0);
  CHECK(answered.out == "back: knock");
  CHECK(lab.sluice({"nc", "-u", "10.77.1.1", "5999"}, "knock").err == "sluice nc: connection refused\n");
}

TEST_CASE("ping asks the kernel, and says what ping says") {
  Lab lab;
  const Finished four = lab.sluice({"ping", "-c", "3", "-i", "20ms", "10.77.1.1"});
  CHECK(four.status == 0);
  CHECK(four.out.find("3 packets transmitted, 3 received, 0% packet loss") != std::string::npos);
  const Finished six = lab.sluice({"ping", "-c", "1", "-s", "1000", "--json", "fd77:0:0:1::1"});
  CHECK(six.status == 0);
  const Json answer = Json::parse(six.out.substr(0, six.out.find('\n')));
  CHECK(answer.at("bytes") == 1008);
  CHECK(answer.at("from") == "fd77:0:0:1::1");
  const Finished nobody = lab.sluice({"ping", "-c", "2", "-i", "10ms", "-W", "100ms", "10.77.1.77"});
  CHECK(nobody.status == 1);
  CHECK(nobody.out.find("100% packet loss") != std::string::npos);
  CHECK(lab.sluice({"ping", "-c", "1", "no-such-host.invalid"}).status == 2);
}

}  // namespace sluice::interop
