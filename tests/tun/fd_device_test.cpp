// The packet system calls, against a datagram socket that stands in for a TUN.
#include "tun/fd_device.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/script_wire.hpp"
#include "tests/support/super_packet.hpp"
#include "tun/segmentation.hpp"

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
  std::array<char, 70000> room{};
  const ssize_t size = ::read(pair.far.number(), room.data(), room.size());
  return size > 0 ? std::string(room.data(), static_cast<std::size_t>(size)) : std::string();
}

constexpr Offloads kAll = {.maximum_frame = 65535, .checksum = true, .tcp_v4 = true, .tcp_v6 = true};

/// `packet` as a device with offloads writes it, from the kernel's side.
void write_far(const Pair& pair, const VirtioHeader& header, Bytes packet) {
  const VirtioBytes before = write_virtio_header(header);
  std::string bytes(as_text(before));
  bytes += as_text(packet);
  REQUIRE(::write(pair.far.number(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
}

const VirtioHeader kCut = {.flags = VirtioHeader::kNeedsChecksum,
                           .gso_type = VirtioHeader::kTcpV4,
                           .header_length = 40,
                           .gso_size = 1000,
                           .checksum_start = 20,
                           .checksum_offset = 16};

std::uint64_t count(const Device& device, DeviceCounter which) { return device.counters()[which]; }

/// A super-segment as the stack offers it: its text in slices of `step` bytes.
class Super {
 public:
  Super(std::vector<std::uint8_t> packet, std::size_t step) : packet_(std::move(packet)) {
    const TransportPlace place = *find_transport(packet_);
    transport_ = static_cast<std::uint16_t>(place.offset);
    head_ = transport_ + transport_header_size(packet_, place);
    for (std::size_t at = head_; at < packet_.size(); at += step)
      body_.push_back(Slice::copy_of(Bytes(packet_).subspan(at, std::min(step, packet_.size() - at))));
  }

  Frame frame(std::uint16_t gso_size) const {
    return {.head = Bytes(packet_).first(head_),
            .body = body_,
            .gso_size = gso_size,
            .transport_offset = transport_,
            .checksum_partial = true};
  }
  /// What of it is seen on a wire, by the scripts' own cut, which shares no code; of datagrams by Segments.
  std::vector<std::string> pieces(std::uint16_t gso_size) const {
    std::vector<std::string> all;
    Segments segments(packet_, gso_size);
    for (Bytes piece = segments.next(); !piece.empty(); piece = segments.next()) all.emplace_back(as_text(piece));
    if (!find_transport(packet_)->is_tcp()) return all;
    all.clear();
    for (const auto& piece : test::cut(frame(gso_size))) all.emplace_back(as_text(piece));
    return all;
  }

 private:
  std::vector<std::uint8_t> packet_;
  std::uint16_t transport_ = 0;
  std::size_t head_ = 0;
  std::vector<Slice> body_;
};

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

TEST_CASE("a plain device drops and counts what it can neither carry nor cut") {
  for (const std::size_t link_header : {0u, 18u}) {
    CAPTURE(link_header);
    Pair pair;
    FdDevice device(std::move(pair.near), 100, "test", link_header);
    const std::string large(101 + link_header, 'x');
    CHECK(device.accept({.head = as_bytes(large), .body = {}}));
    CHECK(device.accept({.head = as_bytes("x"), .body = {}, .gso_size = 10}));
    CHECK(device.accept({.head = as_bytes("x"), .body = {}, .checksum_partial = true}));
    CHECK(count(device, DeviceCounter::unsupported) == 3);
    CHECK(read_far(pair).empty());
    CHECK(device.offloads().software == (link_header == 0));
    CHECK((device.offloads().maximum_frame > 0) == (link_header == 0));
  }
}

TEST_CASE("a plain device cuts a super-segment into the packets of a wire, however its text lies") {
  for (const char* line : {"FPW. 1:20002(20001) ack 1 win 500", "P. 1:101(100) ack 1 win 500", "udp (5000)"})
    for (const Family family : {Family::ipv4, Family::ipv6})
      for (const std::size_t step : {1u, 7u, 500u, 1000u, 30000u}) {
        CAPTURE(line);
        CAPTURE(step);
        Pair pair;
        FdDevice device(std::move(pair.near), 1500);
        const Super super(test::super_packet(family, line), step);
        CHECK(device.accept(super.frame(1000)));
        const std::vector<std::string> expected = super.pieces(1000);
        for (const std::string& piece : expected) CHECK(read_far(pair) == piece);
        CHECK(read_far(pair).empty());
        CHECK(count(device, DeviceCounter::packets_out) == expected.size());
        CHECK(count(device, DeviceCounter::cut_out) == 1);
        CHECK(count(device, DeviceCounter::super_out) == 0);
      }
}

TEST_CASE("a plain device completes the checksum of a packet that is not to be cut") {
  Pair pair;
  FdDevice device(std::move(pair.near), 1500);
  const Super super(test::super_packet(Family::ipv6, "P. 1:101(100) ack 1 win 500"), 100);
  CHECK(device.accept(super.frame(0)));
  CHECK(read_far(pair) == as_text(test::whole_packet(Family::ipv6, "P. 1:101(100) ack 1 win 500")));
  CHECK(count(device, DeviceCounter::cut_out) == 0);
}

TEST_CASE("a device that is full within a super-segment keeps the rest of it and sends it before anything else") {
  Pair pair;
  FdDevice device(std::move(pair.near), 1500);
  std::vector<std::string> expected, got;
  const auto drain = [&] {
    for (std::string packet; !(packet = read_far(pair)).empty();) got.push_back(packet);
  };
  bool within = false;
  for (int i = 0; i < 200 && !within; ++i) {  // each of 60 packets: room ends within one of them
    auto super = std::make_unique<Super>(test::super_packet(Family::ipv4, "P. 1:60001(60000) ack 1 win 500"), 7000);
    if (!device.accept(super->frame(1000))) {  // just before one: make room for less than it needs
      got.push_back(read_far(pair));
      device.begin_turn(Time());
      continue;
    }
    within = device.full();
    for (const std::string& piece : super->pieces(1000)) expected.push_back(piece);
    super.reset();  // what the stack holds may go: the device has references
  }
  REQUIRE(within);
  CHECK(!device.accept({.head = as_bytes("next"), .body = {}}));
  CHECK(device.full());
  device.begin_turn(Time());
  CHECK(device.full());  // still
  drain();
  device.begin_turn(Time());
  CHECK(!device.full());
  CHECK(device.accept({.head = as_bytes("next"), .body = {}}));
  expected.emplace_back("next");
  drain();
  CHECK(got == expected);
  CHECK(count(device, DeviceCounter::packets_out) == expected.size());
  CHECK(count(device, DeviceCounter::write_errors) == 0);
}

TEST_CASE("what is left of a super-segment when the device dies is dropped and counted") {
  Pair pair;
  FdDevice device(std::move(pair.near), 1500);
  const Super super(test::super_packet(Family::ipv4, "P. 1:60001(60000) ack 1 win 500"), 7000);
  std::size_t taken = 0;
  while (!device.full() && device.accept(super.frame(1000))) ++taken;
  const std::uint64_t left = taken * 60 - count(device, DeviceCounter::packets_out);
  pair.far.reset();
  device.begin_turn(Time());
  CHECK(!device.full());
  CHECK(count(device, DeviceCounter::write_errors) == left);
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
  CHECK(names.back() == "drop_checksum_place");
  for (std::string_view text : names) CHECK(!text.empty());
  CHECK(name(DeviceCounter::count).empty());
}

TEST_CASE("with offloads packets of all sizes come in whole, and none pins much more memory than it fills") {
  Pair pair;
  FdDevice device(std::move(pair.near), 1500, "test", kAll);
  const std::vector<std::size_t> sizes = {40, 1500, 1984, 1985, 3000, 10000, 10177, 20000, 65535};
  std::vector<Packet> batch;
  for (const std::size_t size : sizes) {
    write_far(pair, {}, test::pattern(5, 0, size));
    CHECK(!device.receive_batch(batch));
  }
  REQUIRE(batch.size() == sizes.size());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    CAPTURE(sizes[i]);
    CHECK(std::ranges::equal(std::as_const(batch[i]).bytes(), test::pattern(5, 0, sizes[i])));
    CHECK(batch[i].footprint() == (sizes[i] <= 1984 ? 2048 : sizes[i] <= 10176 ? 10240 : 66560));
    CHECK(!batch[i].checksum_known_good);
  }
  CHECK(count(device, DeviceCounter::super_in) == 0);
}

TEST_CASE("a super-segment comes in as one packet that knows how many it stands for") {
  Pair pair;
  FdDevice device(std::move(pair.near), 1500, "test", kAll);
  write_far(pair, kCut, test::super_packet(Family::ipv4, "P. 1:30001(30000) ack 1 win 500"));
  std::vector<Packet> batch;
  CHECK(!device.receive_batch(batch));
  REQUIRE(batch.size() == 1);
  CHECK(batch[0].size() == 30040);
  CHECK(batch[0].segment_count == 30);
  CHECK(batch[0].checksum_known_good);
  CHECK(count(device, DeviceCounter::super_in) == 1);
  CHECK(count(device, DeviceCounter::packets_in) == 1);
}

TEST_CASE("nonsense before a packet is dropped and counted by name, and the next packet comes in") {
  const auto packet = test::super_packet(Family::ipv4, "P. 1:3001(3000) ack 1 win 500");
  const auto dropped = [&](DeviceCounter counter, auto change) {
    Pair pair;
    FdDevice device(std::move(pair.near), 1500, "test", kAll);
    VirtioHeader header = kCut;
    change(header);
    write_far(pair, header, packet);
    write_far(pair, {}, as_bytes("next"));
    std::vector<Packet> batch;
    CHECK(!device.receive_batch(batch));
    REQUIRE(batch.size() == 1);
    CHECK(as_text(std::as_const(batch[0]).bytes()) == "next");
    CHECK(count(device, DeviceCounter::packets_in) == 1);
    return count(device, counter) == 1;
  };
  CHECK(dropped(DeviceCounter::drop_gso_size, [](VirtioHeader& header) { header.gso_size = 0; }));
  CHECK(dropped(DeviceCounter::drop_gso_type, [](VirtioHeader& header) { header.gso_type = 9; }));
  CHECK(dropped(DeviceCounter::drop_header_length, [](VirtioHeader& header) { header.header_length = 3041; }));
  CHECK(dropped(DeviceCounter::drop_checksum_place, [](VirtioHeader& header) { header.checksum_start = 3030; }));
}

TEST_CASE("a packet that ends within its device's header is dropped and counted") {
  Pair pair;
  FdDevice device(std::move(pair.near), 1500, "test", kAll);
  REQUIRE(::write(pair.far.number(), "123456789", 9) == 9);
  std::vector<Packet> batch;
  CHECK(!device.receive_batch(batch));
  CHECK(batch.empty());
  CHECK(count(device, DeviceCounter::drop_truncated_header) == 1);
  CHECK(device.error() == Errc::none);
}

TEST_CASE("a super-segment leaves by one call with what the device must know before it; a plain frame with zeros") {
  Pair pair;
  FdDevice device(std::move(pair.near), 1500, "test", kAll);
  const auto packet = test::super_packet(Family::ipv4, "P. 1:20001(20000) ack 1 win 500");
  for (const std::size_t pieces : {1u, 80u}) {  // few are gathered, many are copied together
    CAPTURE(pieces);
    std::vector<Slice> body;
    for (std::size_t i = 0; i < pieces; ++i)
      body.push_back(Slice::copy_of(Bytes(packet).subspan(40 + i * (20000 / pieces), 20000 / pieces)));
    CHECK(device.accept({.head = Bytes(packet).first(40),
                         .body = body,
                         .gso_size = 1000,
                         .transport_offset = 20,
                         .checksum_partial = true}));
    const std::string seen = read_far(pair);
    CHECK(seen.substr(0, VirtioHeader::kSize) == as_text(write_virtio_header(kCut)));
    CHECK(seen.substr(VirtioHeader::kSize) == as_text(packet));
  }
  CHECK(device.accept({.head = as_bytes("head"), .body = {}}));
  CHECK(read_far(pair) == std::string(VirtioHeader::kSize, '\0') + "head");
  CHECK(count(device, DeviceCounter::super_out) == 2);
  CHECK(count(device, DeviceCounter::packets_out) == 3);
  CHECK(count(device, DeviceCounter::unsupported) == 0);
}

TEST_CASE("with offloads, too, what no device could carry is dropped and counted") {
  Pair pair;
  FdDevice device(std::move(pair.near), 1500, "test", kAll);
  const auto packet = test::super_packet(Family::ipv4, "P. 1:20001(20000) ack 1 win 500");
  const std::vector<Slice> body(4, Slice::copy_of(Bytes(packet).subspan(40)));
  Frame frame{.head = Bytes(packet).first(40),
              .body = std::span(body).first(1),
              .gso_size = 1461,
              .transport_offset = 20,
              .checksum_partial = true};
  CHECK(device.accept(frame));  // pieces above the MTU
  frame.gso_size = 1000;
  frame.body = body;
  CHECK(device.accept(frame));  // longer than IP can say
  frame.gso_size = 0;
  frame.body = std::span(body).first(1);
  CHECK(device.accept(frame));  // above the MTU and not to be cut
  CHECK(count(device, DeviceCounter::unsupported) == 3);
  CHECK(read_far(pair).empty());
}

TEST_CASE("a device that was granted nothing has headers and carries no super-segments") {
  Pair pair;
  FdDevice device(std::move(pair.near), 1500, "test", Offloads());
  const auto packet = test::super_packet(Family::ipv4, "P. 1:201(200) ack 1 win 500");
  CHECK(device.accept({.head = packet, .body = {}, .transport_offset = 20, .checksum_partial = true}));
  CHECK(count(device, DeviceCounter::unsupported) == 1);
  CHECK(device.accept({.head = packet, .body = {}}));
  CHECK(read_far(pair).size() == VirtioHeader::kSize + packet.size());
}

TEST_CASE("middleware that changes nothing passes every call on") {
  Pair pair;
  FdDevice device(std::move(pair.near), 1500);
  DeviceLayer layer(device);
  CHECK(layer.fd() == device.fd());
  CHECK(layer.mtu() == 1500);
  CHECK(layer.offloads().software);
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
