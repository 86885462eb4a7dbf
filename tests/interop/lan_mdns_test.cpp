// Multicast DNS with avahi: groups of a link, as services on a LAN use them (RFC 6762).
#include <doctest/doctest.h>

#include "stack/base/bytes.hpp"
#include "tests/interop/lan.hpp"
#include "tests/support/world.hpp"
#include "tun/event_loop.hpp"
#include "tun/open.hpp"

namespace sluice::interop {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kPort = 5353;

constexpr const char* kAvahi = R"([server]
host-name=lanhost
allow-interfaces=br0
enable-dbus=no
[publish]
publish-workstation=yes
)";

/// A stack of this process as a port of the lab's bridge.
struct Neighbour {
  explicit Neighbour(const LanLab& lab) {
    lab.network().run([&] {
      tun::TunOptions wish{.name = "mdns0"};
      wish.kind = tun::DeviceKind::tap;
      wish.bridge = "br0";
      device = tun::open_tun(wish);
    });
    Config config{.key = test::run_key(1), .ip = {}, .tcp = {}};
    for (const char* own : {"10.88.0.7/24", "fe80::7/64"}) config.ip.addresses.push_back(*Prefix::parse(own));
    config.ip.mtu = device->mtu();
    config.link = ip::LinkSettings{.mac = MacAddress({0x02, 0, 0x5e, 0x10, 0, 7}), .vlan = {}, .timing = {}};
    stack.emplace(config);
    loop.emplace(*stack, *device);
  }
  std::unique_ptr<tun::FdDevice> device;
  std::optional<Stack> stack;
  std::optional<tun::EventLoop> loop;
};

/// RFC 6763 9: which kinds of services are there? As RFC 1035 4.1 writes it.
std::vector<std::uint8_t> question() {
  std::vector<std::uint8_t> message(12);
  message[5] = 1;  // one question
  for (const std::string_view label : {"_services", "_dns-sd", "_udp", "local"}) {
    message.push_back(static_cast<std::uint8_t>(label.size()));
    message.insert(message.end(), label.begin(), label.end());
  }
  message.insert(message.end(), {0, 0, 12, 0, 1});  // PTR, IN
  return message;
}

/// The kinds of services that an answer of that name tells of.
bool is_answer(Bytes message) {
  const bool answers = message.size() > 12 && (message[2] & 0x80) != 0 && message[7] > 0;
  return answers && as_text(message).find("_workstation") != std::string_view::npos;
}

/// Asks again and again, as avahi first makes sure that its names are free.
std::optional<udp::Received> ask(Neighbour& host, udp::Socket& socket, const IpAddress& group) {
  for (int i = 0; i < 40; ++i) {
    REQUIRE(socket.send_to({group, kPort}, question()));
    const Time end = tun::monotonic_now() + 500ms;
    while (tun::monotonic_now() < end) {
      REQUIRE(host.loop->turn(50ms));
      udp::Received received;
      while (socket.receive({&received, 1}).value_or(0) == 1)
        if (is_answer(received.data.bytes())) return received;
    }
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("avahi answers a question that we send to the group of multicast DNS, and we hear it there [R1112-7-1]") {
  LanLab lab;
  // A /run of its own: avahi allows one of its kind to a machine.
  const std::string command =
      "mount -t tmpfs none /run && exec avahi-daemon --no-drop-root --no-rlimits --no-chroot -f " +
      lab.file("avahi.conf", kAvahi) + " 2>&1";
  const auto avahi = lab.start({"unshare", "--mount", "sh", "-c", command});
  Neighbour host(lab);
  REQUIRE(avahi->wait_for("Server startup complete"));
  for (const char* text : {"224.0.0.251", "ff02::fb"}) {
    CAPTURE(text);
    const IpAddress group = *IpAddress::parse(text);
    Result<udp::Socket> socket = host.stack->bind_udp({IpAddress::any(group.family()), kPort});
    REQUIRE(socket);
    REQUIRE(socket->join(group));
    const auto received = ask(host, *socket, group);
    REQUIRE(received);
    CHECK(received->local == group);
    CHECK_FALSE(host.stack->ip().addresses().holds(received->from.address));
    CHECK(received->from.port == kPort);
  }
}

}  // namespace sluice::interop
