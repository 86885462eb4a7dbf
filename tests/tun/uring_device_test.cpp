// Frames by either backend into a datagram socket that stands in for a TUN, and what only io_uring does.
#include "tun/uring_device.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "tests/support/skip.hpp"
#include "tests/support/super_packet.hpp"
#include "tests/tun/twins.hpp"
#include "tun/error.hpp"
#include "tun/segmentation.hpp"

namespace sluice::tun {
namespace {

using namespace std::chrono_literals;

constexpr Offloads kAll = {.maximum_frame = 65535, .checksum = true, .tcp_v4 = true, .tcp_v6 = true};

/// A device of class D at one end of a pair; none where this machine gives no io_uring.
template <class D>
struct Setting {
  template <class... More>
  explicit Setting(std::size_t mtu, const More&... more) {
    auto ends = packet_pair();
    far = std::move(ends[1]);
    try {
      device = std::make_unique<D>(std::move(ends[0]), mtu, more...);
    } catch (const Error& error) {
      CHECK(error.code() == Errc::not_supported);
      CHECK(std::is_same_v<D, UringDevice>);
      test::skip(error.what());
    }
  }

  bool accept(const Frame& frame) { return device->accept(frame); }
  bool accept(const std::string& text) { return device->accept({.head = as_bytes(text), .body = {}}); }
  std::uint64_t count(DeviceCounter which) const { return device->counters()[which]; }
  /// The next packet that has arrived, or an empty text.
  std::string next() const {
    std::array<char, 70000> room{};
    const ssize_t size = ::read(far.number(), room.data(), room.size());
    return size > 0 ? std::string(room.data(), static_cast<std::size_t>(size)) : std::string();
  }

  Fd far;
  std::unique_ptr<D> device;
};

}  // namespace

TEST_CASE_TEMPLATE("by either backend a frame leaves as one packet, gathered from its pieces", D, FdDevice,
                   UringDevice) {
  Setting<D> at(1500);
  if (!at.device) return;
  const std::array<Slice, 2> body = {Slice::copy_of(as_bytes("text ")), Slice::copy_of(as_bytes("in pieces"))};
  CHECK(at.accept({.head = as_bytes("head|"), .body = body}));
  const std::vector<Slice> many(500, Slice::copy_of(as_bytes("ab")));
  CHECK(at.accept({.head = as_bytes("head"), .body = many}));
  at.device->flush();
  CHECK(at.next() == "head|text in pieces");
  const std::string long_one = at.next();
  CHECK(long_one.size() == 1004);
  CHECK(long_one.substr(0, 8) == "headabab");
  CHECK(at.count(DeviceCounter::packets_out) == 2);
  CHECK(at.count(DeviceCounter::bytes_out) == 1023);
}

TEST_CASE_TEMPLATE("by either backend a super-segment leaves whole behind its header", D, FdDevice, UringDevice) {
  Setting<D> at(1500, "test", kAll);
  if (!at.device) return;
  const auto packet = test::super_packet(Family::ipv4, "P. 1:20001(20000) ack 1 win 500");
  const std::array<Slice, 1> body = {Slice::copy_of(Bytes(packet).subspan(40))};
  CHECK(at.accept({.head = Bytes(packet).first(40),
                   .body = body,
                   .gso_size = 1000,
                   .transport_offset = 20,
                   .checksum_partial = true}));
  CHECK(at.accept("head"));
  at.device->flush();
  const VirtioHeader header{.flags = VirtioHeader::kNeedsChecksum,
                            .gso_type = VirtioHeader::kTcpV4,
                            .header_length = 40,
                            .gso_size = 1000,
                            .checksum_start = 20,
                            .checksum_offset = 16};
  CHECK(at.next() == std::string(as_text(write_virtio_header(header))) + std::string(as_text(packet)));
  CHECK(at.next() == std::string(VirtioHeader::kSize, '\0') + "head");
  CHECK(at.count(DeviceCounter::super_out) == 1);
  CHECK(at.count(DeviceCounter::packets_out) == 2);
}

TEST_CASE_TEMPLATE("by either backend a plain device cuts a super-segment, of few pieces or of many", D, FdDevice,
                   UringDevice) {
  Setting<D> at(1500);
  if (!at.device) return;
  const auto packet = test::super_packet(Family::ipv4, "P. 1:40001(40000) ack 1 win 500");
  for (const std::size_t piece : {40000u, 700u, 10u}) {
    CAPTURE(piece);
    std::vector<Slice> body;
    for (std::size_t from = 40; from < packet.size(); from += piece)
      body.push_back(Slice::copy_of(Bytes(packet).subspan(from, std::min(piece, packet.size() - from))));
    CHECK(at.accept({.head = Bytes(packet).first(40),
                     .body = body,
                     .gso_size = 1000,
                     .transport_offset = 20,
                     .checksum_partial = true}));
    body.clear();
    at.device->flush();
    Segments expected(packet, 1000);
    for (Bytes one = expected.next(); !one.empty(); one = expected.next()) CHECK(at.next() == as_text(one));
    CHECK(at.next().empty());
  }
  CHECK(at.count(DeviceCounter::packets_out) == 3 * 40);
}

TEST_CASE_TEMPLATE("by either backend a frame that no device carries is dropped and counted", D, FdDevice,
                   UringDevice) {
  Setting<D> at(100);
  if (!at.device) return;
  CHECK(at.accept(std::string(101, 'x')));
  at.device->flush();
  CHECK(at.count(DeviceCounter::unsupported) == 1);
  CHECK(at.next().empty());
}

TEST_CASE_TEMPLATE("by either backend a full device says so, and what it took arrives in order", D, FdDevice,
                   UringDevice) {
  Setting<D> at(1500);
  if (!at.device) return;
  const auto packet = [](std::size_t number) { return std::to_string(number) + std::string(1300, ' '); };
  std::size_t taken = 0;
  while (!at.device->full()) {
    while (at.accept(packet(taken))) ++taken;
    at.device->flush();
  }
  CHECK(at.count(DeviceCounter::full) > 0);
  CHECK(at.count(DeviceCounter::packets_out) < taken + 1);

  std::size_t arrived = 0;
  for (int quiet = 0; quiet < 2; ++quiet) {
    at.device->begin_turn(Time());
    CHECK(!at.device->full());
    at.device->flush();
    for (std::string text = at.next(); !text.empty(); text = at.next(), quiet = 0) {
      CHECK(text == packet(arrived));
      ++arrived;
    }
  }
  CHECK(arrived == taken);
  CHECK(at.count(DeviceCounter::packets_out) == taken);
  CHECK(at.accept("once more"));
  at.device->flush();
  CHECK(at.next() == "once more");
}

TEST_CASE_TEMPLATE("by either backend frames to an end that is gone are dropped and counted, each", D, FdDevice,
                   UringDevice) {
  Setting<D> at(1500);
  if (!at.device) return;
  at.far.reset();
  CHECK(at.accept("lost"));
  CHECK(at.accept("lost, too"));
  at.device->flush();
  CHECK(at.count(DeviceCounter::write_errors) == 2);
  CHECK(at.device->error() == Errc::none);
}

TEST_CASE_TEMPLATE("by either backend packets come in, and a reader without a writer is told", D, FdDevice,
                   UringDevice) {
  Setting<D> at(1500);
  if (!at.device) return;
  for (std::size_t i = 0; i < 70; ++i) REQUIRE(::write(at.far.number(), "0123456789", 1 + i % 10) > 0);
  std::vector<Packet> batch;
  CHECK(at.device->receive_batch(batch));
  CHECK(!at.device->receive_batch(batch));
  REQUIRE(batch.size() == 70);
  CHECK(as_text(std::as_const(batch[69]).bytes()) == "0123456789");
  at.far.reset();
  CHECK(!at.device->receive_batch(batch));
  CHECK(at.device->error() == Errc::io_error);
}

TEST_CASE("with io_uring a descriptor that was closed is an error of the device") {
  Setting<UringDevice> at(1500);
  if (!at.device) return;
  UringDevice closed(Fd(), 1500);
  CHECK(closed.accept({.head = as_bytes("lost"), .body = {}}));
  closed.flush();
  CHECK(closed.error() == Errc::io_error);
  CHECK(closed.counters()[DeviceCounter::write_errors] == 1);
}

TEST_CASE("with io_uring frames wait for the flush, save that a whole batch leaves when one more comes") {
  Setting<UringDevice> at(1500);
  if (!at.device) return;
  for (std::size_t i = 0; i < Device::kBatch; ++i) CHECK(at.accept("frame " + std::to_string(i)));
  CHECK(at.next().empty());
  CHECK(at.count(DeviceCounter::packets_out) == 0);
  CHECK(at.accept("one more"));
  for (std::size_t i = 0; i < Device::kBatch; ++i) CHECK(at.next() == "frame " + std::to_string(i));
  CHECK(at.next().empty());
  at.device->flush();
  CHECK(at.next() == "one more");
  CHECK(at.count(DeviceCounter::packets_out) == Device::kBatch + 1);
}

TEST_CASE("with io_uring a frame may change and die after it was taken: its head is copied, its text is kept") {
  Setting<UringDevice> at(1500);
  if (!at.device) return;
  std::string head = "head|";
  Slice text = Slice::copy_of(as_bytes("text"));
  const Buffer& block = text.buffer();
  {
    const std::vector<Slice> body(1, text);
    CHECK(at.accept({.head = as_bytes(head), .body = body}));
  }
  head = "other";
  CHECK(!block.unique());  // an acknowledgement would not free it now
  text = {};
  at.device->flush();
  CHECK(at.next() == "head|text");
}

TEST_CASE("with io_uring what a frame refers to is let go when it has left, and when its device dies before") {
  BufferPool pool;
  const auto frame = [&](UringDevice& device) {
    const std::array<Slice, 1> body = {Slice(pool.take(100), 0, 100)};
    std::ranges::fill(body[0].mutable_bytes(), std::uint8_t{1});
    CHECK(device.accept({.head = as_bytes("head"), .body = body}));
  };
  Setting<UringDevice> at(1500);
  if (!at.device) return;
  frame(*at.device);
  CHECK(pool.in_use() == 1);
  at.device->flush();
  CHECK(pool.in_use() == 0);
  frame(*at.device);
  at.device.reset();
  CHECK(pool.in_use() == 0);
}

TEST_CASE("a loop over a device with io_uring sleeps while it is full, and sends the rest when there is room") {
  Setting<UringDevice> at(1500);
  if (!at.device) return;
  Stack stack(host("10.0.0.1/24", 1));
  EventLoop loop(stack, *at.device);
  auto socket = *stack.bind_udp(*Endpoint::parse("10.0.0.1:9"), {.send_buffer = std::size_t{4} << 20});
  const std::string kilobyte(1000, 'x');
  std::uint64_t queued = 0;
  while (!at.device->full()) {
    while (socket.send_to(*Endpoint::parse("10.0.0.2:9"), as_bytes(kilobyte))) ++queued;
    REQUIRE(loop.turn());
  }
  const std::uint64_t turns = loop.turns();
  REQUIRE(loop.turn(10ms));
  CHECK(loop.turns() == turns + 1);
  for (int quiet = 0; quiet < 3; ++quiet) {
    while (!at.next().empty()) quiet = 0;
    REQUIRE(loop.turn(1ms));
  }
  CHECK(at.count(DeviceCounter::packets_out) == queued);
}

}  // namespace sluice::tun
