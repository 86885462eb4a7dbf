// In steady state a packet takes no memory from the heap: this program replaces operator new to count.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <new>
#include <utility>
#include <vector>

#include "tests/support/bare_wire.hpp"

namespace {

std::size_t allocations = 0;  // of this program, which has one thread

void* allocate(std::size_t size) {
  ++allocations;
  void* memory = std::malloc(size > 0 ? size : 1);
  if (!memory) std::abort();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

constexpr int kWarm = 2000;
constexpr int kRounds = 500;

/// Two hosts with a connection, whose packets take 1 ms.
struct Hosts {
  explicit Hosts(std::size_t frame = 0) : a(bare_config(1, frame)), b(bare_config(2, frame)) {
    a.waiting.reserve(1024);
    b.waiting.reserve(1024);
    auto listener = b.stack.listen({IpAddress::v4(10, 0, 0, 2), 80}, {.options = {.no_delay = true}});
    left = *a.stack.connect({IpAddress::v4(10, 0, 0, 2), 80}, {.options = {.no_delay = true}});
    run();
    right = *listener->accept();
  }
  void run() { exchange(a, b, now, 1ms); }

  BareHost a, b;
  Time now{1h};
  tcp::Socket left, right;
};

void drain(tcp::Socket& socket) {
  while (!socket.peek().empty()) socket.consume(socket.peek().size());
}

/// How often both hosts took memory from the heap in kRounds rounds, after they are warm.
template <class Round>
std::size_t count(Round&& round) {
  for (int i = 0; i < kWarm; ++i) round();
  const std::size_t before = allocations;
  for (int i = 0; i < kRounds; ++i) round();
  return allocations - before;
}

std::size_t count_bulk(std::size_t frame) {
  Hosts hosts(frame);
  const Slice block = Slice::copy_of(std::vector<std::uint8_t>(256 * 1024));
  return count([&] {
    while (hosts.left.writable() > block.size() / 2)
      if (!hosts.left.write(block)) break;
    hosts.run();
    drain(hosts.right);
  });
}

}  // namespace

TEST_CASE("a byte that goes to and fro takes no memory from the heap") {
  Hosts hosts;
  const std::uint8_t byte[] = {'x'};
  CHECK(count([&] {
          (void)hosts.left.write(Bytes(byte));
          hosts.run();
          drain(hosts.right);
          (void)hosts.right.write(Bytes(byte));
          hosts.run();
          drain(hosts.left);
        }) == 0);
}

TEST_CASE("bulk text in packets of 1500 bytes takes no memory from the heap, at neither end") {
  CHECK(count_bulk(0) == 0);
}

TEST_CASE("bulk text in super-segments takes no memory from the heap, at neither end") {
  CHECK(count_bulk(65535) == 0);
}

}  // namespace sluice::test
