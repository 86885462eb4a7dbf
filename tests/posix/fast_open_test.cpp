// Text on SYNs by descriptor: MSG_FASTOPEN, TCP_FASTOPEN_CONNECT, and urgent text, which is in line always.
#include "tests/posix/programs.hpp"

namespace sluice::posix {
namespace {

struct FastOpen : Programs {
  FastOpen() { REQUIRE(server.set(listener, IPPROTO_TCP, TCP_FASTOPEN, 5).good()); }
  Answer open(int fd, std::string_view text) {
    const Endpoint to = at_server(80);
    return client.write(fd, text, MSG_FASTOPEN, &to);
  }
  /// A first connection, which brings the cookie.
  void learn() {
    const int fd = client.open();
    CHECK(text_of(open(fd, "first")) == "EINPROGRESS");
    run();
    CHECK(text_of(client.write(fd, "first")) == "5");
    run();
    CHECK(server.read(accept()) == "first");
  }
  int accept() { return static_cast<int>(server.accept(listener, SOCK_NONBLOCK, nullptr).value); }
  int listener = listen();
};

TEST_CASE_FIXTURE(FastOpen, "without a cookie nothing is sent early; with one the text goes with the SYN") {
  learn();
  const int fd = client.open();
  CHECK(text_of(open(fd, "second")) == "6");
  CHECK(text_of(open(fd, "again")) == "EALREADY");
  run(15ms);
  CHECK(server.read(accept()) == "second");
  run();
  CHECK(text_of(open(fd, "again")) == "EISCONN");
}

TEST_CASE_FIXTURE(FastOpen, "what a SYN has no room for is not taken without blocking, and waits with it") {
  learn();
  const int fd = client.open();
  CHECK(text_of(open(fd, std::string(5000, 'a'))) == "1420");
  const int blocking = client.open(SOCK_STREAM);
  const std::string text(5000, 'b');
  CHECK(text_of(open(blocking, text)) == "wait");
  CHECK(text_of(finish([&] { return open(blocking, text); })) == "5000");
  run();
  CHECK(server.read(accept()).size() == 1420);
  CHECK(server.read(accept()) == text);
}

TEST_CASE_FIXTURE(FastOpen, "TCP_FASTOPEN_CONNECT puts the SYN off until the first write") {
  learn();
  const int fd = client.open();
  CHECK(client.set(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1).good());
  CHECK(text_of(client.connect(fd, at_server(80))) == "0");
  CHECK(text_of(client.connect(fd, at_server(80))) == "EISCONN");
  CHECK(client.ready(fd) == POLLOUT);
  const auto packets = world.packets();
  run();
  CHECK(world.packets() == packets);
  CHECK(text_of(client.write(fd, "late")) == "4");
  run(15ms);
  CHECK(server.read(accept()) == "late");
}

TEST_CASE_FIXTURE(FastOpen, "TCP_FASTOPEN_CONNECT without a cookie connects as ever, and asks for one") {
  const int fd = client.open();
  CHECK(client.set(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1).good());
  CHECK(text_of(client.connect(fd, at_server(80))) == "EINPROGRESS");
  run();
  CHECK(client.tcp_socket(fd)->info()->fast_open == tcp::FastOpen::answered);
}

TEST_CASE_FIXTURE(FastOpen, "a blocking write that opens fails as a connect would") {
  learn();
  REQUIRE(server.close(listener).good());
  const int fd = client.open(SOCK_STREAM);
  CHECK(text_of(open(fd, "text")) == "wait");
  CHECK(text_of(finish([&] { return open(fd, "text"); })) == "ECONNREFUSED");
  CHECK(client.name(fd) == "0.0.0.0:0");
}

TEST_CASE("Fast Open can be off") {
  Settings settings;
  settings.fast_open_client = settings.fast_open_server = false;
  Programs programs(slow_world(), settings);
  const int fd = programs.client.open();
  const Endpoint to = programs.at_server(80);
  CHECK(text_of(programs.client.write(fd, "x", MSG_FASTOPEN, &to)) == "EOPNOTSUPP");
  CHECK(text_of(programs.client.set(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)) == "EOPNOTSUPP");
}

TEST_CASE_FIXTURE(Programs, "urgent text stays in line: reading stops before it once, and the mark is told") {
  const auto [left, right] = connect();
  CHECK(text_of(client.write(left, "abc")) == "3");
  CHECK(text_of(client.write(left, "X", MSG_OOB)) == "1");
  CHECK(text_of(client.write(left, "de")) == "2");
  run();
  CHECK((server.ready(right) & POLLPRI) != 0);
  int at_mark = -1;
  CHECK(server.ioctl(right, SIOCATMARK, at_mark).good());
  CHECK(at_mark == 0);
  CHECK(server.read(right, 10, MSG_OOB) == "<EINVAL>");
  CHECK(server.read(right, 10, MSG_PEEK) == "abc");
  CHECK(server.read(right) == "abc");
  CHECK(server.ioctl(right, SIOCATMARK, at_mark).good());
  CHECK(at_mark == 1);
  CHECK(server.read(right) == "Xde");
  CHECK(server.ioctl(right, SIOCATMARK, at_mark).good());
  CHECK(at_mark == 0);
}

}  // namespace
}  // namespace sluice::posix
