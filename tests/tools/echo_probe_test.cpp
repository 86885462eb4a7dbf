// Echo requests as bytes, and what is taken for their answer.
#include "tools/echo_probe.hpp"

#include <doctest/doctest.h>

#include "stack/base/checksum.hpp"
#include "stack/wire/icmpv6.hpp"
#include "stack/wire/ipv4.hpp"
#include "stack/wire/ipv6.hpp"
#include "stack/wire/pseudo_header.hpp"

namespace sluice::tools {
namespace {

const IpAddress kUs = IpAddress::v4(10, 77, 1, 2);
const IpAddress kPeer = IpAddress::v4(10, 77, 1, 1);
const IpAddress kUs6 = *IpAddress::parse("fd77::2");
const IpAddress kPeer6 = *IpAddress::parse("fd77::1");

using Message = std::vector<std::uint8_t>;

/// An ICMP message of `type` from the peer to us, with `body` behind its header.
Message from_peer(std::uint8_t type, std::uint8_t code, std::uint32_t rest, const Message& body, bool v6 = false) {
  const std::size_t ip_size = v6 ? 40 : 20;
  Message packet(ip_size + 8 + body.size());
  const MutableBytes message = MutableBytes(packet).subspan(ip_size);
  std::copy(body.begin(), body.end(), message.begin() + 8);
  wire::icmp::Header header{.type = type, .code = code, .rest = rest};
  wire::icmp::write(message, header);
  ChecksumSum sum;
  if (v6) sum = wire::pseudo_header(kPeer6, kUs6, 58, message.size());
  sum.add(message);
  header.checksum = sum.checksum();
  wire::icmp::write(message, header);
  if (v6)
    wire::ipv6::write(packet, {.source = kPeer6,
                               .destination = kUs6,
                               .next_header = 58,
                               .payload_length = static_cast<std::uint16_t>(message.size())});
  else
    wire::ipv4::write(packet, {.source = kPeer,
                               .destination = kUs,
                               .protocol = 1,
                               .total_length = static_cast<std::uint16_t>(packet.size())});
  return packet;
}

const EchoRequest kAsk{.source = kUs, .destination = kPeer, .identifier = 7, .sequence = 9, .size = 56};
const EchoRequest kAsk6{.source = kUs6, .destination = kPeer6, .identifier = 7, .sequence = 9, .size = 56};

/// A device with packets that wait, and a list of those that left.
class Shelf final : public tun::Device {
 public:
  std::vector<Message> arriving;
  std::vector<Message> left;
  bool closed = false;

  int fd() const noexcept override { return -1; }
  std::size_t mtu() const noexcept override { return 1500; }
  void begin_turn(Time) noexcept override {}
  bool receive_batch(std::vector<Packet>& into) noexcept override {
    for (const Message& one : arriving) into.push_back(Packet::copy_of(pool_, one));
    arriving.clear();
    return false;
  }
  bool accept(const Frame& frame) noexcept override {
    if (!closed) left.emplace_back(frame.head.begin(), frame.head.end());
    return !closed;
  }
  bool full() const noexcept override { return closed; }
  Errc error() const noexcept override { return Errc::none; }
  const Counters<tun::DeviceCounter>& counters() const noexcept override { return counters_; }

 private:
  BufferPool pool_;
  Counters<tun::DeviceCounter> counters_;
};

}  // namespace

TEST_CASE("a request is a whole packet with good checksums [RFC 792, RFC 4443 4.1]") {
  const Message v4 = write_echo_request(kAsk);
  REQUIRE(v4.size() == 84);
  CHECK(wire::ipv4::parse(v4));
  CHECK(internet_checksum(Bytes(v4).subspan(20)) == 0);
  CHECK(v4[20] == 8);
  const Message v6 = write_echo_request(kAsk6);
  REQUIRE(v6.size() == 104);
  ChecksumSum sum = wire::pseudo_header(kUs6, kPeer6, 58, 64);
  sum.add(Bytes(v6).subspan(40));
  CHECK(sum.checksum() == 0);
  CHECK(v6[40] == 128);
}

TEST_CASE("a reply is known by type, checksum, identifier and sequence, in both families") {
  for (const bool v6 : {false, true}) {
    const auto answer = read_echo_answer(from_peer(v6 ? 129 : 0, 0, 7u << 16 | 9, Message(56), v6));
    REQUIRE(answer);
    CHECK(answer->from == (v6 ? kPeer6 : kPeer));
    CHECK(answer->identifier == 7);
    CHECK(answer->sequence == 9);
    CHECK(answer->size == 64);
    CHECK(answer->hop_limit == 64);
    CHECK(answer->error.empty());
  }
}

TEST_CASE("an error answers the request that it quotes") {
  const auto host = read_echo_answer(from_peer(3, 1, 0, write_echo_request(kAsk)));
  REQUIRE(host);
  CHECK(host->error == "destination host unreachable");
  CHECK(host->identifier == 7);
  CHECK(host->sequence == 9);
  CHECK(read_echo_answer(from_peer(11, 0, 0, write_echo_request(kAsk)))->error == "time to live exceeded");
  CHECK(read_echo_answer(from_peer(3, 4, 0, write_echo_request(kAsk)))->error == "packet too big");
  CHECK(read_echo_answer(from_peer(1, 0, 0, write_echo_request(kAsk6), true))->error == "no route to destination");
  CHECK(read_echo_answer(from_peer(2, 0, 0, write_echo_request(kAsk6), true))->error == "packet too big");
}

TEST_CASE("everything else is nobody's answer, and no part of a packet is read that isn't there") {
  const Message good = from_peer(0, 0, 7u << 16 | 9, Message(8));
  for (std::size_t size = 0; size < good.size(); ++size) CHECK_FALSE(read_echo_answer(Bytes(good).first(size)));
  Message damaged = good;
  damaged.back() ^= 1;
  CHECK_FALSE(read_echo_answer(damaged));
  CHECK_FALSE(read_echo_answer(from_peer(8, 0, 7u << 16 | 9, Message(8))));  // a request to us
  const Message error = from_peer(3, 1, 0, write_echo_request(kAsk));
  for (std::size_t quoted = 0; quoted < 28; ++quoted) {
    const Message whole = write_echo_request(kAsk);
    const Message part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(quoted));
    CHECK_FALSE(read_echo_answer(from_peer(3, 1, 0, part)));
  }
  Message udp = write_echo_request(kAsk);
  udp[9] = 17;
  CHECK_FALSE(read_echo_answer(from_peer(3, 1, 0, udp)));
}

TEST_CASE("the probe tells what answers its identifier and lets all packets pass") {
  Shelf shelf;
  EchoProbe probe(shelf);
  std::vector<std::uint16_t> heard;
  const Message ours = from_peer(0, 0, 7u << 16 | 1, Message(8));
  const Message theirs = from_peer(0, 0, 8u << 16 | 2, Message(8));
  shelf.arriving = {ours};
  std::vector<Packet> batch;
  probe.receive_batch(batch);
  probe.listen(7, [&](const EchoAnswer& answer) { heard.push_back(answer.sequence); });
  shelf.arriving = {theirs, ours};
  probe.receive_batch(batch);
  CHECK(batch.size() == 3);
  CHECK(heard == std::vector<std::uint16_t>{1});
  CHECK(probe.send(kAsk));
  CHECK(shelf.left == std::vector<Message>{write_echo_request(kAsk)});
  shelf.closed = true;
  CHECK_FALSE(probe.send(kAsk));
}

}  // namespace sluice::tools
