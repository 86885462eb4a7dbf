// A host of a LAN that configures itself, among neighbours who say anything: it stays bounded, and says only what a
// host may. Input: records of {what; its bytes}: a frame, or a message that is put into a right one; or a while of
// time.
#include "stack/stack.hpp"
#include "stack/wire/dhcp.hpp"
#include "stack/wire/udp.hpp"
#include "tests/fuzz/ip_input.hpp"

namespace {

using namespace sluice;
using namespace sluice::fuzz;
namespace ethernet = wire::ethernet;

constexpr MacAddress kOurs({0x02, 0, 0, 0, 0, 1});
constexpr MacAddress kTheirs({0x02, 0, 0, 0, 0, 2});

Config config() {
  Config made;
  made.ip.mtu = 1500;
  made.link = ip::LinkSettings{.mac = kOurs, .timing = {}};
  made.host.emplace();
  made.host->dhcp = true;
  made.host->temporary_addresses = true;
  made.host->addresses = {{kOur4, 24}, {kOur6, 64}};
  return made;
}

/// Reads each frame that leaves.
class Wire final : public FrameSink {
 public:
  bool accept(const Frame& frame) noexcept override {
    const auto header = ethernet::parse(frame.head);
    require(static_cast<bool>(header));
    require(header->source == kOurs);
    require(frame.size() <= 1500 + ethernet::kHeaderSize);
    const Bytes packet = frame.head.subspan(header->header_size);
    if (header->type == ethernet::kArp) require(static_cast<bool>(wire::arp::parse(packet)));
    const bool discovery = header->type == ethernet::kIpv6 && packet.size() > 40 && packet[6] == 58;
    if (discovery) require(packet[40] != 134 && packet[40] != 137);  // hosts neither advertise nor redirect
    return true;
  }
};

class Host {
 public:
  Host() : stack_(config()) { turn(); }

  void step(Input& input) {
    const std::uint8_t what = input.u8();
    if (what >= 0xc0) {
      now_ += std::chrono::milliseconds(10) * (1 << (what & 15));
    } else {
      Packet frame = Packet::copy_of(pool_, frame_of(what, input.take(input.u16())));
      stack_.receive({&frame, 1}, now_);
    }
    turn();
  }

 private:
  static Octets framed(std::uint16_t type, const Octets& payload, bool to_all) {
    Octets frame(ethernet::kHeaderSize);
    ethernet::write(frame, {.destination = to_all ? MacAddress::broadcast() : kOurs, .source = kTheirs, .type = type});
    frame.insert(frame.end(), payload.begin(), payload.end());
    return frame;
  }

  /// A discovery message from a neighbour, with its checksum.
  static Octets discovery(Octets message, std::uint8_t what) {
    const IpAddress from = IpAddress::v6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, what});
    const IpAddress to = IpAddress::v6({0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
    if (message.size() >= 4) {
      put16(message, 2, 0);
      ChecksumSum sum = wire::pseudo_header(from, to, 58, message.size());
      sum.add(message);
      put16(message, 2, sum.checksum());
    }
    Octets packet(40);
    wire::ipv6::write(packet, {.source = from,
                               .destination = to,
                               .next_header = 58,
                               .hop_limit = 255,
                               .payload_length = static_cast<std::uint16_t>(message.size())});
    packet.insert(packet.end(), message.begin(), message.end());
    return framed(ethernet::kIpv6, packet, false);
  }

  /// What a DHCP server might say.
  static Octets dhcp(const Octets& payload) {
    const std::size_t size = 28 + payload.size();
    Octets packet(28);
    ip::write_header(packet, {.source = kPeer4,
                              .destination = IpAddress::v4(0xffffffff),
                              .protocol = ip::Protocol::udp,
                              .payload_size = size - 20});
    wire::udp::write(MutableBytes(packet).subspan(20), {.source_port = wire::dhcp::kServerPort,
                                                        .destination_port = wire::dhcp::kClientPort,
                                                        .length = static_cast<std::uint16_t>(size - 20)});
    packet.insert(packet.end(), payload.begin(), payload.end());
    return framed(ethernet::kIpv4, packet, true);
  }

  static Octets frame_of(std::uint8_t what, const Octets& bytes) {
    switch (what >> 4) {
      case 0: return bytes;
      case 1: return framed(ethernet::kArp, bytes, what & 1);
      case 2: return framed(ethernet::kIpv4, bytes, what & 1);
      case 3: return framed(ethernet::kIpv6, bytes, what & 1);
      case 4:
        return dhcp(Octets(bytes.begin(),
                           bytes.begin() + static_cast<std::ptrdiff_t>(std::min(bytes.size(), std::size_t{1400}))));
      default: return discovery(bytes, what);
    }
  }

  void turn() {
    stack_.handle_timeout(now_);
    stack_.poll_transmit(now_, wire_);
    while (stack_.next_timeout() <= now_) stack_.handle_timeout(now_);
    stack_.poll_transmit(now_, wire_);
    require(stack_.link()->neighbours().footprint() < (1u << 20));
    require(stack_.ip().addresses().all().size() <= ip::Addresses::kMaximum);
    require(stack_.ip().routes().all().size() <= ip::Routes::kMaximum);
    while (stack_.configurator()->poll_event()) {
    }
  }

  BufferPool pool_;
  Stack stack_;
  Wire wire_;
  Time now_ = Time{} + std::chrono::hours(1);
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  Host host;
  while (!input.empty()) host.step(input);
  return 0;
}
