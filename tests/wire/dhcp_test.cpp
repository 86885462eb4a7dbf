// DHCP messages: fields, options in all the places where they may be, and libtins's opinion.
#include "stack/wire/dhcp.hpp"

#include <doctest/doctest.h>
#include <tins/tins.h>

#include <numeric>
#include <vector>

namespace sluice::wire::dhcp {
namespace {

using Octets = std::vector<std::uint8_t>;

const MacAddress kOurs({0x02, 0, 0x5e, 0x10, 0, 0x01});
const Header kSample{.operation = Operation::reply,
                     .type = Type::ack,
                     .transaction = 0xfeedbeef,
                     .seconds = 7,
                     .broadcast = true,
                     .client = IpAddress::v4(192, 0, 2, 1),
                     .your = IpAddress::v4(192, 0, 2, 2),
                     .next_server = IpAddress::v4(192, 0, 2, 3),
                     .relay = IpAddress::v4(192, 0, 2, 4),
                     .hardware = kOurs};
constexpr std::size_t kNameAt = 44;
constexpr std::size_t kFileAt = 108;

Octets plain() {
  Octets message(kMaximumSize);
  message.resize(Writer(message, kSample).finish());
  return message;
}

/// The fixed part with these octets for options, for the file and for the server's name.
Octets with_fields(const Octets& options, const Octets& file = {}, const Octets& name = {}) {
  Octets message = plain();
  message.resize(kFixedSize);
  message.insert(message.end(), options.begin(), options.end());
  std::copy(file.begin(), file.end(), message.begin() + kFileAt);
  std::copy(name.begin(), name.end(), message.begin() + kNameAt);
  return message;
}

Fault fault_of(const Octets& message) {
  const auto parsed = parse(message);
  REQUIRE_FALSE(parsed);
  return parsed.fault();
}

Octets value_of(const Octets& message, Option option) {
  const auto parsed = parse(message);
  REQUIRE(parsed);
  const auto value = parsed->options.find(option);
  REQUIRE(value);
  return {value->bytes().begin(), value->bytes().end()};
}

TEST_CASE("what is written of a DHCP message is read back") {
  const Octets message = plain();
  CHECK(message.size() == kMinimumWritten);
  const auto parsed = parse(message);
  REQUIRE(parsed);
  const Header& header = parsed->header;
  CHECK(header.operation == Operation::reply);
  CHECK(header.type == Type::ack);
  CHECK(header.transaction == 0xfeedbeef);
  CHECK(header.seconds == 7);
  CHECK(header.broadcast);
  CHECK(header.client == kSample.client);
  CHECK(header.your == kSample.your);
  CHECK(header.next_server == kSample.next_server);
  CHECK(header.relay == kSample.relay);
  CHECK(header.hardware == kOurs);
}

TEST_CASE("libtins reads the DHCP message that we write") {
  Octets bytes(kMaximumSize);
  Writer writer(bytes, kSample);
  writer.option(Option::server_identifier, IpAddress::v4(192, 0, 2, 9));
  writer.option(Option::lease_time, std::uint32_t{3600});
  writer.option(Option::interface_mtu, std::uint16_t{1400});
  writer.option(Option::domain_name, as_bytes("example.org"));
  bytes.resize(writer.finish());
  const Tins::DHCP seen(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
  CHECK(seen.opcode() == 2);
  CHECK(seen.htype() == 1);
  CHECK(seen.hlen() == 6);
  CHECK(seen.type() == Tins::DHCP::ACK);
  CHECK(seen.xid() == 0xfeedbeef);
  CHECK(seen.secs() == 7);
  CHECK(seen.padding() == 0x8000);
  CHECK(seen.ciaddr().to_string() == "192.0.2.1");
  CHECK(seen.yiaddr().to_string() == "192.0.2.2");
  CHECK(seen.siaddr().to_string() == "192.0.2.3");
  CHECK(seen.giaddr().to_string() == "192.0.2.4");
  CHECK(Tins::HWAddress<6>(seen.chaddr()).to_string() == kOurs.to_string());
  CHECK(seen.server_identifier().to_string() == "192.0.2.9");
  CHECK(seen.lease_time() == 3600);
  CHECK(seen.search_option(Tins::DHCP::INTERFACE_MTU)->to<std::uint16_t>() == 1400);
  CHECK(seen.domain_name() == "example.org");
}

TEST_CASE("we read the DHCP message that libtins writes") {
  Tins::DHCP theirs;
  theirs.opcode(2);
  theirs.hlen(6);
  theirs.xid(0x01020304);
  theirs.yiaddr("192.0.2.77");
  theirs.chaddr(Tins::HWAddress<6>(kOurs.to_string()));
  theirs.type(Tins::DHCP::OFFER);
  theirs.server_identifier("192.0.2.9");
  theirs.lease_time(600);
  theirs.renewal_time(100);
  theirs.subnet_mask("255.255.255.128");
  theirs.routers({"192.0.2.1", "192.0.2.2"});
  theirs.domain_name("example.org");
  theirs.end();
  const Octets bytes = theirs.serialize();
  const auto parsed = parse(bytes);
  REQUIRE(parsed);
  CHECK(parsed->header.type == Type::offer);
  CHECK(parsed->header.transaction == 0x01020304);
  CHECK(parsed->header.your == IpAddress::v4(192, 0, 2, 77));
  CHECK(parsed->header.hardware == kOurs);
  CHECK_FALSE(parsed->header.broadcast);
  CHECK(parsed->options.address(Option::server_identifier) == IpAddress::v4(192, 0, 2, 9));
  CHECK(parsed->options.u32(Option::lease_time) == 600u);
  CHECK(parsed->options.u32(Option::renewal_time) == 100u);
  CHECK(read_mask(value_of(bytes, Option::subnet_mask)) == 25);
  const auto routers = read_addresses(value_of(bytes, Option::routers), 8);
  REQUIRE(routers);
  CHECK(*routers == std::vector{IpAddress::v4(192, 0, 2, 1), IpAddress::v4(192, 0, 2, 2)});
  CHECK(read_name(value_of(bytes, Option::domain_name)) == "example.org");
}

TEST_CASE("each fault of a DHCP message has its name") {
  const Octets message = plain();
  CHECK(fault_of(Octets(message.begin(), message.begin() + 239)) == Fault::truncated);
  CHECK(fault_of(Octets(kMaximumSize + 1)) == Fault::too_long);
  const auto with = [&](std::size_t at, std::uint8_t value) {
    Octets broken = message;
    broken[at] = value;
    return fault_of(broken);
  };
  CHECK(with(0, 0) == Fault::wrong_operation);
  CHECK(with(0, 3) == Fault::wrong_operation);
  CHECK(with(1, 6) == Fault::wrong_hardware);
  CHECK(with(2, 16) == Fault::wrong_hardware);
  CHECK(with(239, 0) == Fault::no_cookie);
  CHECK(with(242, 0) == Fault::no_type);
  CHECK(with(242, 9) == Fault::no_type);
  CHECK(fault_of(with_fields({})) == Fault::no_type);
  CHECK(fault_of(with_fields({53, 2, 5, 5})) == Fault::no_type);
  CHECK(fault_of(with_fields({53, 1, 5, 12, 3, 'a', 'b'})) == Fault::bad_option);
  CHECK(fault_of(with_fields({53, 1, 5, 12})) == Fault::bad_option);
  for (const std::uint8_t which : Octets{0, 4, 255})
    CHECK(fault_of(with_fields({53, 1, 5, 52, 1, which, 255})) == Fault::bad_overload);
  CHECK(fault_of(with_fields({53, 1, 5, 52, 2, 1, 1, 255})) == Fault::bad_overload);
}

TEST_CASE("options need no end, and nothing behind the end is one") {
  CHECK(parse(with_fields({53, 1, 5})));
  const Octets message = with_fields({0, 0, 53, 1, 5, 255, 12, 200});
  const auto parsed = parse(message);
  REQUIRE(parsed);
  CHECK_FALSE(parsed->options.find(Option::host_name));
}

TEST_CASE("pieces of a long option are joined in their order (RFC 3396 7)") {
  Octets name(600);
  std::iota(name.begin(), name.end(), std::uint8_t{0});
  Octets bytes(kMaximumSize);
  Writer writer(bytes, kSample);
  writer.option(Option::message, name);
  bytes.resize(writer.finish());
  CHECK(value_of(bytes, Option::message) == name);
  CHECK(value_of(with_fields({53, 1, 5, 12, 1, 'a', 0, 12, 2, 'b', 'c', 255}), Option::host_name) ==
        Octets{'a', 'b', 'c'});
}

TEST_CASE("the file and the server's name hold options if option 52 says so, in this order (RFC 2132 9.3)") {
  const Octets file = {12, 1, 'f', 255};
  const Octets name = {12, 1, 'n', 255};
  const auto host_name = [&](std::uint8_t which) {
    return value_of(with_fields({53, 1, 5, 12, 1, 'o', 52, 1, which, 255}, file, name), Option::host_name);
  };
  CHECK(host_name(1) == Octets{'o', 'f'});
  CHECK(host_name(2) == Octets{'o', 'n'});
  CHECK(host_name(3) == Octets{'o', 'f', 'n'});
  CHECK(value_of(with_fields({53, 1, 5, 12, 1, 'o', 255}, file, name), Option::host_name) == Octets{'o'});
}

TEST_CASE("an option may not reach out of the field that it overloads") {
  Octets file(128, 0);
  file[100] = 12;
  file[101] = 26;  // the field's last byte
  CHECK(parse(with_fields({53, 1, 5, 52, 1, 1, 255}, file)));
  file[101] = 27;
  CHECK(fault_of(with_fields({53, 1, 5, 52, 1, 1, 255}, file)) == Fault::bad_option);
  Octets name(64, 0);
  name[63] = 12;
  CHECK(fault_of(with_fields({53, 1, 5, 52, 1, 2, 255}, {}, name)) == Fault::bad_option);
}

TEST_CASE("numbers have exactly their size") {
  const Octets message = with_fields({53, 1, 5, 51, 3, 0, 0, 1, 26, 1, 9, 58, 5, 0, 0, 0, 0, 0, 255});
  const auto parsed = parse(message);
  REQUIRE(parsed);
  CHECK_FALSE(parsed->options.u32(Option::lease_time));
  CHECK_FALSE(parsed->options.u16(Option::interface_mtu));
  CHECK_FALSE(parsed->options.u32(Option::renewal_time));
  CHECK_FALSE(parsed->options.address(Option::server_identifier));
}

TEST_CASE("lists of addresses are whole and bounded") {
  CHECK_FALSE(read_addresses({}, 4));
  CHECK_FALSE(read_addresses(Octets{1, 2, 3}, 4));
  CHECK_FALSE(read_addresses(Octets{1, 2, 3, 4, 5}, 4));
  CHECK(read_addresses(Octets(400), 4)->size() == 4);
}

TEST_CASE("a mask is ones and then zeros") {
  CHECK(read_mask(Octets{255, 255, 255, 0}) == 24);
  CHECK(read_mask(Octets{255, 255, 255, 255}) == 32);
  CHECK(read_mask(Octets{0, 0, 0, 0}) == 0);
  CHECK_FALSE(read_mask(Octets{255, 0, 255, 0}));
  CHECK_FALSE(read_mask(Octets{0, 0, 0, 255}));
  CHECK_FALSE(read_mask(Octets{255, 255, 255}));
}

TEST_CASE("classless routes carry as much of a destination as its length says (RFC 3442)") {
  const Octets value = {0,   10, 0, 0, 1, 9,  10, 0xff, 10, 0, 0, 2, 24, 10, 27,
                        129, 0,  0, 0, 0, 32, 10, 1,    2,  3, 1, 1, 1,  1};
  const auto routes = read_routes(value, 8);
  REQUIRE(routes);
  const IpAddress first = IpAddress::v4(10, 0, 0, 1);
  CHECK((*routes)[0] == Route{*Prefix::parse("0.0.0.0/0"), first});
  CHECK((*routes)[1] == Route{*Prefix::parse("10.128.0.0/9"), IpAddress::v4(10, 0, 0, 2)});
  CHECK((*routes)[2] == Route{*Prefix::parse("10.27.129.0/24"), IpAddress()});
  CHECK((*routes)[3] == Route{*Prefix::parse("10.1.2.3/32"), IpAddress::v4(1, 1, 1, 1)});
  CHECK(routes->size() == 4);
  CHECK(read_routes(value, 2)->size() == 2);
}

TEST_CASE("classless routes that end early or are too long are none") {
  CHECK_FALSE(read_routes({}, 8));
  CHECK_FALSE(read_routes(Octets{0, 10, 0, 0}, 8));
  CHECK_FALSE(read_routes(Octets{33, 1, 2, 3, 4, 5, 1, 1, 1, 1}, 8));
  CHECK_FALSE(read_routes(Octets{0, 10, 0, 0, 1, 8}, 8));
}

TEST_CASE("a domain name that a shell could trip over is none") {
  CHECK(read_name(as_bytes("lab-1.example_x.org")) == "lab-1.example_x.org");
  CHECK(read_name(Octets{'a', 0}) == "a");
  for (const char* name : {"", "a b", "a;b", "$(x)", "a\nb", "a/b", "\"a\"", "\xc3\xa4"})
    CHECK_FALSE_MESSAGE(read_name(as_bytes(name)), name);
  CHECK(read_name(Octets(253, 'a')));
  CHECK_FALSE(read_name(Octets(254, 'a')));
}

}  // namespace
}  // namespace sluice::wire::dhcp
