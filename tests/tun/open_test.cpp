// What can be said about a TUN's settings without making one, and the sentences of the errors.
#include "tun/open.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>

#include "tun/clock.hpp"
#include "tun/error.hpp"
#include "tun/namespace.hpp"

namespace sluice::tun {
namespace {

Errc code_of(const TunOptions& options) {
  try {
    (void)open_tun(options);
  } catch (const Error& error) {
    return error.code();
  }
  return Errc::none;
}

std::string peer_of(const char* prefix) { return default_peer(*Prefix::parse(prefix)).to_string(); }

}  // namespace

TEST_CASE("names that no interface can have are refused in one sentence before anything is opened") {
  for (const char* name :
       {"", "a/b", "with space", "a:b", "..", ".", "sixteen-letters!", "%s", "x%d%d", "50%", "\x01"}) {
    CAPTURE(name);
    CHECK(!complaint_about_name(name).empty());
    CHECK(code_of({.name = name}) == Errc::invalid_argument);
  }
  for (const char* name : {"sluice0", "a", "fifteen-letters", "tun%d"}) CHECK(complaint_about_name(name).empty());
}

TEST_CASE("the kernel's side gets the first address of the network that is not the stack's") {
  CHECK(peer_of("10.0.0.2/24") == "10.0.0.1");
  CHECK(peer_of("10.0.0.1/24") == "10.0.0.2");
  CHECK(peer_of("10.1.2.3/8") == "10.0.0.1");
  CHECK(peer_of("192.168.7.9/29") == "192.168.7.10");
  CHECK(peer_of("fd00::2/64") == "fd00::1");
  CHECK(peer_of("fd00:1:2:3::1/64") == "fd00:1:2:3::2");
  CHECK(peer_of("10.0.0.4/31") == "10.0.0.5");
  CHECK(peer_of("10.0.0.5/32") == "10.0.0.4");
  CHECK(peer_of("fd00::8/128") == "fd00::9");
}

TEST_CASE("a missing network namespace is named, with the place where it was looked for") {
  CHECK(code_of({.network_namespace = "no-such-namespace"}) == Errc::not_found);
  try {
    (void)Namespace::open("no-such-namespace");
    FAIL("it was found");
  } catch (const Error& error) {
    CHECK(std::string(error.what()) ==
          "there is no network namespace no-such-namespace (no /run/netns/no-such-namespace)");
  }
  CHECK_THROWS_WITH_AS((void)Namespace::open("4194305"),
                       "there is no network namespace 4194305 (no /proc/4194305/ns/net)", Error);
}

TEST_CASE("a file that is no network namespace is refused when it is opened") {
  CHECK_THROWS_WITH_AS((void)Namespace::open("/dev/null"), "/dev/null is not a network namespace", Error);
  CHECK_THROWS_AS((void)Namespace::open("/proc/self/ns/uts"), Error);
}

TEST_CASE("errno becomes the nearest Errc") {
  CHECK(from_errno(0) == Errc::none);
  CHECK(from_errno(EPERM) == Errc::permission_denied);
  CHECK(from_errno(ENOENT) == Errc::not_found);
  CHECK(from_errno(EBUSY) == Errc::address_in_use);
  CHECK(from_errno(EADDRNOTAVAIL) == Errc::address_not_available);
  CHECK(from_errno(EAFNOSUPPORT) == Errc::address_family);
  CHECK(from_errno(EINVAL) == Errc::invalid_argument);
  CHECK(from_errno(EAGAIN) == Errc::would_block);
  CHECK(from_errno(ECONNREFUSED) == Errc::connection_refused);
  CHECK(from_errno(EPIPE) == Errc::connection_reset);
  CHECK(from_errno(ECONNABORTED) == Errc::connection_aborted);
  CHECK(from_errno(ETIMEDOUT) == Errc::timed_out);
  CHECK(from_errno(ENETUNREACH) == Errc::network_unreachable);
  CHECK(from_errno(EHOSTUNREACH) == Errc::host_unreachable);
  CHECK(from_errno(ENOTCONN) == Errc::not_connected);
  CHECK(from_errno(EMSGSIZE) == Errc::message_too_large);
  CHECK(from_errno(ENOMEM) == Errc::no_buffer_space);
  CHECK(from_errno(ENOSYS) == Errc::not_supported);
  CHECK(from_errno(EIO) == Errc::io_error);
  CHECK(errno_text(ENOENT) == "No such file or directory");
}

TEST_CASE("a seed gives the same key every time, the kernel another one every time") {
  CHECK(key_from_seed("7") == key_from_seed("7"));
  CHECK(key_from_seed("7") != key_from_seed("8"));
  CHECK(random_key() != random_key());
}

TEST_CASE("the clocks move forwards and the wall clock is after 2020") {
  const Time first = monotonic_now();
  CHECK(monotonic_now() >= first);
  const auto wall = monotonic_now().time_since_epoch() + wall_clock_offset();
  CHECK(wall > std::chrono::hours(24 * 365 * 50));
}

}  // namespace sluice::tun
