// Pipes, files in memory, splice and sendfile.
#include "tests/posix/programs.hpp"

namespace sluice::posix {
namespace {

Settings small_pipes() {
  Settings made;
  made.pipe_size = 8192;
  return made;
}

struct Pipes : Programs {
  Pipes() : Programs(slow_world(), small_pipes()) { REQUIRE(client.pipe(ends, O_NONBLOCK).good()); }
  int file(std::string_view text) { return static_cast<int>(client.memory_file(as_bytes(text)).value); }
  int ends[2] = {-1, -1};
};

TEST_CASE_FIXTURE(Pipes, "a pipe gives back what was written, and ends with its writer") {
  CHECK(client.read(ends[0]) == "<EAGAIN>");
  CHECK(text_of(client.write(ends[1], "one")) == "3");
  CHECK(text_of(client.write(ends[1], "two")) == "3");
  CHECK(client.ready(ends[0]) == POLLIN);
  CHECK(client.read(ends[0], 4) == "onet");
  CHECK(text_of(client.write(ends[0], "x")) == "EBADF");
  CHECK(client.read(ends[1]) == "<EBADF>");
  CHECK(client.fcntl(ends[0], F_GETFL, 0).value == (O_RDONLY | O_NONBLOCK));
  CHECK(client.close(ends[1]).good());
  CHECK(client.ready(ends[0]) == (POLLIN | POLLHUP));
  CHECK(client.read(ends[0]) == "wo");
  CHECK(client.read(ends[0]) == "");
}

TEST_CASE_FIXTURE(Pipes, "a pipe without a reader is broken") {
  CHECK(client.close(ends[0]).good());
  CHECK(client.ready(ends[1]) == (POLLOUT | POLLERR));
  CHECK(text_of(client.write(ends[1], "x")) == "EPIPE");
}

TEST_CASE_FIXTURE(Pipes, "a full pipe takes a part of much, and of little all or nothing") {
  CHECK(text_of(client.write(ends[1], std::string(10000, 'a'))) == "8192");
  CHECK(text_of(client.write(ends[1], "x")) == "EAGAIN");
  CHECK(client.read(ends[0], 100).size() == 100);
  CHECK(text_of(client.write(ends[1], std::string(101, 'b'))) == "EAGAIN");
  CHECK(client.fcntl(ends[1], F_SETFL, 0).good());
  const std::string text(9000, 'c');
  CHECK(text_of(client.write(ends[1], text)) == "wait");
  CHECK(client.read(ends[0]).size() == 8192);
  CHECK(text_of(client.write(ends[1], text)) == "wait");
  CHECK(client.read(ends[0], 1000).size() == 1000);
  CHECK(text_of(client.write(ends[1], text)) == "9000");
}

TEST_CASE_FIXTURE(Pipes, "the other end's news is an edge") {
  const int epoll = static_cast<int>(client.epoll_create(0).value);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  CHECK(client.epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event).good());
  std::array<epoll_event, 1> told{};
  CHECK(client.epoll_wait(epoll, told).value == 0);
  CHECK(client.write(ends[1], "x").good());
  CHECK(client.epoll_wait(epoll, told).value == 1);
  CHECK(client.epoll_wait(epoll, told).value == 0);
  CHECK(client.close(ends[1]).good());
  CHECK(client.epoll_wait(epoll, told).value == 1);
  CHECK(+told[0].events == (EPOLLIN | EPOLLHUP));
}

TEST_CASE_FIXTURE(Pipes, "text goes from a stream through a pipe into a stream") {
  const auto [left, right] = connect();
  CHECK(server.write(right, "forward").good());
  CHECK(text_of(client.splice(left, ends[1], 100, 0)) == "EAGAIN");
  run();
  CHECK(text_of(client.splice(left, ends[1], 4, 0)) == "4");
  CHECK(text_of(client.splice(left, ends[1], 100, 0)) == "3");
  CHECK(text_of(client.splice(ends[0], left, 100, 0)) == "7");
  CHECK(text_of(client.splice(ends[0], left, 100, 0)) == "EAGAIN");
  run();
  CHECK(server.read(right) == "forward");
  CHECK(text_of(client.splice(left, left, 1, 0)) == "EINVAL");
  CHECK(text_of(client.splice(ends[1], ends[0], 1, 0)) == "EBADF");
  CHECK(server.close(right).good());
  run();
  CHECK(text_of(client.splice(left, ends[1], 100, 0)) == "0");
}

TEST_CASE_FIXTURE(Pipes, "a file in memory is read from its position on") {
  const int fd = file("some content");
  CHECK(client.read(fd, 5) == "some ");
  CHECK(text_of(client.splice(fd, ends[1], 3, 0)) == "3");
  CHECK(client.read(fd) == "tent");
  CHECK(client.read(fd) == "");
  CHECK(client.read(ends[0]) == "con");
  CHECK(text_of(client.write(fd, "x")) == "EBADF");
}

TEST_CASE_FIXTURE(Pipes, "sendfile sends what fits, or waits until all is sent") {
  const auto [left, right] = connect();
  REQUIRE(client.set(left, SOL_SOCKET, SO_SNDBUF, 20000).good());
  const std::string text(50000, 'f');
  const int fd = file(text);
  CHECK(text_of(client.sendfile(left, fd, 50000)) == "20000");
  CHECK(text_of(client.sendfile(left, fd, 50000)) == "EAGAIN");
  REQUIRE(client.fcntl(left, F_SETFL, 0).good());
  std::size_t got = 0;
  const Answer rest = finish([&, from = left, to = right] {
    const std::string part = server.read(to);
    if (part.front() == 'f') got += part.size();
    return client.sendfile(from, fd, 50000);
  });
  CHECK(text_of(rest) == "30000");
  run();
  got += server.read(right).size();
  CHECK(got == 50000);
  CHECK(text_of(client.sendfile(left, fd, 1)) == "0");
  CHECK(text_of(client.sendfile(fd, left, 1)) == "EINVAL");
}

}  // namespace
}  // namespace sluice::posix
