// Packets that a plain device merges: what is cut of them again must be what came, byte for byte.
#include "tun/merge.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "stack/base/checksum.hpp"
#include "stack/wire/pseudo_header.hpp"
#include "tests/support/super_packet.hpp"
#include "tun/fd_device.hpp"
#include "tun/segmentation.hpp"

namespace sluice::tun {
namespace {

using Octets = std::vector<std::uint8_t>;

/// A plain device, and the packets that are put into it and come out.
class Wire {
 public:
  explicit Wire(std::size_t mtu = 1500) {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends.data()) == 0);
    device_.emplace(Fd(ends[0]), mtu);
    far_ = Fd(ends[1]);
  }

  void write(const Octets& packet) {
    REQUIRE(::write(far_.number(), packet.data(), packet.size()) == static_cast<ssize_t>(packet.size()));
    sent_.push_back(packet);
  }
  /// One batch. Whether there may be more.
  bool read() { return device_->receive_batch(got); }
  std::uint64_t count(DeviceCounter which) const { return device_->counters()[which]; }

  /// Everything came out in order, and cutting gives the packets that went in.
  void check_all() {
    std::vector<Octets> seen;
    std::size_t segments = 0;
    for (const Packet& packet : got) {
      segments += packet.segment_count;
      if (!packet.checksum_known_good) {
        seen.emplace_back(packet.bytes().begin(), packet.bytes().end());
        continue;
      }
      Segments pieces(packet.bytes(), packet.gso_size);
      for (Bytes piece = pieces.next(); !piece.empty(); piece = pieces.next())
        seen.emplace_back(piece.begin(), piece.end());
    }
    CHECK(seen == sent_);
    CHECK(segments == sent_.size());
    CHECK(count(DeviceCounter::packets_in) == sent_.size());
    CHECK(count(DeviceCounter::merged_in) == sent_.size() - got.size());
  }

  std::vector<Packet> got;

 private:
  std::optional<FdDevice> device_;
  Fd far_;
  std::vector<Octets> sent_;
};

/// Makes the checksums match again, of an IPv4 header, too.
void renew(Octets& packet) {
  const TransportPlace place = *find_transport(packet);
  const bool v4 = packet[0] >> 4 == 4;
  const MutableBytes bytes(packet);
  if (v4) {
    ByteWriter(bytes.subspan(10)).u16(0);
    ByteWriter(bytes.subspan(10)).u16(internet_checksum(Bytes(packet).first(20)));
  }
  const std::size_t width = v4 ? 4 : 16, from = v4 ? 12 : 8, at = place.offset + place.checksum_offset();
  const auto address = [&](std::size_t where) { return IpAddress::from_bytes(Bytes(packet).subspan(where, width)); };
  ByteWriter(bytes.subspan(at)).u16(0);
  ChecksumSum sum =
      wire::pseudo_header(address(from), address(from + width), place.protocol, packet.size() - place.offset);
  sum.add(Bytes(packet).subspan(place.offset));
  ByteWriter(bytes.subspan(at)).u16(sum.checksum());
}

/// The packet of a line, with an IPv4 id.
Octets numbered(Family family, const std::string& line, std::uint16_t id) {
  Octets packet = test::whole_packet(family, line);
  if (family == Family::ipv6) return packet;
  ByteWriter(MutableBytes(packet).subspan(4)).u16(id);
  renew(packet);
  return packet;
}

/// Segment `number` of a stream that is cut every `unit` bytes.
Octets segment(Family family, std::size_t number, std::size_t unit = 1400, const std::string& flags = ".",
               std::size_t size = 0) {
  const std::size_t from = 1 + number * unit, text = size == 0 ? unit : size;
  const std::string line = flags + " " + std::to_string(from) + ":" + std::to_string(from + text) + "(" +
                           std::to_string(text) + ") ack 1 win 500 <nop,nop,TS val 7 ecr 8>";
  return numbered(family, line, static_cast<std::uint16_t>(65530 + number));
}

constexpr Family kFamilies[] = {Family::ipv4, Family::ipv6};

/// What differs in the second of two packets that would else be merged.
struct Difference {
  const char* what;
  std::function<void(Octets&)> change;
  bool sound = true;  // checksums match after it
};

const std::vector<Difference> kDifferences = {
    {"source port", [](Octets& packet) { packet[test::network_size(packet) + 1] ^= 1; }},
    {"sequence number", [](Octets& packet) { packet[test::network_size(packet) + 7] ^= 1; }},
    {"acknowledgment", [](Octets& packet) { packet[test::network_size(packet) + 11] ^= 1; }},
    {"accurate ECN's bit", [](Octets& packet) { packet[test::network_size(packet) + 12] ^= 1; }},
    {"FIN", [](Octets& packet) { packet[test::network_size(packet) + 13] |= 1; }},
    {"RST", [](Octets& packet) { packet[test::network_size(packet) + 13] |= 4; }},
    {"ECE", [](Octets& packet) { packet[test::network_size(packet) + 13] |= 64; }},
    {"CWR", [](Octets& packet) { packet[test::network_size(packet) + 13] |= 128; }},
    {"window", [](Octets& packet) { packet[test::network_size(packet) + 15] ^= 1; }},
    {"urgent pointer", [](Octets& packet) { packet[test::network_size(packet) + 19] ^= 1; }},
    {"timestamp", [](Octets& packet) { packet[test::network_size(packet) + 27] ^= 1; }},
    {"source", [](Octets& packet) { packet[packet[0] >> 4 == 4 ? 15 : 23] ^= 2; }},
    {"ECN field",
     [](Octets& packet) { packet[1] ^= std::uint8_t{packet[0] >> 4 == 4 ? std::uint8_t{3} : std::uint8_t{0x30}}; }},
    {"hop limit", [](Octets& packet) { packet[packet[0] >> 4 == 4 ? 8 : 7] ^= 1; }},
    {"IPv4 id or IPv6 flow label", [](Octets& packet) { packet[packet[0] >> 4 == 4 ? 5 : 3] ^= 4; }},
    {"length", [](Octets& packet) { packet.push_back(0); }, false},
    {"header size", [](Octets& packet) { packet[test::network_size(packet) + 12] = 0x70; }},
    {"text", [](Octets& packet) { packet.back() ^= 1; }, false},
    {"checksum", [](Octets& packet) { packet[test::network_size(packet) + 16] ^= 1; }, false},
};

}  // namespace

TEST_CASE("packets of a flow that wait one behind the other come in as one, and its cut is what came") {
  for (const Family family : kFamilies) {
    CAPTURE(static_cast<int>(family));
    Wire wire;
    for (std::size_t i = 0; i < 19; ++i) wire.write(segment(family, i));
    wire.write(segment(family, 19, 1400, "P.", 333));
    CHECK(!wire.read());
    REQUIRE(wire.got.size() == 1);
    CHECK(wire.got[0].gso_size == 1400);
    CHECK(wire.got[0].segment_count == 20);
    CHECK(wire.got[0].checksum_known_good);
    CHECK(wire.count(DeviceCounter::merged_in) == 19);
    CHECK(wire.count(DeviceCounter::super_in) == 0);
    wire.check_all();
  }
}

TEST_CASE("a packet that differs from the one before in more than its place in the stream is not merged") {
  for (const Family family : kFamilies)
    for (const Difference& difference : kDifferences) {
      CAPTURE(difference.what);
      Wire wire;
      wire.write(segment(family, 0));
      Octets other = segment(family, 1);
      difference.change(other);
      if (difference.sound) renew(other);
      wire.write(other);
      wire.write(segment(family, 5));
      CHECK(!wire.read());
      REQUIRE(wire.got.size() == 3);
      CHECK((difference.sound || !wire.got[1].checksum_known_good));
      wire.check_all();
    }
}

TEST_CASE("an IPv4 header with a wrong checksum, options or a fragment's offset is not merged") {
  const std::vector<std::function<void(Octets&)>> changes = {
      [](Octets& packet) { packet[10] ^= 1; }, [](Octets& packet) { packet[0] = 0x46; },
      [](Octets& packet) { packet[7] = 1; }, [](Octets& packet) { packet[6] |= 0x20; }};
  for (const auto& change : changes)
    for (const bool first : {true, false}) {
      Wire wire;
      std::array<Octets, 2> both = {segment(Family::ipv4, 0), segment(Family::ipv4, 1)};
      change(both[first ? 0 : 1]);
      for (const Octets& packet : both) wire.write(packet);
      CHECK(!wire.read());
      CHECK(wire.got.size() == 2);
      wire.check_all();
    }
}

TEST_CASE("PSH, a shorter text and the size of an IP packet end what is merged, and the next begins anew") {
  const Family family = Family::ipv6;
  Wire wire;
  for (const std::size_t i : {0u, 1u}) wire.write(segment(family, i));
  wire.write(segment(family, 2, 1400, "P."));
  for (const std::size_t i : {3u, 4u}) wire.write(segment(family, i));
  wire.write(segment(family, 5, 1400, ".", 1399));
  CHECK(!wire.read());
  REQUIRE(wire.got.size() == 2);
  CHECK(wire.got[0].segment_count == 3);
  CHECK(wire.got[1].segment_count == 3);
  for (std::size_t i = 10; i < 70; ++i) wire.write(segment(family, i));
  CHECK(!wire.read());
  REQUIRE(wire.got.size() == 4);
  CHECK(wire.got[2].segment_count == 46);  // 64,472 bytes
  CHECK(wire.got[3].segment_count == 14);
  wire.check_all();
}

TEST_CASE("a batch is 64 packets of the wire, merged or not, and ends what is merged") {
  Wire wire;
  for (std::size_t i = 0; i < 100; ++i) wire.write(segment(Family::ipv4, i, 600));
  CHECK(wire.read());
  REQUIRE(wire.got.size() == 1);
  CHECK(wire.got[0].segment_count == Device::kBatch);
  CHECK(!wire.read());
  CHECK(wire.got.size() == 2);
  wire.check_all();
}

TEST_CASE("flows that take turns keep their order, and nothing is merged") {
  Wire wire;
  for (std::size_t i = 0; i < 20; ++i)
    for (const Family family : kFamilies) wire.write(segment(family, i));
  CHECK(!wire.read());
  CHECK(wire.got.size() == 40);
  wire.check_all();
}

TEST_CASE("no packet pins much more memory than it fills, merged or not") {
  Wire wire;
  wire.write(segment(Family::ipv4, 0));
  wire.write(numbered(Family::ipv4, ". 1:1(0) ack 1 win 500", 1));
  for (std::size_t i = 0; i < 7; ++i) wire.write(segment(Family::ipv4, i));
  CHECK(!wire.read());
  for (std::size_t i = 0; i < 8; ++i) wire.write(segment(Family::ipv4, i));
  CHECK(!wire.read());
  REQUIRE(wire.got.size() == 4);
  CHECK(wire.got[0].footprint() == 2048);
  CHECK(wire.got[1].footprint() == 2048);
  CHECK(wire.got[2].footprint() == 10240);
  CHECK(wire.got[3].footprint() == 66560);
  wire.check_all();
}

TEST_CASE("what is too short to be TCP, or no IP, passes between packets that would be merged") {
  for (const Octets& odd : {Octets{0x45}, Octets(40, 0x45), Octets(41, 0x60), Octets(1500, 0x45), Octets(1500, 0xff)}) {
    CAPTURE(odd.size());
    Wire wire;
    wire.write(odd);
    wire.write(segment(Family::ipv4, 0));
    wire.write(odd);
    wire.write(segment(Family::ipv4, 1));
    CHECK(!wire.read());
    CHECK(wire.got.size() == 4);
    wire.check_all();
  }
}

TEST_CASE("streams of packets with changes at random come out as they went in, whatever is merged") {
  std::mt19937 random(7);
  std::size_t merged = 0;
  for (int round = 0; round < 200; ++round) {
    CAPTURE(round);
    Wire wire(round % 2 == 0 ? 1500 : 9000);
    std::size_t number = 0;
    for (int i = 0; i < 50; ++i) {
      const Family family = kFamilies[random() % 20 == 0 ? 1 : 0];
      const bool push = random() % 10 == 0;
      Octets packet = segment(family, number, 1400, push ? "P." : ".", random() % 10 == 0 ? 100 + random() % 1301 : 0);
      ++number;
      if (random() % 10 == 0) number -= random() % 2;
      if (random() % 15 == 0) packet[random() % packet.size()] ^= static_cast<std::uint8_t>(1u << random() % 8);
      if (random() % 40 == 0) packet.resize(random() % packet.size() + 1);
      wire.write(packet);
    }
    CHECK(!wire.read());
    wire.check_all();
    merged += wire.count(DeviceCounter::merged_in);
  }
  CHECK(merged > 3000);
}

}  // namespace sluice::tun
