// Datagram sockets by descriptor.
#include "tests/posix/programs.hpp"

namespace sluice::posix {
namespace {

struct Datagrams : Programs {
  Datagrams() {
    REQUIRE(server.bind(right, at_server(53)).good());
    run();
  }
  /// One datagram from left to right.
  void bring(std::string_view text) {
    const Endpoint to = at_server(53);
    REQUIRE(client.write(left, text, 0, &to).good());
    run();
  }
  int left = client.open(SOCK_DGRAM | SOCK_NONBLOCK);
  int right = server.open(SOCK_DGRAM | SOCK_NONBLOCK);
};

TEST_CASE_FIXTURE(Datagrams, "a datagram arrives whole, and tells where it came from") {
  CHECK(server.read(right) == "<EAGAIN>");
  bring("question");
  Received info;
  CHECK(server.ready(right) == (POLLIN | POLLOUT));
  CHECK(server.read(right, 100, 0, &info) == "question");
  CHECK(info.has_from);
  CHECK(info.from.address == world.left_address());
  CHECK(info.ttl == -1);
  CHECK(text_of(server.write(right, "answer", 0, &info.from)) == "6");
  run();
  CHECK(client.read(left) == "answer");
}

TEST_CASE_FIXTURE(Datagrams, "what does not fit is cut off, and that is told") {
  bring("0123456789");
  Received info;
  CHECK(server.read(right, 4, MSG_PEEK, &info) == "0123");
  CHECK(info.flags == MSG_TRUNC);
  int size = 0;
  CHECK(server.ioctl(right, FIONREAD, size).good());
  CHECK(size == 10);
  std::array<std::uint8_t, 4> some{};
  const MutableBytes room(some);
  CHECK(text_of(server.receive(right, {&room, 1}, MSG_TRUNC, nullptr)) == "10");
  CHECK(server.read(right) == "<EAGAIN>");
}

TEST_CASE_FIXTURE(Datagrams, "hop limit and type of service come along where they were asked for") {
  CHECK(server.set(right, IPPROTO_IP, IP_RECVTTL, 1).good());
  CHECK(server.set(right, IPPROTO_IP, IP_RECVTOS, 1).good());
  CHECK(client.set(left, IPPROTO_IP, IP_TTL, 7).good());
  CHECK(client.set(left, IPPROTO_IP, IP_TOS, 0x28).good());
  bring("x");
  Received info;
  CHECK(server.read(right, 10, 0, &info) == "x");
  CHECK(info.ttl == 7);
  CHECK(info.tos == 0x28);
}

TEST_CASE_FIXTURE(Datagrams, "without a destination there is nowhere to send, and no peer") {
  CHECK(text_of(client.write(left, "x")) == "EDESTADDRREQ");
  CHECK(client.peer(left) == "ENOTCONN");
  CHECK(text_of(client.shutdown(left, SHUT_RD)) == "ENOTCONN");
  CHECK(text_of(client.connect(left, at_server(53))) == "0");
  CHECK(client.peer(left) == at_server(53).to_string());
  CHECK(text_of(client.write(left, "x")) == "1");
  run();
  CHECK(server.read(right) == "x");
  CHECK(client.shutdown(left, SHUT_WR).good());
  CHECK(text_of(client.write(left, "x")) == "EPIPE");
}

TEST_CASE_FIXTURE(Datagrams, "a refused datagram is told once by the next call") {
  CHECK(client.connect(left, at_server(54)).good());
  CHECK(client.write(left, "x").good());
  run();
  CHECK(client.ready(left) == (POLLOUT | POLLERR));
  CHECK(client.read(left) == "<ECONNREFUSED>");
  CHECK(client.read(left) == "<EAGAIN>");
  CHECK(client.write(left, "x").good());
  run();
  CHECK(client.get(left, SOL_SOCKET, SO_ERROR) == ECONNREFUSED);
}

TEST_CASE_FIXTURE(Datagrams, "an error comes before the datagrams that wait") {
  CHECK(client.connect(left, at_server(53)).good());
  CHECK(client.write(left, "question").good());
  run();
  Received info;
  CHECK(server.read(right, 100, 0, &info) == "question");
  CHECK(server.write(right, "answer", 0, &info.from).good());
  run();
  CHECK(client.read(left, 100, MSG_PEEK) == "answer");
  REQUIRE(server.close(right).good());
  CHECK(client.write(left, "more").good());
  run();
  CHECK(client.ready(left) == (POLLIN | POLLOUT | POLLERR));
  CHECK(text_of(client.write(left, "more")) == "ECONNREFUSED");
  CHECK(client.read(left) == "answer");
}

TEST_CASE_FIXTURE(Datagrams, "a datagram too large for the path goes in fragments, unless that is forbidden") {
  const std::string large(4000, 'z');
  bring(large);
  CHECK(server.read(right) == large);
  CHECK(client.set(left, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO).good());
  const Endpoint to = at_server(53);
  CHECK(text_of(client.write(left, large, 0, &to)) == "EMSGSIZE");
  CHECK(text_of(client.write(left, std::string(70000, 'z'), 0, &to)) == "EMSGSIZE");
  CHECK(client.connect(left, to).good());
  CHECK(client.get(left, IPPROTO_IP, IP_MTU) == 1500);
}

TEST_CASE_FIXTURE(Datagrams, "a blocking receive waits") {
  CHECK(server.fcntl(right, F_SETFL, 0).good());
  CHECK(server.read(right) == "<wait>");
  CHECK(server.read(right, 10, MSG_DONTWAIT) == "<EAGAIN>");
  bring("now");
  CHECK(server.read(right) == "now");
}

TEST_CASE_FIXTURE(Datagrams, "a port is taken by one, and by no stream") {
  const int other = server.open(SOCK_DGRAM | SOCK_NONBLOCK);
  CHECK(text_of(server.bind(other, at_server(53))) == "EADDRINUSE");
  CHECK(server.bind(server.open(), at_server(53)).good());
  CHECK(text_of(server.bind(right, at_server(55))) == "EINVAL");
}

TEST_CASE_FIXTURE(Datagrams, "an IPv6 socket sends to IPv4 hosts as well") {
  const int six = client.open(SOCK_DGRAM | SOCK_NONBLOCK, AF_INET6);
  const Endpoint mapped{world.right_address().mapped(), 53};
  CHECK(text_of(client.write(six, "six", 0, &mapped)) == "3");
  run();
  Received info;
  CHECK(server.read(right, 10, 0, &info) == "six");
  CHECK(server.write(right, "back", 0, &info.from).good());
  run();
  CHECK(client.read(six, 10, 0, &info) == "back");
  CHECK(info.from == mapped);
}

}  // namespace
}  // namespace sluice::posix
