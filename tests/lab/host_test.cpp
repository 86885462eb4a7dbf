// Hosts of other shapes than one stack on a plain wire.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "lab/host.hpp"
#include "lab/known_failures.hpp"
#include "tests/support/world.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

lab::HostCounts counts_after_transfer(lab::HostShape shape) {
  WorldSettings settings;
  settings.shape = shape;
  settings.to_left.delay = settings.to_right.delay = 5ms;
  World world(settings);
  auto [left, right] = world.connect();
  Transfer transfer(left, right, 3'000'000);
  world.on_step = [&transfer] { transfer.step(); };
  REQUIRE(world.run_until([&transfer] { return transfer.done(); }));
  lab::HostCounts counts = world.counts(false);
  return counts += world.counts(true);
}

TEST_CASE("a host has super-segments and packets at the wrong stack by its shape alone") {
  const lab::HostCounts plain = counts_after_transfer({.offload = false, .shards = 1});
  CHECK(plain.supers_out + plain.supers_in + plain.handed_over == 0);
  const lab::HostCounts offload = counts_after_transfer({.offload = true, .shards = 1});
  CHECK(offload.supers_out > 10);
  CHECK(offload.supers_in > 10);
  CHECK(offload.handed_over == 0);
  const lab::HostCounts shards = counts_after_transfer({.offload = false, .shards = 2});
  CHECK(shards.supers_out + shards.supers_in == 0);
  CHECK(shards.handed_over > 100);
  const lab::HostCounts both = counts_after_transfer({.offload = true, .shards = 3});
  CHECK(both.supers_out > 10);
  CHECK(both.supers_in > 10);
  CHECK(both.handed_over > 10);
  CHECK(lab::to_text(plain).empty());
  CHECK(lab::to_text({.supers_out = 1, .supers_in = 2, .handed_over = 3}) ==
        "; 1 super-segments left, 2 came; 3 packets came to the wrong shard");
}

TEST_CASE("connections belong to any stack of a host where the test wants it, else to its home") {
  for (const bool anywhere : {false, true}) {
    WorldSettings settings;
    settings.shape = {.offload = false, .shards = 2};
    settings.anywhere = anywhere;
    World world(settings);
    std::vector<std::pair<tcp::Socket, tcp::Socket>> open;
    for (std::uint16_t port = 1; port <= 20; ++port) open.push_back(world.connect(port));
    const std::size_t at_home = world.right().tcp().connection_count();
    CHECK((at_home == 20) == !anywhere);
    CHECK(at_home > 0);
    CHECK(world.left().tcp().connection_count() == 20);
  }
}

TEST_CASE("a table of known failures names what fails, when and why") {
  const auto table = lab::parse_known_failures(
      "# a comment\n\noffload | a/one.pkt | fewer ACKs\nshards ipv6 | [9293 MUST-1] is kept | reasons | of its own\n");
  REQUIRE(table);
  const std::vector<std::string> offload = {"offload", "ipv4"}, shards = {"shards", "ipv4"},
                                 both = {"offload", "shards", "ipv6"};
  CHECK(lab::known_reason(*table, "tests/a/one.pkt", offload) == "fewer ACKs");
  CHECK(lab::known_reason(*table, "a/one.pkt", both) == "fewer ACKs");
  CHECK_FALSE(lab::known_reason(*table, "b/one.pkt", offload));
  CHECK_FALSE(lab::known_reason(*table, "aa/one.pkt", offload));
  CHECK_FALSE(lab::known_reason(*table, "a/one.pkt", shards));
  CHECK_FALSE(lab::known_reason(*table, "[9293 MUST-1] is kept | reasons", shards));
  CHECK(lab::known_reason(*table, "[9293 MUST-1] is kept | reasons", both) == "of its own");
  CHECK(lab::words_of({.offload = true, .shards = 1}) == std::vector<std::string>{"offload"});
  CHECK(lab::words_of({.offload = true, .shards = 2}) == std::vector<std::string>{"offload", "shards"});
  for (const char* const wrong : {"offload", "offload | name", "| name | reason", "offload | | reason", "a | b |"}) {
    const auto none = lab::parse_known_failures(std::string("# fine\n") + wrong);
    REQUIRE_FALSE(none);
    CHECK(none.error == "line 2 is not 'when | name | reason'");
  }
}

}  // namespace
}  // namespace sluice::test
