// Super-segments: a frame for a device with offloads, cut in software, is what the stack sends without them, byte for
// byte and at the same instant.
#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "tests/support/bare_wire.hpp"
#include "tests/support/script.hpp"
#include "tests/support/script_wire.hpp"
#include "tun/segmentation.hpp"

namespace sluice::test {
namespace {

using Octets = std::vector<std::uint8_t>;

struct Emission {
  Duration at;
  Octets bytes;
};

// Plays the same life of a connection on a stack, with frames of at most `frame` bytes, and gathers what leaves.
class Player {
 public:
  explicit Player(Script& script, std::size_t frame, const Established& how) : script_(script) {
    script_.config.tcp.maximum_frame = frame;
    // CUBIC's limit on growth by one ACK is meant to know of super-segments.
    script_.config.tcp.congestion = tcp::CongestionControl::reno;
    script_.established(how);
  }
  void write(std::size_t bytes) { (void)script_.write(bytes), gather(); }
  void in(std::string_view packet) { script_.in(packet), gather(); }
  void run(Duration time) {
    script_.run(time);
    gather();
  }
  void finish() { script_.finish(), gather(); }
  void ack_all() {
    const tcp::Info info = *script_.socket.info();
    in(text_line(".", 1, 0, " ack " + std::to_string(1 + info.bytes_acked + info.unacked)));
  }
  const std::vector<Emission>& emitted() const { return emitted_; }

 private:
  void gather() {
    for (std::size_t left = script_.waiting(); left > 0; --left) {
      (void)script_.take();
      emitted_.push_back({script_.now(), script_.last_bytes()});
    }
  }
  Script& script_;
  std::vector<Emission> emitted_;
};

// The same play twice: frames as large as they may be, and frames of one segment.
template <class Play>
void compare(const Established& how, Play play, std::size_t frame = 65535) {
  Script with, without;
  Player large(with, frame, how), small(without, 1, how);
  play(large);
  play(small);
  REQUIRE(large.emitted().size() == small.emitted().size());
  for (std::size_t i = 0; i < large.emitted().size(); ++i) {
    CAPTURE(i);
    REQUIRE(large.emitted()[i].at == small.emitted()[i].at);
    REQUIRE(large.emitted()[i].bytes == small.emitted()[i].bytes);
  }
  CHECK(large.emitted().size() > 10);
  CHECK(with.frames() < without.frames());
}

void bulk(Player& player) {
  for (int round = 0; round < 8; ++round) {
    player.write(20000);
    player.run(10ms);
    player.ack_all();
    player.run(10ms);
  }
}

TEST_CASE("bulk text leaves as the same bytes with and without super-segments") {
  compare({.rtt = 10ms}, bulk);
  compare({.mss = 536, .sack = true, .timestamps = true, .wscale = 2, .rtt = 10ms}, bulk);
  compare({.mss = 1460, .sack = true, .rtt = 10ms}, bulk, 16000);
}

TEST_CASE("odd amounts, small rests and a FIN are cut alike") {
  compare({.wscale = 4, .rtt = 10ms}, [](Player& player) {
    for (const std::size_t bytes : {1u, 999u, 1000u, 1001u, 2500u, 9999u, 3u, 7000u}) {
      player.write(bytes);
      player.run(10ms);
      player.ack_all();
    }
    player.write(5500);
    player.finish();
    player.run(10ms);
    player.ack_all();
  });
}

TEST_CASE("a window that ends within a super-segment ends it where it would end the last segment") {
  compare({.window = 4321, .rtt = 10ms}, [](Player& player) {
    player.write(40000);
    for (int round = 0; round < 12; ++round) {
      player.run(10ms);
      player.ack_all();
    }
  });
}

TEST_CASE("what is lost of a super-segment is sent again as it would be without") {
  compare({.sack = true, .wscale = 4, .rtt = 10ms}, [](Player& player) {
    player.write(10000);
    player.run(10ms);
    player.in(". 1:1(0) ack 1 <nop,nop,sack 3001:6001>");
    player.in(". 1:1(0) ack 1001 <nop,nop,sack 3001:8001>");
    player.run(20ms);
    player.ack_all();
    player.write(30000);
    player.run(1s);  // nobody answers
    player.ack_all();
    player.run(1s);
  });
}

TEST_CASE("blocks of a gap in the peer's text make each piece smaller, also in a super-segment") {
  compare({.sack = true, .rtt = 10ms}, [](Player& player) {
    player.in("P. 501:601(100) ack 1");
    player.write(9000);
    player.run(10ms);
    player.ack_all();
    player.in("P. 1:501(500) ack 9001");
    player.write(9000);
    player.run(10ms);
    player.ack_all();
  });
}

TEST_CASE_FIXTURE(Script,
                  "received super-segments are acknowledged once, and count as the segments that they are made of") {
  established();
  auto bytes = wire("P. 1:9001(9000) ack 1");
  in_bytes(bytes, "P. 1:9001(9000) as one frame");
  out(". 1:1(0) ack 9001");
  read(9000);
  quiet(1s);
}

TEST_CASE_FIXTURE(Script,
                  "of a super-segment each wire segment counts, for the counters and for acknowledgments at once") {
  established();
  const std::uint64_t before = socket.info()->segments_in;
  in_super(wire("P. 1:9001(9000) ack 1"), 1000, 9);
  out(". 1:1(0) ack 9001");
  CHECK(socket.info()->segments_in == before + 9);
  in_super(wire("P. 9001:17001(8000) ack 1"), 1000, 8);
  out(". 1:1(0) ack 17001");
  read(17000);
  // Sixteen segments were acknowledged at once: from here on the second one decides [9293 SHLD-19].
  in("P. 17001:18001(1000) ack 1");
  quiet(30ms);
  run(20ms);
  out(". 1:1(0) ack 18001");
  in_super(wire("P. 18001:20001(2000) ack 1"), 1000, 2);
  out(". 1:1(0) ack 20001");
}

TEST_CASE_FIXTURE(Script, "a checksum that the device vouches for is not looked at [9293 MUST-3]") {
  established();
  auto bytes = wire("P. 1:3001(3000) ack 1");
  bytes.back() ^= 1;
  in_bytes(bytes, "damaged");
  quiet(0s);
  in_super(bytes, 1000, 3);
  out(". 1:1(0) ack 3001");
}

TEST_CASE_FIXTURE(Script,
                  "a super-segment behind a gap is one block, and what of it came before is told as a duplicate") {
  established({.sack = true});
  in_super(wire("P. 2001:5001(3000) ack 1"), 1000, 3);
  out(". 1:1(0) ack 1 <nop,nop,sack 2001:5001>");
  in_super(wire("P. 1:4001(4000) ack 1"), 1000, 4);
  out(". 1:1(0) ack 5001 <nop,nop,sack 2001:4001>");
  read(5000);
}

TEST_CASE("what leaves in super-segments counts as its wire segments, also when it is sent again") {
  Script script;
  script.config.tcp.maximum_frame = 65535;
  script.established({.sack = true, .rtt = 10ms});
  const std::uint64_t before = script.socket.info()->segments_out;
  script.write(8000);
  for (int i = 0; i < 8; ++i) (void)script.take();
  CHECK(script.socket.info()->segments_out == before + 8);
  script.in(". 1:1(0) ack 1 <nop,nop,sack 4001:8001>");
  script.run(20ms);
  while (script.waiting() > 0) (void)script.take();
  CHECK(script.socket.info()->retransmissions == 4);
  CHECK(script.socket.info()->bytes_retransmitted == 4000);
}

TEST_CASE("while urgent text waits each segment has a frame of its own, since its pointer is its own [9293 MUST-30]") {
  Script script;
  script.config.tcp.maximum_frame = 65535;
  script.established({.rtt = 10ms});
  const std::size_t before = script.frames();
  script.write_urgent(5000);
  std::size_t segments = 0;
  for (; script.waiting() > 0; ++segments) (void)script.take();
  CHECK(segments >= 4);
  CHECK(script.frames() == before + segments);
}

TEST_CASE("cutting gives each piece its numbers, its IPv4 id, and PSH and FIN to the last") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    Script script;
    script.family = family;
    script.config.tcp.maximum_frame = 65535;
    script.established({.rtt = 10ms});
    script.write(3500);
    script.finish();
    script.out(". 1:1001(1000) ack 1");
    const Octets first = script.last_bytes();
    script.out(". 1001:2001(1000) ack 1");
    if (family == Family::ipv4) CHECK(script.last_bytes()[5] == static_cast<std::uint8_t>(first[5] + 1));
    script.out(". 2001:3001(1000) ack 1");
    script.out("FP. 3001:3501(500) ack 1");
  }
}

/// The next frame that leaves, as one run, and whether its checksum is left to the device.
struct Left {
  Octets bytes;
  bool partial = false;
};

Left next_frame(BareHost& from, Time now) {
  Left left;
  SinkOf sink([&](const Frame& frame) noexcept {
    const Slice whole = frame.copy();
    left = {{whole.bytes().begin(), whole.bytes().end()}, frame.checksum_partial};
    return true;
  });
  from.stack.poll_transmit(now, sink);
  return left;
}

/// A segment of five bytes, and the ACK of five that come back, of a stack whose device cuts frames of so many bytes.
std::array<Left, 2> text_and_ack(std::size_t frame) {
  BareHost ours(bare_config(1, frame)), theirs(bare_config(2));
  const Endpoint remote{IpAddress::v4(10, 0, 0, 2), 80};
  Time now{1h};
  auto listener = theirs.stack.listen(remote, {});
  auto socket = ours.stack.connect(remote, {});
  REQUIRE(listener);
  REQUIRE(socket);
  exchange(ours, theirs, now);
  auto accepted = listener->accept();
  REQUIRE(accepted);
  const std::array<std::uint8_t, 5> text = {'h', 'e', 'l', 'l', 'o'};
  REQUIRE(socket->write(text));
  const Left data = next_frame(ours, now);
  REQUIRE(accepted->write(text));
  transmit(theirs, ours, now);
  deliver(ours, now);
  return {data, next_frame(ours, now)};
}

}  // namespace

TEST_CASE("text for a device that cuts leaves without its sum, an ACK alone with it [9293 MUST-2]") {
  const auto [text, ack] = text_and_ack(0);
  auto [left_out, whole_ack] = text_and_ack(65535);
  CHECK_FALSE(text.partial);
  CHECK(left_out.partial);
  CHECK(left_out.bytes != text.bytes);
  tun::Segments segments(left_out.bytes, 0);
  const Bytes completed = segments.next();
  CHECK(Octets(completed.begin(), completed.end()) == text.bytes);
  CHECK_FALSE(whole_ack.partial);
  CHECK(whole_ack.bytes == ack.bytes);
  CHECK(ack.bytes.size() > 40);
}

}  // namespace sluice::test
