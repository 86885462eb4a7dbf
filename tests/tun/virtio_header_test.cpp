// What the kernel and we say of a packet, and what of that is nonsense.
#include "tun/virtio_header.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "tests/support/super_packet.hpp"

namespace sluice::tun {
namespace {

using Octets = std::vector<std::uint8_t>;
using test::super_packet;
using test::whole_packet;

constexpr Family kFamilies[] = {Family::ipv4, Family::ipv6};

/// What a device rightly says of a super-segment of TCP.
VirtioHeader cut_of(const Octets& packet, std::uint16_t gso_size) {
  const bool v4 = packet[0] >> 4 == 4;
  return {.flags = VirtioHeader::kNeedsChecksum,
          .gso_type = v4 ? VirtioHeader::kTcpV4 : VirtioHeader::kTcpV6,
          .header_length = static_cast<std::uint16_t>(v4 ? 40 : 60),
          .gso_size = gso_size,
          .checksum_start = static_cast<std::uint16_t>(v4 ? 20 : 40),
          .checksum_offset = 16};
}

struct Judged {
  VirtioFault fault;
  Packet packet;
};

Judged judge(const VirtioHeader& header, const Octets& bytes) {
  static BufferPool pool;
  Judged judged{VirtioFault::none, Packet::copy_of(pool, bytes)};
  judged.fault = apply(header, judged.packet);
  return judged;
}

Frame frame_of(const Octets& packet, std::size_t head, std::span<const Slice> body, std::uint16_t gso_size) {
  return {.head = Bytes(packet).first(head),
          .body = body,
          .gso_size = gso_size,
          .transport_offset = static_cast<std::uint16_t>(test::network_size(packet)),
          .checksum_partial = true};
}

}  // namespace

TEST_CASE("the header is ten bytes, little-endian, and reads as it was written") {
  const VirtioHeader header{.flags = 1,
                            .gso_type = 0x81,
                            .header_length = 0x0102,
                            .gso_size = 0x0304,
                            .checksum_start = 0x0506,
                            .checksum_offset = 0x0708};
  const VirtioBytes bytes = write_virtio_header(header);
  CHECK(bytes == VirtioBytes{1, 0x81, 2, 1, 4, 3, 6, 5, 8, 7});
  CHECK(read_virtio_header(bytes) == header);
  CHECK(write_virtio_header({}) == VirtioBytes{});
}

TEST_CASE("a super-segment that came in is vouched for, and counts as the segments that it is cut into") {
  for (const Family family : kFamilies) {
    const Octets bytes = super_packet(family, "P. 1:9001(9000) ack 1 win 500");
    const Judged judged = judge(cut_of(bytes, 1400), bytes);
    CHECK(judged.fault == VirtioFault::none);
    CHECK(judged.packet.checksum_known_good);
    CHECK(judged.packet.gso_size == 1400);
    CHECK(judged.packet.segment_count == 7);
    CHECK(std::ranges::equal(judged.packet.bytes(), bytes));
  }
}

TEST_CASE("the ECN bit beside the kind, and the header's length as far as the packet's end, are no matter") {
  const Octets bytes = super_packet(Family::ipv4, "W. 1:3001(3000) ack 1 win 500");
  VirtioHeader header = cut_of(bytes, 1000);
  header.gso_type |= VirtioHeader::kEcn;
  header.header_length = static_cast<std::uint16_t>(bytes.size());
  CHECK(judge(header, bytes).packet.segment_count == 3);
}

TEST_CASE("a row of datagrams counts its datagrams") {
  const Octets bytes = super_packet(Family::ipv6, "udp (3001)");
  const Judged judged = judge({.flags = VirtioHeader::kNeedsChecksum,
                               .gso_type = VirtioHeader::kUdp,
                               .header_length = 48,
                               .gso_size = 1000,
                               .checksum_start = 40,
                               .checksum_offset = 6},
                              bytes);
  CHECK(judged.fault == VirtioFault::none);
  CHECK(judged.packet.gso_size == 1000);
  CHECK(judged.packet.segment_count == 4);
}

TEST_CASE("what fits into one segment is no super-segment") {
  const Octets bytes = super_packet(Family::ipv4, "P. 1:1001(1000) ack 1 win 500");
  const Judged judged = judge(cut_of(bytes, 1000), bytes);
  CHECK(judged.fault == VirtioFault::none);
  CHECK(judged.packet.checksum_known_good);
  CHECK(judged.packet.gso_size == 0);
  CHECK(judged.packet.segment_count == 1);
}

TEST_CASE("a checksum is known to be good when it was looked at or is yet to be written, else not") {
  const Octets partial = super_packet(Family::ipv4, "P. 1:101(100) ack 1 win 500");
  VirtioHeader header = cut_of(partial, 0);
  header.gso_type = VirtioHeader::kWhole;
  CHECK(judge(header, partial).packet.checksum_known_good);
  const Octets whole = whole_packet(Family::ipv4, "P. 1:101(100) ack 1 win 500");
  CHECK(judge({.flags = VirtioHeader::kDataValid}, whole).packet.checksum_known_good);
  CHECK(!judge({}, whole).packet.checksum_known_good);
}

TEST_CASE("a checksum that is missing somewhere else in the packet is written there") {
  const Octets tunnel = whole_packet(Family::ipv4, "udp (100)");
  const Judged judged =
      judge({.flags = VirtioHeader::kNeedsChecksum, .checksum_start = 60, .checksum_offset = 16}, tunnel);
  CHECK(judged.fault == VirtioFault::none);
  CHECK(!judged.packet.checksum_known_good);
  const Bytes completed = std::as_const(judged.packet).bytes();
  CHECK(ByteReader(completed.subspan(76)).u16() == internet_checksum(Bytes(tunnel).subspan(60)));
  CHECK(std::ranges::equal(completed.first(76), Bytes(tunnel).first(76)));
}

TEST_CASE("nonsense has a name and changes nothing") {
  const Octets bytes = super_packet(Family::ipv4, "P. 1:9001(9000) ack 1 win 500");
  const auto fault_of = [&](auto change) {
    VirtioHeader header = cut_of(bytes, 1400);
    change(header);
    const Judged judged = judge(header, bytes);
    CHECK(!judged.packet.checksum_known_good);
    CHECK(judged.packet.gso_size == 0);
    CHECK(std::ranges::equal(judged.packet.bytes(), bytes));
    return judged.fault;
  };
  using Header = VirtioHeader;
  CHECK(fault_of([](Header& header) { header.gso_size = 0; }) == VirtioFault::gso_size);
  CHECK(fault_of([](Header& header) { header.gso_type = 3; }) == VirtioFault::gso_type);  // UFO: nobody asked
  CHECK(fault_of([](Header& header) { header.gso_type = 0x42; }) == VirtioFault::gso_type);
  CHECK(fault_of([](Header& header) { header.gso_type = Header::kTcpV6; }) == VirtioFault::gso_type);
  CHECK(fault_of([](Header& header) { header.gso_type = Header::kUdp; }) == VirtioFault::gso_type);
  CHECK(fault_of([](Header& header) { header.header_length = 9041; }) == VirtioFault::header_length);
  CHECK(fault_of([](Header& header) { header.flags = 0; }) == VirtioFault::checksum_place);
  CHECK(fault_of([](Header& header) { header.checksum_start = 24; }) == VirtioFault::checksum_place);
  CHECK(fault_of([](Header& header) { header.checksum_offset = 6; }) == VirtioFault::checksum_place);
  CHECK(fault_of([](Header& header) { header.checksum_start = 9023; }) == VirtioFault::checksum_place);
  CHECK(fault_of([](Header& header) { header.checksum_offset = 65535; }) == VirtioFault::checksum_place);
}

TEST_CASE("a super-segment whose own header is too long has a fault, and an empty packet none to find") {
  Octets bytes = super_packet(Family::ipv4, "P. 1:21(20) ack 1 win 500");
  bytes[20 + 12] = 0xf0;
  CHECK(judge(cut_of(bytes, 10), bytes).fault == VirtioFault::header_length);
  bytes[20 + 12] = 0x40;
  CHECK(judge(cut_of(bytes, 10), bytes).fault == VirtioFault::header_length);
  CHECK(judge({}, {}).fault == VirtioFault::none);
  CHECK(judge({.flags = VirtioHeader::kNeedsChecksum}, {}).fault == VirtioFault::checksum_place);
}

TEST_CASE("of a frame that leaves the device is told where the checksum goes and how it is to be cut") {
  for (const Family family : kFamilies) {
    const Octets packet = super_packet(family, "P. 1:9001(9000) ack 1 win 500");
    const std::size_t head = test::network_size(packet) + 20;
    const Slice text = Slice::copy_of(Bytes(packet).subspan(head));
    CHECK(describe(frame_of(packet, head, {&text, 1}, 1400)) == cut_of(packet, 1400));
    VirtioHeader alone = cut_of(packet, 0);
    alone.gso_type = VirtioHeader::kWhole;
    alone.header_length = 0;
    CHECK(describe(frame_of(packet, head, {&text, 1}, 0)) == alone);
  }
}

TEST_CASE("CWR in a frame that is cut is the first segment's, which the device hears of [R3168-6.1.2-4]") {
  const Octets packet = super_packet(Family::ipv4, "PW. 1:9001(9000) ack 1 win 500");
  const auto header = describe(frame_of(packet, 40, {}, 1400));
  REQUIRE(header);
  CHECK(header->gso_type == (VirtioHeader::kTcpV4 | VirtioHeader::kEcn));
}

TEST_CASE("of a plain frame nothing is told, and of one that contradicts itself nothing can be") {
  const Octets packet = super_packet(Family::ipv4, "P. 1:9001(9000) ack 1 win 500");
  CHECK(describe({.head = as_bytes("anything"), .body = {}}) == VirtioHeader{});
  Frame frame = frame_of(packet, 40, {}, 1400);
  frame.checksum_partial = false;
  CHECK(!describe(frame));
  frame = frame_of(packet, 40, {}, 1400);
  frame.transport_offset = 24;
  CHECK(!describe(frame));
  CHECK(!describe(frame_of(packet, 36, {}, 1400)));
  CHECK(!describe({.head = {}, .body = {}, .gso_size = 5, .checksum_partial = true}));
}

}  // namespace sluice::tun
