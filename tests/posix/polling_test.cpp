// poll and epoll: levels, edges, one-shots.
#include "tests/posix/programs.hpp"

namespace sluice::posix {
namespace {

struct Polling : Programs {
  Polling() { std::tie(left, right) = connect(); }
  epoll_event asking(std::uint32_t events, std::uint64_t data = 7) const {
    epoll_event event{};
    event.events = events;
    event.data.u64 = data;
    return event;
  }
  Answer control(int operation, int fd, std::uint32_t events, std::uint64_t data = 7) {
    const epoll_event event = asking(events, data);
    return server.epoll_ctl(epoll, operation, fd, &event);
  }
  /// The mask of the one event that is told; 0 = none.
  std::uint32_t told() {
    std::array<epoll_event, 4> events{};
    const Answer answer = server.epoll_wait(epoll, events);
    CHECK(answer.value <= 1);
    return answer.value == 1 ? events[0].events : 0;
  }
  void bring(std::string_view text = "x") {
    REQUIRE(client.write(left, text).good());
    run();
  }
  int left = -1;
  int right = -1;
  int epoll = static_cast<int>(server.epoll_create(0).value);
};

TEST_CASE_FIXTURE(Polling, "poll tells what was asked for, and errors in any case") {
  bring();
  std::array<pollfd, 4> entries = {pollfd{right, POLLIN, 0}, pollfd{right, POLLOUT, 0}, pollfd{-1, POLLIN, 5},
                                   pollfd{99, POLLIN, 0}};
  CHECK(text_of(server.poll(entries)) == "3");
  CHECK(entries[0].revents == POLLIN);
  CHECK(entries[1].revents == POLLOUT);
  CHECK(entries[2].revents == 0);
  CHECK(entries[3].revents == POLLNVAL);
}

TEST_CASE_FIXTURE(Polling, "a level is told as long as it lasts") {
  CHECK(control(EPOLL_CTL_ADD, right, EPOLLIN).good());
  CHECK(told() == 0);
  bring();
  CHECK(told() == EPOLLIN);
  CHECK(told() == EPOLLIN);
  CHECK(server.read(right) == "x");
  CHECK(told() == 0);
}

TEST_CASE_FIXTURE(Polling, "an edge is told once, and again with the next text, read or not") {
  CHECK(control(EPOLL_CTL_ADD, right, EPOLLIN | EPOLLET).good());
  CHECK(told() == 0);
  bring();
  CHECK(told() == EPOLLIN);
  CHECK(told() == 0);
  bring();
  CHECK(told() == EPOLLIN);
  CHECK(control(EPOLL_CTL_MOD, right, EPOLLIN | EPOLLET).good());
  CHECK(told() == EPOLLIN);
  CHECK(told() == 0);
}

TEST_CASE_FIXTURE(Polling, "an edge that was not asked for wakes nobody") {
  CHECK(control(EPOLL_CTL_ADD, right, EPOLLOUT | EPOLLET).good());
  CHECK(told() == EPOLLOUT);
  bring();
  CHECK(told() == 0);
}

TEST_CASE_FIXTURE(Polling, "a one-shot is told once until it is armed again") {
  CHECK(control(EPOLL_CTL_ADD, right, EPOLLIN | EPOLLONESHOT).good());
  bring();
  CHECK(told() == EPOLLIN);
  CHECK(told() == 0);
  bring();
  CHECK(told() == 0);
  CHECK(control(EPOLL_CTL_MOD, right, EPOLLIN | EPOLLONESHOT).good());
  CHECK(told() == EPOLLIN);
}

TEST_CASE_FIXTURE(Polling, "the peer's FIN is told as EPOLLRDHUP, the end of both sides as EPOLLHUP") {
  CHECK(control(EPOLL_CTL_ADD, right, EPOLLIN | EPOLLRDHUP | EPOLLET).good());
  CHECK(told() == 0);
  CHECK(client.shutdown(left, SHUT_WR).good());
  run();
  CHECK(told() == (EPOLLIN | EPOLLRDHUP));
  CHECK(server.shutdown(right, SHUT_WR).good());
  CHECK(told() == (EPOLLIN | EPOLLRDHUP | EPOLLHUP));
}

TEST_CASE_FIXTURE(Polling, "room to write again is an edge") {
  CHECK(client.set(left, SOL_SOCKET, SO_SNDBUF, 20000).good());
  const int own = static_cast<int>(client.epoll_create(EPOLL_CLOEXEC).value);
  const epoll_event event = asking(EPOLLOUT | EPOLLET);
  CHECK(client.epoll_ctl(own, EPOLL_CTL_ADD, left, &event).good());
  std::array<epoll_event, 1> events{};
  CHECK(client.epoll_wait(own, events).value == 1);
  CHECK(client.write(left, std::string(100000, 'a')).value == 20000);
  CHECK(text_of(client.write(left, "x")) == "EAGAIN");
  CHECK(client.epoll_wait(own, events).value == 0);
  run();
  CHECK(client.epoll_wait(own, events).value == 1);
  CHECK(+events[0].events == EPOLLOUT);
  CHECK(+events[0].data.u64 == 7);
}

TEST_CASE_FIXTURE(Polling, "a listener and a datagram socket have edges, too") {
  const int listener = listen(81);
  CHECK(control(EPOLL_CTL_ADD, listener, EPOLLIN | EPOLLET).good());
  CHECK(told() == 0);
  CHECK(client.connect(client.open(), at_server(81)).error == EINPROGRESS);
  run();
  CHECK(told() == EPOLLIN);
  CHECK(told() == 0);
  const int udp = server.open(SOCK_DGRAM | SOCK_NONBLOCK);
  CHECK(server.bind(udp, at_server(53)).good());
  CHECK(control(EPOLL_CTL_ADD, udp, EPOLLIN | EPOLLET).good());
  CHECK(told() == 0);
  const Endpoint to = at_server(53);
  CHECK(client.write(client.open(SOCK_DGRAM), "x", 0, &to).good());
  run();
  CHECK(told() == EPOLLIN);
  CHECK(told() == 0);
}

TEST_CASE_FIXTURE(Polling, "misuse of an epoll has its errors") {
  CHECK(text_of(control(EPOLL_CTL_MOD, right, EPOLLIN)) == "ENOENT");
  CHECK(text_of(control(EPOLL_CTL_DEL, right, 0)) == "ENOENT");
  CHECK(control(EPOLL_CTL_ADD, right, EPOLLIN).good());
  CHECK(text_of(control(EPOLL_CTL_ADD, right, EPOLLIN)) == "EEXIST");
  CHECK(text_of(control(EPOLL_CTL_ADD, epoll, EPOLLIN)) == "EINVAL");
  CHECK(text_of(control(EPOLL_CTL_ADD, 99, EPOLLIN)) == "EBADF");
  CHECK(text_of(server.epoll_ctl(right, EPOLL_CTL_DEL, epoll, nullptr)) == "EINVAL");
  CHECK(text_of(server.epoll_wait(right, {})) == "EINVAL");
  CHECK(text_of(server.epoll_wait(epoll, {})) == "EINVAL");
  CHECK(text_of(control(EPOLL_CTL_ADD, static_cast<int>(server.memory_file({}).value), EPOLLIN)) == "EPERM");
  const int outer = static_cast<int>(server.epoll_create(0).value);
  const epoll_event event = asking(EPOLLIN);
  CHECK(server.epoll_ctl(outer, EPOLL_CTL_ADD, epoll, &event).good());
  CHECK(text_of(control(EPOLL_CTL_ADD, outer, EPOLLIN)) == "ELOOP");
  bring();
  CHECK(server.ready(outer) == POLLIN);
}

TEST_CASE_FIXTURE(Polling, "what is closed is watched no longer, and a new descriptor of its number is another") {
  CHECK(control(EPOLL_CTL_ADD, right, EPOLLIN | EPOLLHUP).good());
  bring();
  CHECK(server.close(right).good());
  CHECK(told() == 0);
  int again = server.open();
  while (again < right) again = server.open();
  CHECK(again == right);
  CHECK(told() == 0);
  CHECK(control(EPOLL_CTL_ADD, again, EPOLLIN).good());
}

TEST_CASE_FIXTURE(Polling, "of more that is ready than was asked for, all have their turn") {
  for (int i = 0; i < 3; ++i) {
    const int fd = server.open();
    CHECK(control(EPOLL_CTL_ADD, fd, EPOLLOUT, static_cast<std::uint64_t>(fd)).good());
  }
  std::vector<std::uint64_t> seen;
  for (int i = 0; i < 3; ++i) {
    std::array<epoll_event, 1> one{};
    CHECK(server.epoll_wait(epoll, one).value == 1);
    seen.push_back(one[0].data.u64);
  }
  std::sort(seen.begin(), seen.end());
  CHECK(std::unique(seen.begin(), seen.end()) == seen.end());
}

}  // namespace
}  // namespace sluice::posix
