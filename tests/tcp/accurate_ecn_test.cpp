// AccECN's counters alone: wrapping, and what a sender makes of bits and bytes.
#include <doctest/doctest.h>

#include "stack/tcp/ecn.hpp"

namespace sluice::tcp {
namespace {

using wire::tcp::AccurateEcn;

AccurateEcn told(std::uint32_t ect0, std::uint32_t ce) {
  return {.kind = AccurateEcn::kOrder0, .fields = 2, .bytes = {ect0, ce, 0}};
}

TEST_CASE("the byte counters wrap at 24 bits, and the sender follows them [9768 3.2.3.1]") {
  AccurateEcnReceiver receiver;
  AccurateEcnSender sender;
  std::uint64_t marked = 0;
  for (int i = 0; i < 1000; ++i) {
    receiver.take(Ecn::ce, 45, 65000, true);
    marked += sender.hear(receiver.ace(), receiver.option(), 65000, 1448).marked;
  }
  CHECK(marked == 65'000'000);  // nearly four times around
}

TEST_CASE("packets that came around more than once are told from the bytes [9768 3.2.2.5.2]") {
  AccurateEcnSender sender;
  CHECK(sender.hear(5, told(1, 0), 1000, 1000).marked == 0);
  CHECK(sender.hear(5, told(1, 16000), 16000, 1000).marked == 16000);  // twice around
  CHECK(sender.hear(6, {}, 1000, 1000).marked == 1000);                // 5 + 17
}

TEST_CASE("bytes that were guessed from packets don't count again when an option tells of them [9768 3.2.3.2.5]") {
  AccurateEcnSender sender;
  CHECK(sender.hear(7, {}, 4000, 1000).marked == 2000);
  CHECK(sender.hear(0, told(5000, 3000), 4000, 1000).marked == 1000);
}

TEST_CASE("without options the most that fits the bits is taken [9768 3.2.2.5.2]") {
  AccurateEcnSender sender;
  CHECK(sender.hear(5, {}, 7000, 1000).marked == 0);
  CHECK(sender.hear(5, {}, 8000, 1000).marked == 8000);
  CHECK(sender.hear(6, {}, 20000, 1000).marked == 17000);
}

TEST_CASE("more marks than packets delivered are believed [9768 3.2.2.5.2]") {
  AccurateEcnSender sender;
  CHECK(sender.hear(0, {}, 1000, 1000).marked == 3000);
}

TEST_CASE("bytes without a packet are a contradiction, unless the packet came with an earlier ACK [9768 3.2.3.2.5]") {
  AccurateEcnSender sender;
  CHECK(sender.hear(5, told(1, 1000), 2000, 1000).contradiction);
  AccurateEcnSender other;
  CHECK(!other.hear(6, {}, 1000, 1000).contradiction);
  CHECK(!other.hear(6, told(1, 1000), 1000, 1000).contradiction);
}

}  // namespace
}  // namespace sluice::tcp
