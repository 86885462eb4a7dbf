// Streams by descriptor: opening, text both ways, the end, and the errors on the way, as Linux tells them.
#include "tests/posix/programs.hpp"

namespace sluice::posix {
namespace {

TEST_CASE_FIXTURE(Programs, "a connect without blocking is in progress, then already so, then done, then known") {
  const int listener = listen();
  const int fd = client.open();
  CHECK(fd == 3);
  CHECK(text_of(client.connect(fd, at_server(80))) == "EINPROGRESS");
  CHECK(text_of(client.connect(fd, at_server(80))) == "EALREADY");
  CHECK(client.read(fd) == "<EAGAIN>");
  CHECK(text_of(client.write(fd, "early")) == "EAGAIN");
  CHECK(client.ready(fd) == 0);
  run();
  CHECK(client.ready(fd) == POLLOUT);
  CHECK(client.get(fd, SOL_SOCKET, SO_ERROR) == 0);
  CHECK(text_of(client.connect(fd, at_server(80))) == "0");
  CHECK(text_of(client.connect(fd, at_server(80))) == "EISCONN");
  CHECK(server.ready(listener) == POLLIN);
}

TEST_CASE_FIXTURE(Programs, "a blocking connect waits for the handshake, and a blocking accept for the connection") {
  const int listener = listen(80, SOCK_STREAM);
  const int fd = client.open(SOCK_STREAM);
  CHECK(text_of(server.accept(listener, 0, nullptr)) == "wait");
  CHECK(text_of(client.connect(fd, at_server(80))) == "wait");
  CHECK(text_of(finish([&] { return client.connect(fd, at_server(80)); })) == "0");
  Endpoint peer;
  const Answer accepted = finish([&] { return server.accept(listener, 0, &peer); });
  CHECK(accepted.value == 4);
  CHECK(peer.to_string() == client.name(fd));
  CHECK(server.peer(4) == client.name(fd));
  CHECK(client.peer(fd) == server.name(4));
}

TEST_CASE_FIXTURE(Programs, "a refused connect tells so once, and the socket can be used again") {
  const int fd = client.open();
  CHECK(text_of(client.connect(fd, at_server(81))) == "EINPROGRESS");
  CHECK(client.peer(fd) == "ENOTCONN");
  run();
  CHECK(client.ready(fd) == (POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP));
  CHECK(client.get(fd, SOL_SOCKET, SO_ERROR) == ECONNREFUSED);
  CHECK(client.get(fd, SOL_SOCKET, SO_ERROR) == 0);
  listen();
  CHECK(text_of(client.connect(fd, at_server(80))) == "ECONNABORTED");
  CHECK(text_of(client.connect(fd, at_server(80))) == "EINPROGRESS");
  run();
  CHECK(client.ready(fd) == POLLOUT);
}

TEST_CASE_FIXTURE(Programs, "text goes both ways, and the end is 0") {
  const auto [left, right] = connect();
  CHECK(text_of(client.write(left, "hello")) == "5");
  CHECK(server.read(right) == "<EAGAIN>");
  run();
  CHECK(server.ready(right) == (POLLIN | POLLOUT));
  CHECK(server.read(right, 2) == "he");
  CHECK(server.read(right) == "llo");
  CHECK(client.shutdown(left, SHUT_WR).good());
  CHECK(text_of(client.write(left, "x")) == "EPIPE");
  run();
  CHECK(server.ready(right) == (POLLIN | POLLOUT | POLLRDHUP));
  CHECK(server.read(right) == "");
  CHECK(text_of(server.write(right, "bye")) == "3");
  run();
  CHECK(client.read(left) == "bye");
}

TEST_CASE_FIXTURE(Programs, "a blocking write of more than fits ends when all is taken") {
  const auto [left, right] = connect();
  REQUIRE(client.fcntl(left, F_SETFL, 0).good());
  REQUIRE(client.set(left, SOL_SOCKET, SO_SNDBUF, 20000).good());
  const std::string text(500000, 'a');
  std::string got;
  CHECK(text_of(client.write(left, text)) == "wait");
  const Answer all = finish([&, server_fd = right, client_fd = left] {
    for (std::string part = server.read(server_fd); part.front() == 'a'; part = server.read(server_fd)) got += part;
    return client.write(client_fd, text);
  });
  CHECK(text_of(all) == "500000");
  run(1s);
  while (got.size() < text.size()) got += server.read(right);
  CHECK(got == text);
}

TEST_CASE_FIXTURE(Programs, "without blocking, a write takes what fits and then nothing") {
  const auto [left, right] = connect();
  REQUIRE(client.set(left, SOL_SOCKET, SO_SNDBUF, 20000).good());
  const std::string text(100000, 'a');
  CHECK(text_of(client.write(left, text)) == "20000");
  CHECK(text_of(client.write(left, text)) == "EAGAIN");
  CHECK((client.ready(left) & POLLOUT) == 0);
  run();
  CHECK((client.ready(left) & POLLOUT) != 0);
  CHECK(server.read(right).size() == 20000);
}

TEST_CASE_FIXTURE(Programs, "a reset is told once; then reading ends and the pipe is broken") {
  const auto [left, right] = connect();
  const linger now{1, 0};
  REQUIRE(server.setsockopt(right, SOL_SOCKET, SO_LINGER, {reinterpret_cast<const std::uint8_t*>(&now), sizeof now})
              .good());
  REQUIRE(server.close(right).good());
  run();
  CHECK(client.ready(left) == (POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP));
  CHECK(client.read(left) == "<ECONNRESET>");
  CHECK(client.read(left) == "");
  CHECK(text_of(client.write(left, "x")) == "EPIPE");
  CHECK(client.peer(left) == "ENOTCONN");
}

TEST_CASE_FIXTURE(Programs, "a reset after the peer's FIN is a broken pipe") {
  const auto [left, right] = connect();
  CHECK(text_of(client.write(left, "never read")) == "10");
  CHECK(server.shutdown(right, SHUT_WR).good());
  run();
  CHECK(server.close(right).good());
  run();
  CHECK(client.read(left) == "");
  CHECK(text_of(client.write(left, "x")) == "EPIPE");
}

TEST_CASE_FIXTURE(Programs, "text is looked at without being taken, across packets and pieces of room") {
  const auto [left, right] = connect();
  REQUIRE(client.set(left, IPPROTO_TCP, 1, 1).good());
  for (const char* part : {"one ", "two ", "three"}) {
    CHECK(client.write(left, part).good());
    run();
  }
  std::string a(6, '.'), b(20, '.');
  const std::array<MutableBytes, 2> room = {MutableBytes(reinterpret_cast<std::uint8_t*>(a.data()), a.size()),
                                            MutableBytes(reinterpret_cast<std::uint8_t*>(b.data()), b.size())};
  CHECK(text_of(server.receive(right, room, MSG_PEEK, nullptr)) == "13");
  CHECK(a + b.substr(0, 7) == "one two three");
  CHECK(server.read(right, 4, MSG_TRUNC) == std::string(4, '\0'));
  CHECK(server.read(right) == "two three");
}

TEST_CASE_FIXTURE(Programs, "MSG_WAITALL waits for all of the room, or for the end") {
  const auto [left, right] = connect();
  REQUIRE(server.fcntl(right, F_SETFL, 0).good());
  std::string text(10, '.');
  const MutableBytes room(reinterpret_cast<std::uint8_t*>(text.data()), text.size());
  const auto all = [&, fd = right] { return server.receive(fd, {&room, 1}, MSG_WAITALL, nullptr); };
  CHECK(client.write(left, "1234").good());
  run();
  CHECK(text_of(all()) == "wait");
  CHECK(client.write(left, "567890ab").good());
  CHECK(text_of(finish(all)) == "10");
  CHECK(text == "1234567890");
  CHECK(client.close(left).good());
  CHECK(text_of(finish(all)) == "2");
  CHECK(text_of(finish(all)) == "0");
}

TEST_CASE_FIXTURE(Programs, "a call that waits can be given up: what it moved counts") {
  const auto [left, right] = connect();
  REQUIRE(client.fcntl(left, F_SETFL, 0).good());
  REQUIRE(client.set(left, SOL_SOCKET, SO_SNDBUF, 20000).good());
  CHECK(text_of(client.write(left, std::string(50000, 'a'))) == "wait");
  CHECK(text_of(client.abandon(left, EAGAIN)) == "20000");
  CHECK(text_of(client.abandon(left, EINTR)) == "EINTR");
  run();
  CHECK(server.read(right).size() == 20000);
}

}  // namespace
}  // namespace sluice::posix
