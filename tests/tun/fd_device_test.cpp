// The packet system calls, against a datagram socket that stands in for a TUN.
#include "tun/fd_device.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

namespace sluice::tun {
namespace {

struct Pair {
  Pair() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends.data()) == 0);
    near = Fd(ends[0]);
    far = Fd(ends[1]);
  }
  Fd near;
  Fd far;
};

std::string read_far(const Pair& pair) {
  std::array<char, 4096> room{};
  const ssize_t size = ::read(pair.far.number(), room.data(), room.size());
  return size > 0 ? std::string(room.data(), static_cast<std::size_t>(size)) : std::string();
}

std::uint64_t count(const Device& device, DeviceCounter which) { return device.counters()[which]; }

}  // namespace

TEST_CASE("packets come in by batches of 64, each in a buffer of its own, until nothing waits") {
  Pair pair;
  FdDevice device(std::move(pair.near), 1500, "test");
  for (std::size_t i = 0; i < 70; ++i) REQUIRE(::write(pair.far.number(), "0123456789", 1 + i % 10) > 0);

  std::vector<Packet> batch;
  CHECK(device.receive_batch(batch));
  CHECK(batch.size() == Device::kBatch);
  CHECK(!device.receive_batch(batch));
  REQUIRE(batch.size() == 70);
  CHECK(as_text(batch[0].bytes()) == "0");
  CHECK(as_text(batch[69].bytes()) == "0123456789");
  CHECK(count(device, DeviceCounter::packets_in) == 70);
  CHECK(count(device, DeviceCounter::bytes_in) == 7 * 55);
  CHECK(device.error() == Errc::none);
  CHECK(device.name() == "test");
}

TEST_CASE("a frame leaves as one packet, gathered from its pieces without being copied together") {
  Pair pair;
  FdDevice device(std::move(pair.near), 1500);
  const std::array<Slice, 2> body = {Slice::copy_of(as_bytes("text ")), Slice::copy_of(as_bytes("in pieces"))};
  CHECK(device.accept({.head = as_bytes("head|"), .body = body}));
  CHECK(read_far(pair) == "head|text in pieces");
  CHECK(count(device, DeviceCounter::packets_out) == 1);
  CHECK(count(device, DeviceCounter::bytes_out) == 19);
}

TEST_CASE("a frame of very many pieces still leaves as one packet") {
  Pair pair;
  FdDevice device(std::move(pair.near), 1500);
  const std::vector<Slice> body(500, Slice::copy_of(as_bytes("ab")));
  CHECK(device.accept({.head = as_bytes("head"), .body = body}));
  const std::string seen = read_far(pair);
  CHECK(seen.size() == 1004);
  CHECK(seen.substr(0, 8) == "headabab");
}

TEST_CASE("a full device says so, forgets it when the next turn begins, and loses nothing") {
  Pair pair;
  FdDevice device(std::move(pair.near), 1500);
  const std::string payload(1400, 'x');
  std::size_t taken = 0;
  while (device.accept({.head = as_bytes(payload), .body = {}})) ++taken;
  CHECK(taken > 0);
  CHECK(device.full());
  CHECK(count(device, DeviceCounter::full) == 1);
  CHECK(count(device, DeviceCounter::packets_out) == taken);

  device.begin_turn(Time());
  CHECK(!device.full());
  std::size_t arrived = 0;
  while (!read_far(pair).empty()) ++arrived;
  CHECK(arrived == taken);
  CHECK(device.accept({.head = as_bytes(payload), .body = {}}));
}

TEST_CASE("a plain device drops and counts what only offloads could carry") {
  Pair pair;
  FdDevice device(std::move(pair.near), 100);
  const std::string large(101, 'x');
  CHECK(device.accept({.head = as_bytes(large), .body = {}}));
  CHECK(device.accept({.head = as_bytes("x"), .body = {}, .gso_size = 10}));
  CHECK(device.accept({.head = as_bytes("x"), .body = {}, .checksum_partial = true}));
  CHECK(count(device, DeviceCounter::unsupported) == 3);
  CHECK(read_far(pair).empty());
  CHECK(device.offloads().maximum_frame == 0);
}

TEST_CASE("a device whose other end is gone says so on reading and drops on writing") {
  Pair pair;
  FdDevice device(std::move(pair.near), 1500);
  pair.far.reset();
  CHECK(device.accept({.head = as_bytes("lost"), .body = {}}));
  CHECK(count(device, DeviceCounter::write_errors) == 1);
  std::vector<Packet> batch;
  CHECK(!device.receive_batch(batch));
  CHECK(batch.empty());
  CHECK(device.error() == Errc::io_error);
}

TEST_CASE("a descriptor that was closed is an error of the device, not of the frame") {
  FdDevice device(Fd(), 1500);
  CHECK(device.accept({.head = as_bytes("lost"), .body = {}}));
  CHECK(device.error() == Errc::io_error);
}

TEST_CASE("each device counter has a name of its own") {
  std::vector<std::string_view> names;
  Counters<DeviceCounter>().for_each([&](std::string_view text, std::uint64_t) { names.push_back(text); });
  CHECK(names.front() == "packets_in");
  CHECK(names.back() == "unsupported");
  for (std::string_view text : names) CHECK(!text.empty());
  CHECK(name(DeviceCounter::count).empty());
}

TEST_CASE("middleware that changes nothing passes every call on") {
  Pair pair;
  FdDevice device(std::move(pair.near), 1500);
  DeviceLayer layer(device);
  CHECK(layer.fd() == device.fd());
  CHECK(layer.mtu() == 1500);
  CHECK(layer.offloads().maximum_frame == 0);
  layer.begin_turn(Time());
  CHECK(layer.accept({.head = as_bytes("x"), .body = {}}));
  layer.flush();
  CHECK(read_far(pair) == "x");
  std::vector<Packet> batch;
  CHECK(!layer.receive_batch(batch));
  CHECK(!layer.full());
  CHECK(layer.next_timeout() == kNever);
  CHECK(layer.error() == Errc::none);
  CHECK(layer.counters()[DeviceCounter::packets_out] == 1);
}

}  // namespace sluice::tun
