// IGMP and MLD messages, changes of mind and time, in any order: what is sent stays whole, small and bounded.
// Input: the family; then records of {what; its bytes}: a message, a change of a group, or a while of time.
#include "stack/host/membership.hpp"
#include "stack/wire/igmp.hpp"
#include "stack/wire/mld.hpp"
#include "stack/wire/router_alert.hpp"
#include "tests/fuzz/ip_input.hpp"

namespace {

using namespace sluice;
using namespace sluice::fuzz;

constexpr std::size_t kMtu = 1280;

/// Reads each packet that leaves.
class Router final : public FrameSink {
 public:
  bool accept(const Frame& frame) noexcept override {
    const Bytes packet = frame.head;
    require(packet.size() <= kMtu);
    require(wire::has_router_alert(packet));
    const bool v4 = packet[0] >> 4 == 4;
    const auto message = v4 ? wire::igmp::parse(packet.subspan(24)) : wire::mld::parse(packet.subspan(48));
    require(static_cast<bool>(message));
    ++frames;
    return frames % 7 != 0;
  }
  std::size_t frames = 0;
};

class Member {
 public:
  explicit Member(Family family) : v4_(family == Family::ipv4), machine_(family, {.mtu = kMtu}, Key{}) {}

  void step(Input& input) {
    const std::uint8_t what = input.u8();
    if (what < 0x80)
      receive(input.take(input.u16()), what);
    else if (what < 0xc0)
      machine_.change(address(input, true), filter(input), now_);
    else
      now_ += std::chrono::milliseconds(1 + (what & 0x3f) * 1000);
    const Time next = machine_.next_timeout();
    const std::size_t before = router_.frames;
    machine_.poll_transmit(v4_ ? kOur4 : IpAddress::any(Family::ipv6), now_, router_);
    require(next <= now_ || router_.frames == before);
    require(machine_.next_timeout() > now_);
  }

 private:
  IpAddress address(Input& input, bool group) {
    const std::uint8_t last = input.u8();
    if (v4_) return group ? IpAddress::v4(239, 0, 0, last) : IpAddress::v4(10, 0, 0, last);
    std::array<std::uint8_t, 16> bytes{static_cast<std::uint8_t>(group ? 0xff : 0xfd), 5};
    bytes[15] = last;
    return IpAddress::v6(bytes);
  }
  ip::SourceFilter filter(Input& input) {
    const std::uint8_t shape = input.u8();
    ip::SourceFilter made{shape & 0x80 ? ip::FilterMode::exclude : ip::FilterMode::include, {}};
    for (int i = 0; i < (shape & 0x7f); ++i) made.sources.push_back(address(input, false));
    made.sources = ip::sorted(std::move(made.sources));
    return made;
  }
  void receive(Octets message, std::uint8_t how) {
    if (v4_ && message.size() >= 4 && how & 1) {
      put16(message, 2, 0);
      put16(message, 2, internet_checksum(message));
    }
    Octets packet(v4_ ? 24 : 48);
    packet[0] = v4_ ? 0x46 : 0x60;
    const MutableBytes alert = MutableBytes(packet).subspan(v4_ ? 20 : 40);
    if (v4_)
      ByteWriter(alert).bytes(wire::kRouterAlertOption);
    else
      wire::write_router_alert(alert, 58);
    const auto head = static_cast<std::uint32_t>(packet.size());
    packet.insert(packet.end(), message.begin(), message.end());
    machine_.receive({.source = v4_ ? kPeer4 : IpAddress::v6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}),
                      .destination = v4_ ? IpAddress::v4(224, 0, 0, 1) : kOur6,
                      .protocol = v4_ ? ip::Protocol::igmp : ip::Protocol::icmpv6,
                      .hop_limit = 1,
                      .header_size = head,
                      .packet = Packet::copy_of(pool_, packet)},
                     now_);
  }

  bool v4_;
  BufferPool pool_;
  host::Membership machine_;
  Router router_;
  Time now_ = Time{} + std::chrono::hours(1);
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  Member member(input.u8() & 1 ? Family::ipv4 : Family::ipv6);
  while (!input.empty()) member.step(input);
  return 0;
}
