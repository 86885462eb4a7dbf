// What a LinkWatch hears of a link in a namespace of the test's own.
#include "tun/link_watch.hpp"

#include <doctest/doctest.h>

#include <memory>

#include "tests/interop/lan.hpp"
#include "tun/error.hpp"

namespace sluice::interop {
namespace {

Duration slept_so_far{};

/// What a command did to v0 itself the kernel has told when it ends; of a carrier it tells when it gets to it.
struct WatchedLab : LanLab {
  WatchedLab() {
    ip({"link", "add", "v0", "type", "veth", "peer", "name", "v1"});
    ip({"link", "set", "v1", "up"});
    ip({"link", "set", "v0", "up"});
    ip({"link", "set", "v0", "master", "br0"});
    network().run([&] { watch = std::make_unique<tun::LinkWatch>("v0", []() noexcept { return slept_so_far; }); });
    REQUIRE(eventually([&] { return has_carrier(); }));
    watch->returned();
  }
  bool hears_return() const {
    return eventually([&] { return watch->returned(); });
  }
  /// Whether the kernel has seen, and told, that v0 has a carrier.
  bool has_carrier() { return run({"ip", "-o", "link", "show", "v0"}).out.find("state UP") != std::string::npos; }
  std::unique_ptr<tun::LinkWatch> watch;
};

}  // namespace

TEST_CASE("a link that went down or lost its carrier is told when it is back, and other links are not heard") {
  WatchedLab lab;
  CHECK_FALSE(lab.watch->returned());
  lab.ip({"link", "set", "v0", "down"});
  CHECK_FALSE(lab.watch->returned());
  lab.ip({"link", "set", "v0", "up"});
  CHECK(lab.hears_return());
  CHECK_FALSE(lab.watch->returned());
  REQUIRE(eventually([&] { return lab.has_carrier(); }));
  lab.ip({"link", "set", "v1", "down"});
  REQUIRE(eventually([&] { return !lab.has_carrier(); }));
  CHECK_FALSE(lab.watch->returned());
  lab.ip({"link", "set", "v1", "up"});
  CHECK(lab.hears_return());
  lab.ip({"link", "set", "v0", "mtu", "1400"});
  lab.ip({"link", "set", "br0", "down"});
  lab.ip({"link", "set", "br0", "up"});
  CHECK_FALSE(lab.watch->returned());
}

TEST_CASE("a port of another bridge is another network, taken out and put back is none") {
  WatchedLab lab;
  lab.ip({"link", "add", "br1", "type", "bridge"});
  lab.ip({"link", "set", "v0", "nomaster"});
  lab.ip({"link", "set", "v0", "master", "br0"});
  CHECK_FALSE(lab.watch->returned());
  lab.ip({"link", "set", "v0", "master", "br1"});
  CHECK(lab.hears_return());
}

TEST_CASE("the time that a machine was suspended is told once, and less than a second is none") {
  WatchedLab lab;
  slept_so_far += std::chrono::milliseconds(999);
  CHECK(lab.watch->slept() == Duration(0));
  slept_so_far += std::chrono::hours(2);
  CHECK(lab.watch->slept() == std::chrono::hours(2));
  CHECK(lab.watch->slept() == Duration(0));
}

TEST_CASE("an interface that is not there can't be watched") { CHECK_THROWS_AS(tun::LinkWatch("none0"), tun::Error); }

}  // namespace sluice::interop
