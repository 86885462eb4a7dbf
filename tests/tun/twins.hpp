// Two stacks, each in a loop of its own, over a pair of sockets, in virtual time on one thread.
#pragma once

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>

#include "stack/stack.hpp"
#include "tun/event_loop.hpp"
#include "tun/fd_device.hpp"

namespace sluice::tun {

inline Config host(const char* prefix, std::uint8_t seed) {
  Config config;
  config.key[0] = seed;
  config.ip.addresses = {*Prefix::parse(prefix)};
  return config;
}

/// Ends of a packet-preserving local connection, non-blocking.
inline std::array<Fd, 2> packet_pair() {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
  return {Fd(ends[0]), Fd(ends[1])};
}

class Twins {
 public:
  explicit Twins(LoopSettings settings = {})
      : Twins(packet_pair(), (
                                 settings.clock = []() noexcept { return time; }, settings)) {}

  /// Turns both loops, moving time on to the next deadline when nothing happens, until `done` or for ever long.
  /// Answers done().
  bool run_until(const std::function<bool()>& done) {
    for (int i = 0; i < 20000 && !done(); ++i) {
      const auto before = packets();
      REQUIRE(server.turn());
      REQUIRE(client.turn());
      if (before == packets() && ++quiet_ > 2) advance();
      if (before != packets()) quiet_ = 0;
    }
    return done();
  }
  void turn_both() {
    REQUIRE(server.turn());
    REQUIRE(client.turn());
  }

  static inline Time time{std::chrono::hours(1)};
  Stack server_stack;
  Stack client_stack;
  FdDevice server_device;
  FdDevice client_device;
  EventLoop server;
  EventLoop client;

 private:
  Twins(std::array<Fd, 2> ends, const LoopSettings& settings)
      : server_stack(host("10.0.0.1/24", 1)),
        client_stack(host("10.0.0.2/24", 2)),
        server_device(std::move(ends[0]), 1500),
        client_device(std::move(ends[1]), 1500),
        server(server_stack, server_device, settings),
        client(client_stack, client_device, settings) {}

  std::uint64_t packets() const {
    return server_device.counters()[DeviceCounter::packets_out] + client_device.counters()[DeviceCounter::packets_out];
  }
  void advance() {
    using namespace std::chrono_literals;
    const Time next = std::min(server_stack.next_timeout(), client_stack.next_timeout());
    time = std::max(time, std::min(next, time + 1s));
  }
  int quiet_ = 0;
};

inline const Endpoint kServer = *Endpoint::parse("10.0.0.1:7");

}  // namespace sluice::tun
