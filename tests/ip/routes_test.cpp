// Routes, own addresses and the choice among them.
#include <doctest/doctest.h>

#include "stack/ip/addresses.hpp"
#include "stack/ip/routes.hpp"
#include "tests/ip/host.hpp"

namespace sluice::ip {
namespace {

Prefix net(const char* text) { return *Prefix::parse(text); }

TEST_CASE("the longest prefix wins, then the smallest metric [R1122-3.3.1-1]") {
  Routes routes;
  routes.add({.destination = net("0.0.0.0/0"), .gateway = ip("10.0.0.254"), .metric = 10});
  routes.add({.destination = net("0.0.0.0/0"), .gateway = ip("10.0.0.253"), .metric = 5});
  routes.add({.destination = net("10.0.0.1/24"), .origin = RouteOrigin::connected});
  routes.add({.destination = net("10.0.0.128/25"), .gateway = ip("10.0.0.9")});
  REQUIRE(routes.find(ip("10.0.0.7")).size() == 1);
  CHECK_FALSE(routes.find(ip("10.0.0.7"))[0].gateway);
  CHECK(routes.find(ip("10.0.0.7"))[0].destination.to_string() == "10.0.0.0/24");
  CHECK(routes.find(ip("10.0.0.200"))[0].gateway == ip("10.0.0.9"));
  CHECK(routes.find(ip("8.8.8.8"))[0].gateway == ip("10.0.0.253"));
  CHECK(routes.find(ip("fd00::1")).empty());
}

TEST_CASE("several gateways of one metric are all answered [R1122-3.3.1-2]") {
  Routes routes;
  routes.add({.destination = net("::/0"), .gateway = ip("fe80::1"), .origin = RouteOrigin::advertised});
  routes.add({.destination = net("::/0"), .gateway = ip("fe80::2"), .origin = RouteOrigin::advertised});
  routes.add({.destination = net("::/0"), .gateway = ip("fe80::2"), .origin = RouteOrigin::advertised});
  CHECK(routes.find(ip("2001:db8::1")).size() == 2);
  routes.remove_gateway(ip("fe80::1"), RouteOrigin::advertised);
  CHECK(routes.find(ip("2001:db8::1")).size() == 1);
  routes.remove_all(RouteOrigin::advertised);
  CHECK(routes.all().empty());
}

TEST_CASE("the table is bounded") {
  Routes routes;
  for (std::uint32_t i = 0; i < Routes::kMaximum; ++i) CHECK(routes.add({.destination = {IpAddress::v4(i << 8), 24}}));
  CHECK_FALSE(routes.add({.destination = net("10.0.0.0/8")}));
}

const char* chosen(std::initializer_list<OwnAddress> own, const char* destination) {
  static std::string text;
  Addresses addresses;
  for (const OwnAddress& one : own) addresses.set(one);
  const IpAddress* const source = addresses.source_for(ip(destination), 0);
  text = source ? source->to_string() : "none";
  return text.c_str();
}

OwnAddress own(const char* text, AddressState state = AddressState::preferred, bool temporary = false) {
  return {net(text), state, temporary};
}

TEST_CASE("source addresses are chosen by the rules of RFC 6724 section 5, in their order") {
  using enum AddressState;
  // 1: the destination itself.
  CHECK(std::string(chosen({own("2001:db8:1::2/64"), own("2001:db8:1::1/64")}, "2001:db8:1::1")) == "2001:db8:1::1");
  // 2: scope.
  CHECK(std::string(chosen({own("fe80::1/64"), own("2001:db8:1::1/64")}, "2001:db8:2::1")) == "2001:db8:1::1");
  CHECK(std::string(chosen({own("2001:db8:1::1/64"), own("fe80::1/64")}, "fe80::9")) == "fe80::1");
  CHECK(std::string(chosen({own("2001:db8:1::1/64"), own("fe80::1/64")}, "ff02::1")) == "fe80::1");
  CHECK(std::string(chosen({own("fe80::1/64")}, "2001:db8:2::1")) == "fe80::1");
  // 3: no deprecated one while there is another.
  CHECK(std::string(chosen({own("2001:db8:1::1/64", deprecated), own("2001:db8:2::1/64")}, "2001:db8:1::9")) ==
        "2001:db8:2::1");
  CHECK(std::string(chosen({own("2001:db8:1::1/64", deprecated)}, "2001:db8:1::9")) == "2001:db8:1::1");
  // 6: labels.
  CHECK(std::string(chosen({own("2002:c633:6401::1/48"), own("2001:db8:1::1/64")}, "2001:db8:9::1")) ==
        "2001:db8:1::1");
  CHECK(std::string(chosen({own("2001:db8:1::1/64"), own("fd00::1/64")}, "fd11::1")) == "fd00::1");
  // 7: temporary ones are preferred.
  CHECK(std::string(chosen({own("2001:db8:1::1/64"), own("2001:db8:1::d5e3/64", preferred, true)}, "2001:db8:9::1")) ==
        "2001:db8:1::d5e3");
  // 8: the longest common prefix, as far as the address's own prefix goes.
  CHECK(std::string(chosen({own("2001:db8:1::1/64"), own("2001:db8:3ffe::1/64")}, "2001:db8:3fff::1")) ==
        "2001:db8:3ffe::1");
  CHECK(std::string(chosen({own("10.0.0.1/24"), own("10.9.0.1/24")}, "10.9.0.7")) == "10.9.0.1");
}

TEST_CASE("a tentative address is never a source, nor one of another family") {
  CHECK(std::string(chosen({own("2001:db8:1::1/64", AddressState::tentative)}, "2001:db8:1::9")) == "none");
  CHECK(std::string(chosen({own("10.0.0.1/24")}, "2001:db8:1::9")) == "none");
}

TEST_CASE("the policy table is RFC 6724's own") {
  CHECK(label_of(ip("::1")) == 0);
  CHECK(label_of(ip("2001:db8::1")) == 1);
  CHECK(label_of(ip("2002::1")) == 2);
  CHECK(label_of(ip("192.0.2.1")) == 4);
  CHECK(label_of(ip("2001::1")) == 5);
  CHECK(label_of(ip("fd00::1")) == 13);
  CHECK(precedence_of(ip("::1")) == 50);
  CHECK(precedence_of(ip("2001:db8::1")) == 40);
  CHECK(precedence_of(ip("192.0.2.1")) == 35);
  CHECK(precedence_of(ip("2002::1")) == 30);
  CHECK(precedence_of(ip("2001::1")) == 5);
  CHECK(precedence_of(ip("fd00::1")) == 3);
}

}  // namespace
}  // namespace sluice::ip
