// A writer for which the stack has no memory because other connections hold all of it is told when some is free again.
#include <doctest/doctest.h>

#include <optional>
#include <tuple>
#include <vector>

#include "tests/support/world.hpp"

namespace sluice::test {
namespace {

constexpr std::size_t kMemory = 512 * 1024;
const std::vector<std::uint8_t> kText = pattern(1, 0, 8192);

struct Connection {
  explicit Connection(World& world, std::uint16_t port) {
    const tcp::Options roomy{.send_buffer = 4 * kMemory};
    std::tie(ours, theirs) = world.connect(port, {.options = roomy});
  }
  tcp::Socket ours;
  tcp::Socket theirs;
};

/// Writes until the stack has no room for more.
void hog(tcp::Socket& socket) {
  while (socket.write(kText).value_or(0) > 0) {
  }
}

void drain(tcp::Socket& socket) {
  while (!socket.peek().empty()) socket.consume(socket.peek().size());
}

/// Was one of the events on the left that this socket is writable?
bool told_writable(World& world, const tcp::Socket& socket) {
  bool told = false;
  while (const std::optional<Event> event = world.left().poll_event())
    told = told || (event->socket.slot == socket.id() && any(event->ready & Readiness::writable));
  return told;
}

struct Starvation {
  World world;
  Connection rich;
  Connection poor;

  Starvation() : world({.memory_limit = kMemory}), rich(world, 80), poor(world, 81) {
    hog(rich.ours);
    told_writable(world, poor.ours);  // news from before
  }
  void let_rich_drain() {
    CHECK(world.run_until([&] {
      drain(rich.theirs);
      return rich.ours.info()->unacked == 0 && rich.ours.info()->unsent == 0;
    }));
  }
};

}  // namespace

TEST_CASE("a writer that found the memory of all taken hears `writable` when another connection gives it back") {
  Starvation s;
  CHECK(s.poor.ours.write(kText).value_or(99) == 0);
  CHECK_FALSE(told_writable(s.world, s.poor.ours));  // nothing is free yet
  s.let_rich_drain();
  CHECK(told_writable(s.world, s.poor.ours));
  CHECK(s.poor.ours.write(kText).value_or(0) == kText.size());
}

TEST_CASE("memory that a closed connection held, or unread text, feeds a starved writer as well") {
  for (const bool by_abort : {true, false}) {
    CAPTURE(by_abort);
    Starvation s;
    CHECK(s.poor.ours.write(kText).value_or(99) == 0);
    if (by_abort)
      s.rich.ours.abort();
    else
      s.rich.theirs.abort();
    s.world.settle();
    CHECK(told_writable(s.world, s.poor.ours));
    CHECK(s.poor.ours.write(kText).value_or(0) == kText.size());
  }
}

TEST_CASE("several starved writers are all told, one after the other, and nobody twice without need") {
  World world({.memory_limit = kMemory});
  Connection rich(world, 80);
  std::vector<Connection> poor;
  for (std::uint16_t port = 81; port < 86; ++port) poor.emplace_back(world, port);
  hog(rich.ours);
  while (world.left().poll_event()) {
  }
  for (Connection& one : poor)
    for (int i = 0; i < 3; ++i) CHECK(one.ours.write(kText).value_or(99) == 0);
  poor.back().ours.close();  // need not be told
  rich.ours.abort();
  std::vector<SlotId> told;
  while (const std::optional<Event> event = world.left().poll_event()) told.push_back(event->socket.slot);
  REQUIRE(told.size() == poor.size());  // the first is the one that failed
  CHECK(told.front() == rich.ours.id());
  for (std::size_t i = 0; i + 1 < poor.size(); ++i) CHECK(told[i + 1] == poor[i].ours.id());
}

TEST_CASE("a shared piece larger than the memory that is free goes in part") {
  World world({.memory_limit = kMemory});
  Connection one(world, 80);
  const Slice huge = Slice::copy_of(std::vector<std::uint8_t>(kMemory + 1000, 7));
  const std::size_t taken = one.ours.write(huge).value_or(0);
  CHECK(taken > kMemory / 2);
  CHECK(taken <= kMemory);
  CHECK(world.left().memory().used() <= kMemory);
}

}  // namespace sluice::test
