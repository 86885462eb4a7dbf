// What a device with offloads joins, and what it leaves alone.
#include <doctest/doctest.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "lab/merge.hpp"
#include "tests/support/super_packet.hpp"
#include "tun/segmentation.hpp"

namespace sluice::test {
namespace {

std::vector<Packet> batch_of(const std::vector<std::vector<std::uint8_t>>& packets) {
  static BufferPool pool;
  std::vector<Packet> batch;
  batch.reserve(packets.size());
  for (const auto& bytes : packets) batch.push_back(Packet::copy_of(pool, bytes));
  return batch;
}

/// How many packets become of these lines.
std::size_t left_of(const std::vector<std::string>& lines, Family family = Family::ipv4) {
  std::vector<std::vector<std::uint8_t>> packets;
  packets.reserve(lines.size());
  for (const std::string& line : lines) packets.push_back(whole_packet(family, line));
  return lab::merged(batch_of(packets)).size();
}

TEST_CASE("the packets that a super-segment is cut into are merged into the same one again") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    for (const char* const line : {"P. 1:9001(9000) ack 1", "P. 1:8501(8500) ack 1 <nop,nop,TS val 7 ecr 8>",
                                   "FP. 1:2002(2001) ack 77 win 300"}) {
      const std::vector<std::uint8_t> super = super_packet(family, line);
      std::vector<std::vector<std::uint8_t>> pieces;
      tun::Segments segments(super, 1000);
      for (Bytes piece = segments.next(); !piece.empty(); piece = segments.next())
        pieces.emplace_back(piece.begin(), piece.end());
      REQUIRE(pieces.size() > 2);
      const std::vector<Packet> joined = lab::merged(batch_of(pieces));
      REQUIRE(joined.size() == 1);
      const Bytes bytes = joined[0].bytes();
      CHECK(std::vector<std::uint8_t>(bytes.begin(), bytes.end()) == super);
      CHECK(joined[0].gso_size == 1000);
      CHECK(joined[0].segment_count == pieces.size());
      CHECK(joined[0].checksum_known_good);
    }
  }
}

TEST_CASE("a shorter segment, PSH and FIN end what is merged") {
  CHECK(left_of({". 1:101(100) ack 1", ". 101:201(100) ack 1"}) == 1);
  CHECK(left_of({". 1:101(100) ack 1", ". 101:151(50) ack 1", ". 151:201(50) ack 1"}) == 2);
  CHECK(left_of({". 1:101(100) ack 1", "P. 101:201(100) ack 1", ". 201:301(100) ack 1"}) == 2);
  CHECK(left_of({". 1:101(100) ack 1", "F. 101:201(100) ack 1"}) == 1);
  CHECK(left_of({"P. 1:101(100) ack 1", ". 101:201(100) ack 1"}) == 2);
}

TEST_CASE("only what is one flow in order and says the same is merged") {
  const std::string first = ". 1:101(100) ack 1 win 500";
  const std::string stamped = ". 1:101(100) ack 1 <nop,nop,TS val 1 ecr 2>";
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    CHECK(left_of({first, ". 101:201(100) ack 1 win 500"}, family) == 1);
    CHECK(left_of({first, ". 101:201(100) ack 1 win 400"}, family) == 1);  // as Linux does
    CHECK(left_of({first, ". 102:202(100) ack 1 win 500"}, family) == 2);
    CHECK(left_of({first, ". 1:101(100) ack 1 win 500"}, family) == 2);
    CHECK(left_of({first, ". 101:201(100) ack 2 win 500"}, family) == 2);
    CHECK(left_of({first, ". 101:202(101) ack 1 win 500"}, family) == 2);
    CHECK(left_of({first, ". 101:101(0) ack 1 win 500"}, family) == 2);
    CHECK(left_of({first, "E. 101:201(100) ack 1 win 500"}, family) == 2);
    CHECK(left_of({first, "W. 101:201(100) ack 1 win 500"}, family) == 2);
    CHECK(left_of({first, "R. 101:201(100) ack 1 win 500"}, family) == 2);
    CHECK(left_of({"S 0:100(100) win 500", ". 101:201(100) ack 1 win 500"}, family) == 2);
    CHECK(left_of({first, "[ce] . 101:201(100) ack 1 win 500"}, family) == 2);
    CHECK(left_of({first, "(ttl 63) . 101:201(100) ack 1 win 500"}, family) == 2);
    CHECK(left_of({stamped, ". 101:201(100) ack 1 <nop,nop,TS val 1 ecr 2>"}, family) == 1);
    CHECK(left_of({stamped, ". 101:201(100) ack 1 <nop,nop,TS val 2 ecr 2>"}, family) == 2);
    CHECK(left_of({stamped, ". 101:201(100) ack 1"}, family) == 2);
  }
}

TEST_CASE("no more is merged than an IP packet holds") {
  std::vector<std::string> lines;
  for (std::uint32_t i = 0; i < 50; ++i)
    lines.push_back(". " + std::to_string(1 + 1400 * i) + ":" + std::to_string(1401 + 1400 * i) + "(1400) ack 1");
  CHECK(left_of(lines) == 2);
}

TEST_CASE("a wrong checksum is neither merged nor vouched for; UDP is vouched for, and never merged") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    std::vector<std::vector<std::uint8_t>> packets = {whole_packet(family, ". 1:101(100) ack 1"),
                                                      whole_packet(family, ". 101:201(100) ack 1"),
                                                      whole_packet(family, ". 201:301(100) ack 1")};
    packets[1].back() ^= 1;
    const std::vector<Packet> three = lab::merged(batch_of(packets));
    REQUIRE(three.size() == 3);
    CHECK(three[0].checksum_known_good);
    CHECK_FALSE(three[1].checksum_known_good);
    CHECK(three[2].checksum_known_good);

    const std::vector<std::uint8_t> datagram = whole_packet(family, "udp (100)");
    const std::vector<Packet> two = lab::merged(batch_of({datagram, datagram}));
    REQUIRE(two.size() == 2);
    CHECK(two[1].checksum_known_good);
    CHECK(two[1].gso_size == 0);
  }
}

TEST_CASE("what is no IP packet, or no whole one, stays as it is") {
  const std::vector<std::uint8_t> whole = whole_packet(Family::ipv4, ". 1:101(100) ack 1");
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const std::vector<std::uint8_t> part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const std::vector<Packet> left = lab::merged(batch_of({part, part}));
    CHECK(left.size() == 2);
    CHECK(left[0].checksum_known_good == (size == whole.size()));
  }
}

}  // namespace
}  // namespace sluice::test
