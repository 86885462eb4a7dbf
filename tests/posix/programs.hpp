// Two hosts in virtual time, and on each a program with descriptors.
#pragma once

#include <doctest/doctest.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "stack/posix/calls.hpp"
#include "stack/tcp/socket.hpp"
#include "tests/support/world.hpp"

namespace sluice::posix {

using namespace std::chrono_literals;
using test::World;
using test::WorldSettings;

/// What a call answered, as a test compares it: "5", "EAGAIN", "wait".
inline std::string text_of(const Answer& answer) {
  if (answer.blocked) return "wait";
  return answer.error != 0 ? std::string(errno_name(answer.error)) : std::to_string(answer.value);
}

inline WorldSettings slow_world(WorldSettings settings = {}) {
  settings.to_left.delay = settings.to_right.delay = 10ms;
  return settings;
}

/// One program: its calls with what a test rarely cares for left out.
struct Program : Calls {
  Program(Stack& stack, const Settings& settings) : Calls(stack.tcp(), stack.udp(), settings), host(stack) {}

  int open(int type = SOCK_STREAM | SOCK_NONBLOCK, int domain = AF_INET) {
    return static_cast<int>(socket(domain, type, 0).value);
  }
  Answer write(int fd, std::string_view text, int flags = 0, const Endpoint* to = nullptr) {
    const Bytes bytes = as_bytes(text);
    return send(fd, Gather(&bytes, 1), flags, to);
  }
  /// What was read, or the error in angle brackets; "" is the end.
  std::string read(int fd, std::size_t most = 65536, int flags = 0, Received* info = nullptr) {
    std::string text(most, '\0');
    const MutableBytes room(reinterpret_cast<std::uint8_t*>(text.data()), most);
    const Answer answer = receive(fd, {&room, 1}, flags, info);
    if (!answer.good()) return "<" + text_of(answer) + ">";
    return text.substr(0, std::min(most, static_cast<std::size_t>(answer.value)));
  }
  Answer set(int fd, int level, int name, int value) {
    return setsockopt(fd, level, name, {reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
  }
  int get(int fd, int level, int name) {
    int value = -1;
    std::size_t length = sizeof value;
    const Answer answer = getsockopt(fd, level, name, {reinterpret_cast<std::uint8_t*>(&value), sizeof value}, length);
    return answer.good() ? value : -answer.error;
  }
  std::string name(int fd) {
    Endpoint out;
    const Answer answer = getsockname(fd, out);
    return answer.good() ? out.to_string() : text_of(answer);
  }
  std::string peer(int fd) {
    Endpoint out;
    const Answer answer = getpeername(fd, out);
    return answer.good() ? out.to_string() : text_of(answer);
  }
  /// POLLIN and so on, whatever was asked for.
  int ready(int fd) {
    pollfd entry{fd, static_cast<short>(~0), 0};
    (void)poll({&entry, 1});
    return static_cast<unsigned short>(entry.revents) &
           (POLLIN | POLLOUT | POLLHUP | POLLERR | POLLRDHUP | POLLPRI | POLLNVAL);
  }
  void hear_events() {
    while (const auto event = host.poll_event())
      on_event(event->socket.kind == SocketKind::udp, event->socket.kind == SocketKind::tcp_listener,
               event->socket.slot, event->ready);
  }

  Stack& host;
};

/// `client` is on the left, `server` on the right, 10 ms apart.
struct Programs {
  explicit Programs(const WorldSettings& world_settings = slow_world(), const Settings& settings = {})
      : world(world_settings), client(world.left(), settings), server(world.right(), settings) {
    world.on_step = [this] { client.hear_events(), server.hear_events(); };
  }

  void run(Duration time = 100ms) { world.run_for(time); }
  /// Makes a call again until it no longer has to wait.
  Answer finish(const std::function<Answer()>& call, Duration limit = 10min) {
    Answer answer;
    (void)world.run_until([&] { return !(answer = call()).blocked; }, limit);
    return answer;
  }
  Endpoint at_server(std::uint16_t port) const { return {world.right_address(), port}; }

  int listen(std::uint16_t port = 80, int type = SOCK_STREAM | SOCK_NONBLOCK) {
    const int fd = server.open(type);
    REQUIRE(server.bind(fd, at_server(port)).good());
    REQUIRE(server.listen(fd, 10).good());
    return fd;
  }
  /// A connection: the client's descriptor, then the server's; neither blocks.
  std::pair<int, int> connect(std::uint16_t port = 80) {
    const int listener = listen(port);
    const int fd = client.open();
    REQUIRE(client.connect(fd, at_server(port)).error == EINPROGRESS);
    run();
    const Answer accepted = server.accept(listener, SOCK_NONBLOCK, nullptr);
    REQUIRE(accepted.good());
    REQUIRE(server.close(listener).good());
    return {fd, static_cast<int>(accepted.value)};
  }

  World world;
  Program client;
  Program server;
};

}  // namespace sluice::posix
