// Lives drawn by lot: options, buffers, MTU, link and ending all at random, each a pure function of its number. What
// they have in common is the end: all text arrives, or both sides know, and nothing is left.
#include <doctest/doctest.h>

#include <array>

#include "stack/base/random.hpp"
#include "tests/support/world.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

// Each draw is made of the life's number.
struct Lot {
  explicit Lot(std::uint64_t number) : random(run_key(number), KeyUse::test) {}
  bool one_in(std::uint32_t n) { return random.below(n) == 0; }
  template <class T, std::size_t N>
  T of(const std::array<T, N>& choices) {
    return choices[random.below(N)];
  }
  Random random;
};

lab::ImpairmentSettings link_by(Lot& lot) {
  lab::ImpairmentSettings link;
  link.delay = lot.of(std::array<Duration, 5>{0ms, 100us, 5ms, 40ms, 300ms});
  link.jitter = lot.one_in(3) ? link.delay / 4 : Duration(0);
  link.loss = lot.of(std::array<double, 5>{0, 0, 0.01, 0.05, 0.2});
  link.burst_enter = lot.one_in(5) ? 0.01 : 0;
  link.burst_leave = 0.6;
  link.reorder = lot.of(std::array<double, 3>{0, 0.02, 0.3});
  link.reorder_by = lot.of(std::array<Duration, 3>{1ms, 20ms, 500ms});
  link.duplicate = lot.of(std::array<double, 3>{0, 0, 0.1});
  link.corrupt = lot.of(std::array<double, 3>{0, 0, 0.03});
  link.rate = lot.of(std::array<std::uint64_t, 3>{0, 125'000, 12'500'000});
  link.queue_packets = lot.one_in(2) ? 20 : 0;
  return link;
}

tcp::Config tcp_by(Lot& lot) {
  tcp::Config config;
  config.sack = !lot.one_in(3);
  config.timestamps = !lot.one_in(3);
  config.window_scaling = !lot.one_in(3);
  config.compact_time_wait = !lot.one_in(4);
  return config;
}

tcp::Options options_by(Lot& lot) {
  tcp::Options options;
  options.send_buffer = lot.of(std::array<std::size_t, 3>{2048, 20'000, 1 << 20});
  options.receive_buffer = lot.of(std::array<std::size_t, 4>{2048, 9000, 70'000, 1 << 20});
  options.no_delay = lot.one_in(2);
  options.keep_alive = {.on = true, .idle = 60s, .interval = 10s, .probes = 9};
  return options;
}

WorldSettings world_by(Lot& lot, std::uint64_t number) {
  WorldSettings settings;
  settings.stream = number;
  settings.family = lot.one_in(2) ? Family::ipv4 : Family::ipv6;
  settings.mtu = lot.of(std::array<std::size_t, 3>{1280, 1500, 9000});
  settings.left_tcp = tcp_by(lot);
  settings.right_tcp = tcp_by(lot);
  settings.to_left = link_by(lot);
  settings.to_right = link_by(lot);
  settings.packet_ceiling = 100'000;
  return settings;
}

struct End {
  tcp::Socket& socket;
  Errc error = Errc::none;
  bool done = false;
  void look(const Transfer& in) {
    if (done) return;
    error = socket.error();
    done = error != Errc::none || (in.done() && socket.at_eof());
  }
};

void live(std::uint64_t number) {
  CAPTURE(number);
  Lot lot(number);
  World world(world_by(lot, number));
  tcp::OpenOptions open{.options = options_by(lot)};
  const tcp::ListenOptions listen{.options = options_by(lot)};
  const std::uint64_t up_bytes = lot.random.below(60'000), down_bytes = lot.random.below(60'000);
  const bool aborts = lot.one_in(6);
  auto listener = world.right().listen({world.right_address(), 80}, listen);
  REQUIRE(listener);
  tcp::Socket left, right;
  open.local = world.port_for({world.right_address(), 80});
  left = *world.left().connect({world.right_address(), 80}, open);
  Transfer up(left, right, up_bytes, 1), down(right, left, down_bytes, 2);
  up.finish_when_sent = down.finish_when_sent = true;
  End left_end{left}, right_end{right};
  world.on_step = [&] {
    if (!right)
      if (auto accepted = listener->accept()) right = std::move(*accepted);
    if (left_end.error == Errc::none) down.step();
    if (right) up.step();
    if (aborts && up.received() > up_bytes / 2 && right) right.abort();
    left_end.look(down);
    if (right) right_end.look(up);
  };
  const bool ended = world.run_until([&] { return left_end.done && (right_end.done || !right); }, 3h);
  CHECK(ended);
  if (!aborts) {
    CHECK(left_end.error == Errc::none);
    CHECK(right_end.error == Errc::none);
    CHECK(up.done());
    CHECK(down.done());
  }
  world.on_step = nullptr;
  left.close();
  right.close();
  listener->close();
  world.run_for(1h);
  for (Stack* stack : {&world.left(), &world.right()}) {
    CHECK(stack->tcp().connection_count() == 0);
    CHECK(stack->tcp().half_open_count() == 0);
    CHECK(stack->tcp().time_wait_count() == 0);
    CHECK(stack->memory().used() == 0);
  }
}

TEST_CASE("lives drawn by lot end well, and leave nothing [9293 MUST-3, MUST-20, A-TCP-15]") {
  for (std::uint64_t number = 1; number <= 250; ++number) live(number);
}

}  // namespace
}  // namespace sluice::test
