// Names of sockets: domains, ports, who may share them; descriptors and their flags; listening and accepting; errors.
#include "tests/posix/programs.hpp"

namespace sluice::posix {
namespace {

TEST_CASE("errors are known by their names, and those by their numbers") {
  for (int error = 0; error < 256; ++error) {
    const auto number = errno_number(errno_name(error));
    CHECK((number == error || errno_name(error) == "an errno without a name"));
  }
  CHECK(errno_name(EAGAIN) == "EAGAIN");
  CHECK(errno_number("EWOULDBLOCK") == EAGAIN);
  CHECK(errno_number("ECONNREFUSED") == ECONNREFUSED);
  CHECK(errno_name(0) == "an errno without a name");
  CHECK_FALSE(errno_number("EGGS").has_value());
}

TEST_CASE_FIXTURE(Programs, "socket() takes the domains, types and protocols that there are") {
  CHECK(text_of(client.socket(AF_UNIX, SOCK_STREAM, 0)) == "EAFNOSUPPORT");
  CHECK(text_of(client.socket(AF_INET, SOCK_RAW, 0)) == "ESOCKTNOSUPPORT");
  CHECK(text_of(client.socket(AF_INET, SOCK_STREAM, IPPROTO_UDP)) == "EPROTONOSUPPORT");
  CHECK(text_of(client.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)) == "3");
  CHECK(text_of(client.socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, IPPROTO_UDP)) == "4");
  CHECK(client.get(4, SOL_SOCKET, SO_DOMAIN) == AF_INET6);
  CHECK(client.get(4, SOL_SOCKET, SO_TYPE) == SOCK_DGRAM);
  CHECK(client.get(4, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_UDP);
}

TEST_CASE_FIXTURE(Programs, "descriptors are the lowest free ones, and have flags of their own") {
  CHECK(client.open(SOCK_STREAM) == 3);
  CHECK(client.open(SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC) == 4);
  CHECK(client.close(3).good());
  CHECK(text_of(client.close(3)) == "EBADF");
  CHECK(text_of(client.dup(4)) == "3");
  CHECK(client.fcntl(3, F_GETFD, 0).value == 0);
  CHECK(client.fcntl(4, F_GETFD, 0).value == FD_CLOEXEC);
  CHECK(client.fcntl(3, F_GETFL, 0).value == (O_RDWR | O_NONBLOCK));
  CHECK(client.fcntl(3, F_SETFL, O_RDWR).good());
  CHECK(client.fcntl(4, F_GETFL, 0).value == O_RDWR);
  int on = 1;
  CHECK(client.ioctl(4, FIONBIO, on).good());
  CHECK(client.fcntl(3, F_GETFL, 0).value == (O_RDWR | O_NONBLOCK));
  CHECK(client.fcntl(4, F_DUPFD, 10).value == 10);
}

TEST_CASE_FIXTURE(Programs, "what is no socket or no descriptor says so") {
  const int file = static_cast<int>(client.memory_file(as_bytes("text")).value);
  CHECK(text_of(client.bind(file, at_server(1))) == "ENOTSOCK");
  CHECK(text_of(client.shutdown(file, SHUT_WR)) == "ENOTSOCK");
  CHECK(text_of(client.bind(99, at_server(1))) == "EBADF");
  CHECK(text_of(client.write(99, "x")) == "EBADF");
  CHECK(client.name(file) == "ENOTSOCK");
}

TEST_CASE_FIXTURE(Programs, "bind takes only our addresses, of the socket's family, and once") {
  const int fd = server.open();
  CHECK(server.name(fd) == "0.0.0.0:0");
  CHECK(text_of(server.bind(fd, *Endpoint::parse("192.0.2.9:80"))) == "EADDRNOTAVAIL");
  CHECK(text_of(server.bind(fd, *Endpoint::parse("[::]:80"))) == "EAFNOSUPPORT");
  CHECK(text_of(server.bind(fd, at_server(80))) == "0");
  CHECK(server.name(fd) == at_server(80).to_string());
  CHECK(text_of(server.bind(fd, at_server(81))) == "EINVAL");
}

TEST_CASE_FIXTURE(Programs, "a port is one socket's, unless both share it and neither listens") {
  const int first = server.open();
  const int second = server.open();
  REQUIRE(server.bind(first, at_server(80)).good());
  CHECK(text_of(server.bind(second, at_server(80))) == "EADDRINUSE");
  CHECK(text_of(server.bind(second, *Endpoint::parse("0.0.0.0:80"))) == "EADDRINUSE");
  CHECK(server.set(second, SOL_SOCKET, SO_REUSEADDR, 1).good());
  CHECK(text_of(server.bind(second, at_server(80))) == "EADDRINUSE");
  CHECK(server.set(first, SOL_SOCKET, SO_REUSEADDR, 1).good());
  CHECK(text_of(server.bind(second, at_server(80))) == "0");
  CHECK(text_of(server.listen(first, 1)) == "0");
  CHECK(text_of(server.listen(second, 1)) == "EADDRINUSE");
}

TEST_CASE_FIXTURE(Programs, "a server's port stays in the way of a new one until TIME-WAIT is over, or it is shared") {
  const auto [left, right] = connect();
  REQUIRE(server.close(right).good());
  run();
  REQUIRE(client.close(left).good());
  run();
  const int again = server.open();
  CHECK(text_of(server.bind(again, at_server(80))) == "EADDRINUSE");
  CHECK(server.set(again, SOL_SOCKET, SO_REUSEADDR, 1).good());
  CHECK(text_of(server.bind(again, at_server(80))) == "0");
}

TEST_CASE_FIXTURE(Programs, "port 0 means any that is free") {
  std::vector<std::string> names;
  for (int i = 0; i < 20; ++i) {
    const int fd = server.open();
    CHECK(server.bind(fd, at_server(0)).good());
    names.push_back(server.name(fd));
    for (std::size_t j = 0; j + 1 < names.size(); ++j) CHECK(names[j] != names.back());
  }
  const int unnamed = server.open();
  CHECK(server.listen(unnamed, 1).good());
  CHECK(server.name(unnamed) != "0.0.0.0:0");
}

TEST_CASE_FIXTURE(Programs, "one connection more than the backlog can wait") {
  const int listener = server.open();
  REQUIRE(server.bind(listener, at_server(80)).good());
  REQUIRE(server.listen(listener, 1).good());
  for (int i = 0; i < 4; ++i) CHECK(client.connect(client.open(), at_server(80)).error == EINPROGRESS);
  run(500ms);
  CHECK(server.accept(listener, 0, nullptr).good());
  CHECK(server.accept(listener, 0, nullptr).good());
  CHECK(text_of(server.accept(listener, 0, nullptr)) == "EAGAIN");
  CHECK(server.get(listener, SOL_SOCKET, SO_ACCEPTCONN) == 1);
}

TEST_CASE_FIXTURE(Programs, "only a listener accepts, and it does nothing else") {
  const int fd = server.open();
  CHECK(text_of(server.accept(fd, 0, nullptr)) == "EINVAL");
  const int listener = listen();
  CHECK(text_of(server.accept(listener, 1, nullptr)) == "EINVAL");
  CHECK(server.read(listener) == "<ENOTCONN>");
  CHECK(text_of(server.write(listener, "x")) == "EPIPE");
  CHECK(text_of(server.connect(listener, at_server(81))) == "EISCONN");
  CHECK(server.peer(listener) == "ENOTCONN");
  CHECK(text_of(server.listen(server.open(SOCK_DGRAM), 1)) == "EOPNOTSUPP");
}

TEST_CASE_FIXTURE(Programs, "a fresh stream is connected to nobody") {
  const int fd = client.open();
  CHECK(client.read(fd) == "<ENOTCONN>");
  CHECK(text_of(client.write(fd, "x")) == "EPIPE");
  CHECK(text_of(client.shutdown(fd, SHUT_WR)) == "ENOTCONN");
  CHECK(text_of(client.shutdown(fd, 3)) == "EINVAL");
  CHECK(client.peer(fd) == "ENOTCONN");
  CHECK(client.ready(fd) == (POLLOUT | POLLHUP));
  CHECK(client.tcp_socket(fd) == nullptr);
}

TEST_CASE_FIXTURE(Programs, "accepted sockets have their listener's options, and flags of their own") {
  const int listener = listen();
  CHECK(server.set(listener, IPPROTO_TCP, TCP_NODELAY, 1).good());
  CHECK(server.set(listener, SOL_SOCKET, SO_KEEPALIVE, 1).good());
  CHECK(client.connect(client.open(), at_server(80)).error == EINPROGRESS);
  run();
  const int fd = static_cast<int>(server.accept(listener, SOCK_CLOEXEC, nullptr).value);
  CHECK(server.get(fd, IPPROTO_TCP, TCP_NODELAY) == 1);
  CHECK(server.get(fd, SOL_SOCKET, SO_KEEPALIVE) == 1);
  CHECK(server.tcp_socket(fd)->options()->no_delay);
  CHECK(server.tcp_socket(fd)->options()->keep_alive.on);
  CHECK(server.fcntl(fd, F_GETFL, 0).value == O_RDWR);
  CHECK(server.fcntl(fd, F_GETFD, 0).value == FD_CLOEXEC);
}

TEST_CASE_FIXTURE(Programs, "an IPv6 socket speaks IPv4 by mapped addresses, unless it is for IPv6 only") {
  const Endpoint mapped{world.right_address().mapped(), 80};
  const int listener = server.open(SOCK_STREAM | SOCK_NONBLOCK, AF_INET6);
  REQUIRE(server.bind(listener, *Endpoint::parse("[::]:80")).good());
  REQUIRE(server.listen(listener, 5).good());
  const int fd = client.open(SOCK_STREAM | SOCK_NONBLOCK, AF_INET6);
  CHECK(text_of(client.connect(fd, at_server(80))) == "EINVAL");
  CHECK(text_of(client.connect(fd, mapped)) == "EINPROGRESS");
  run();
  Endpoint peer;
  const int accepted = static_cast<int>(server.accept(listener, 0, &peer).value);
  CHECK(peer.address == world.left_address().mapped());
  CHECK(client.peer(fd) == mapped.to_string());
  CHECK(server.name(accepted) == mapped.to_string());
  const int only = client.open(SOCK_STREAM | SOCK_NONBLOCK, AF_INET6);
  CHECK(client.set(only, IPPROTO_IPV6, IPV6_V6ONLY, 1).good());
  CHECK(text_of(client.connect(only, mapped)) == "ENETUNREACH");
  CHECK(client.name(only) == "[::]:0");
}

TEST_CASE_FIXTURE(Programs, "shutdown ends a listener and an opening") {
  const int listener = listen();
  CHECK(server.shutdown(listener, SHUT_RD).good());
  CHECK(text_of(server.accept(listener, 0, nullptr)) == "EINVAL");
  const int fd = client.open();
  CHECK(client.connect(fd, at_server(80)).error == EINPROGRESS);
  CHECK(client.shutdown(fd, SHUT_RDWR).good());
  CHECK(client.get(fd, SOL_SOCKET, SO_ERROR) == ECONNRESET);
  CHECK(client.name(fd) == "0.0.0.0:0");
}

}  // namespace
}  // namespace sluice::posix
