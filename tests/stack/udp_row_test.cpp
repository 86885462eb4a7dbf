// Rows of datagrams on their way to a device that cuts them: the same packets as without one, in fewer frames.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/script_wire.hpp"
#include "tests/udp/station.hpp"
#include "tun/segmentation.hpp"

namespace sluice::udp {
namespace {

/// A device with offloads: cuts frames as it must, and remembers how large they were.
class Cutter final : public FrameSink {
 public:
  bool accept(const Frame& frame) noexcept override {
    if (sizes.size() >= room) return false;
    sizes.push_back(frame.size());
    const Slice whole = frame.copy();
    if (!frame.checksum_partial) {
      packets.push_back(octets(whole.bytes()));
      return true;
    }
    most = std::max(most, segments_of(frame.size() - frame.head.size(), frame.gso_size));
    tun::Segments segments(whole.bytes(), frame.gso_size);
    for (Bytes piece = segments.next(); !piece.empty(); piece = segments.next()) packets.push_back(octets(piece));
    return true;
  }

  std::vector<Octets> packets;
  std::vector<std::size_t> sizes;  ///< bytes of each frame
  std::size_t most = 0;            ///< datagrams in one frame
  std::size_t room = ~std::size_t{0};
};

struct Row {
  std::size_t size;
  std::uint16_t unit;
};

Outgoing row_to(const char* to, const Row& row) {
  return {.to = endpoint(to), .gso_size = row.unit, .data = Slice::copy_of(pattern(row.size))};
}

const Options kRoomy{.send_buffer = std::size_t{1} << 20};

/// What leaves when each is sent by one call.
Cutter leave(const std::vector<Outgoing>& rows, std::size_t frame) {
  Station station(ip::test_config(), 64u << 20, frame);
  Socket socket = station.bind("[::]:4000", kRoomy);
  for (Outgoing row : rows) {
    if (row.to->address.is_v4()) row.to->address = row.to->address.mapped();
    REQUIRE(socket.send({&row, 1}).value_or(0) == 1);
  }
  Cutter device;
  station.udp.poll_transmit(station.host.now, device);
  CHECK(station.count(Counter::datagrams_out) == device.packets.size());
  CHECK(station.host.budget.used() == 0);
  return device;
}

}  // namespace

TEST_CASE("a row is the same on the wire, whoever cuts it, and libtins finds nothing wrong") {
  const std::vector<Row> rows = {{2400, 1200},        {5000, 1200}, {1201, 1200},
                                 {60'000, 1472 - 20}, {7000, 100},  {200'000, 1000}};
  for (const char* to : {"10.0.0.2:7", "[fd00::2]:7"})
    for (const Row& row : rows) {
      CAPTURE(row.size);
      const Cutter cut = leave({row_to(to, row)}, 65535);
      const Cutter alone = leave({row_to(to, row)}, 0);
      CHECK(cut.packets == alone.packets);
      CHECK(alone.packets.size() == alone.sizes.size());
      for (const Octets& packet : cut.packets) CHECK(test::disagreement(packet) == "");
      CHECK(cut.most <= 64);
      CHECK(*std::max_element(cut.sizes.begin(), cut.sizes.end()) <= 65535);
      CHECK(cut.sizes.size() <= 1 + std::max(row.size / 60'000, row.size / row.unit / 64));
    }
}

TEST_CASE("what is one datagram leaves as one, with its checksum") {
  for (const Row& row : {Row{1200, 1200}, Row{100, 1200}, Row{1200, 0}, Row{0, 1200}}) {
    const Cutter device = leave({row_to("10.0.0.2:7", row)}, 65535);
    REQUIRE(device.packets.size() == 1);
    CHECK(device.most == 0);
    CHECK(test::disagreement(device.packets[0]) == "");
  }
}

TEST_CASE("what may be fragmented on its way, or goes to a group, is cut here") {
  Outgoing fragmentable = row_to("10.0.0.2:7", {5000, 1200});
  fragmentable.dont_fragment = false;
  for (const Outgoing& row : {fragmentable, row_to("224.0.0.251:7", {5000, 1200})}) {
    const Cutter device = leave({row}, 65535);
    CHECK(device.packets.size() == 5);
    CHECK(device.most == 0);
  }
}

TEST_CASE("a frame is no larger than the device takes, and a device for two datagrams is the least") {
  CHECK(leave({row_to("10.0.0.2:7", {10'000, 1000})}, 5000).sizes == std::vector<std::size_t>{4028, 4028, 2028});
  CHECK(leave({row_to("10.0.0.2:7", {10'000, 1000})}, 2027).most == 0);
  CHECK(leave({row_to("10.0.0.2:7", {10'000, 1000})}, 2028).most == 2);
}

TEST_CASE("a full device changes nothing, and the rest of a row follows") {
  Station station(ip::test_config(), 64u << 20, 65535);
  Socket socket = station.bind("0.0.0.0:4000", kRoomy);
  const Outgoing row = row_to("10.0.0.2:7", {150'000, 1000});
  REQUIRE(socket.send({&row, 1}).value_or(0) == 1);
  Cutter device;
  Octets text;
  for (device.room = 0; device.room <= 3; ++device.room) {
    station.udp.poll_transmit(station.host.now, device);
    CHECK(device.sizes.size() == device.room);
  }
  for (const Octets& packet : device.packets) text = text + octets(Bytes(packet).subspan(28));
  CHECK(text == pattern(150'000));
  CHECK_FALSE(station.udp.wants_transmit());
}

}  // namespace sluice::udp
