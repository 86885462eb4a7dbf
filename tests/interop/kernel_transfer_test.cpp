// Much text both ways between the kernel's TCP and ours, on a good link and on a bad one.
#include <doctest/doctest.h>

#include <vector>

#include "tests/interop/kernel_lab.hpp"

namespace sluice::interop {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMebibyte = std::size_t{1} << 20;

/// What flows in a connection: noise of its own in each direction.
struct Load {
  Bytes to_kernel;
  Bytes to_us;

  Load(std::size_t size, std::size_t number)
      : to_kernel(noise_at(2 * number * size, size)), to_us(noise_at((2 * number + 1) * size, size)) {}

  void begin(Pair& pair) const {
    pair.ours->outgoing = to_kernel;
    pair.kernels->outgoing = to_us;
    pair.ours->finish = pair.kernels->finish = true;
    pair.pump();
  }
  void check(const Pair& pair) const {
    CHECK(pair.ours->error() == Errc::none);
    CHECK(pair.kernels->error() == Errc::none);
    CHECK(pair.ours->received == to_us.size());
    CHECK(pair.kernels->received == to_kernel.size());
    CHECK(pair.ours->digest.hex() == sha256(to_us));
    CHECK(pair.kernels->digest.hex() == sha256(to_kernel));
  }
};

/// 10 ms each way, so 20 ms there and back; losses and overtaking in both directions.
lab::ImpairmentSettings bad_link() { return {.loss = 0.02, .delay = 10ms, .reorder = 0.05, .reorder_by = 2ms}; }

}  // namespace

TEST_CASE("64 MiB each way at once arrive whole, whoever opens, over both families") {
  const Load load(64 * kMebibyte, 0);
  for (const Variant& variant : kVariants) {
    CAPTURE(variant.name());
    KernelLab lab;
    Pair pair = lab.connect(variant);
    load.begin(pair);
    CHECK(lab.run_until([&] { return pair.done(); }, 240s));
    load.check(pair);
    pair = {};
    lab.check_rest();
  }
}

TEST_CASE("4 MiB each way arrive whole through 2 % loss, 5 % reordering and 20 ms, over both families at once") {
  KernelLab lab({.in = bad_link(), .out = bad_link()});
  std::vector<Pair> pairs;
  std::vector<Load> loads;
  for (const Variant& variant : kVariants) {
    CAPTURE(variant.name());
    pairs.push_back(lab.connect(variant));
    loads.emplace_back(4 * kMebibyte, loads.size());
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) loads[i].begin(pairs[i]);
  CHECK(lab.run_until([&] { return pairs[0].done() && pairs[1].done() && pairs[2].done() && pairs[3].done(); }, 240s));
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    CAPTURE(kVariants[i].name());
    loads[i].check(pairs[i]);
    CHECK(pairs[i].ours->info().retransmissions > 0);
  }
  CHECK(lab.link().in().counters()[lab::ImpairmentCounter::reordered] > 0);
  CHECK(lab.link().out().counters()[lab::ImpairmentCounter::lost] > 0);
  pairs.clear();
  // An ACK that another overtook has an older timestamp than what was seen last, or its connection has ended.
  lab.check_rest({"tcp drop_unacceptable", "tcp drop_paws", "tcp drop_no_connection"});
}

}  // namespace sluice::interop
