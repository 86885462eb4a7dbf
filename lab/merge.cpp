// Which segments belong together, and the headers of what they become; see merge.hpp.
#include "lab/merge.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "stack/wire/ipv4.hpp"
#include "stack/wire/ipv6.hpp"
#include "stack/wire/tcp.hpp"
#include "tun/packet_fields.hpp"
#include "tun/segmentation.hpp"

namespace sluice::lab {
namespace {

constexpr std::size_t kLargest = 65535;  // bytes of IP packet
constexpr std::size_t kFlags = 13;       // in the TCP header
constexpr std::size_t kChecksum = 16;    // too
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kEnds = wire::tcp::psh | wire::tcp::fin;
constexpr std::uint8_t kMergeable = kEnds | wire::tcp::ack | wire::tcp::ece;

using tun::is_v4;
using tun::load16;
using tun::load32;
using tun::pseudo_sum;
using tun::store16;

/// A TCP or UDP packet whose lengths and checksums are right.
struct Verified {
  tun::TransportPlace place;
  std::size_t headers = 0;  ///< bytes of IP and transport headers
};

std::optional<Verified> verify(Bytes packet) noexcept {
  const auto place = tun::find_transport(packet);
  const std::size_t header = place ? tun::transport_header_size(packet, *place) : 0;
  if (header == 0) return std::nullopt;
  if (tun::ip_size(packet) != packet.size()) return std::nullopt;
  if (is_v4(packet) && internet_checksum(packet.first((packet[0] & 15u) * std::size_t{4})) != 0) return std::nullopt;
  const Bytes transport = packet.subspan(place->offset);
  if (!place->is_tcp() && (load16(transport, 6) == 0 || load16(transport, 4) != transport.size())) return std::nullopt;
  ChecksumSum sum = pseudo_sum(packet, place->protocol, transport.size());
  sum.add(transport);
  if (sum.checksum() != 0) return std::nullopt;
  return Verified{*place, place->offset + header};
}

/// One TCP segment with text that others may be joined to.
struct Segment {
  static std::optional<Segment> of(const Packet& packet, const Verified& verified) {
    const Bytes bytes = packet.bytes();
    const std::size_t plain = is_v4(bytes) ? wire::ipv4::kMinimumHeader : wire::ipv6::kHeaderSize;
    if (!verified.place.is_tcp() || verified.place.offset != plain || packet.gso_size != 0) return std::nullopt;
    const std::uint8_t flags = bytes[plain + kFlags];
    if ((flags & ~kMergeable) != 0 || bytes.size() == verified.headers) return std::nullopt;
    return Segment{bytes, plain, verified.headers};
  }

  std::uint8_t flags() const noexcept { return bytes[ip + kFlags]; }
  std::uint32_t seq() const noexcept { return load32(bytes, ip + 4); }
  Bytes text() const noexcept { return bytes.subspan(headers); }

  Bytes bytes;
  std::size_t ip = 0;
  std::size_t headers = 0;
};

/// Everything in the IP headers that has to be the same: all but lengths, checksum and identification.
bool same_ip(Bytes a, Bytes b) noexcept {
  if (!is_v4(a))
    return std::ranges::equal(a.first(4), b.first(4)) && std::ranges::equal(a.subspan(6, 34), b.subspan(6, 34));
  return std::ranges::equal(a.first(2), b.first(2)) && std::ranges::equal(a.subspan(6, 4), b.subspan(6, 4)) &&
         std::ranges::equal(a.subspan(12, 8), b.subspan(12, 8));
}

/// Ports, acknowledgment, flags and options.
bool same_tcp(Bytes a, Bytes b) noexcept {
  const std::size_t size = (a[12] >> 4) * std::size_t{4};
  return std::ranges::equal(a.first(4), b.first(4)) && std::ranges::equal(a.subspan(8, 5), b.subspan(8, 5)) &&
         ((a[kFlags] ^ b[kFlags]) & ~kEnds) == 0 &&
         std::ranges::equal(a.subspan(20, size - 20), b.subspan(20, size - 20));
}

/// What is being put together. Its first packet is a segment on its own until a second one comes.
class Train {
 public:
  void begin(const Segment& segment) {
    ip_ = segment.ip;
    headers_ = segment.headers;
    bytes_.assign(segment.bytes.begin(), segment.bytes.end());
    unit_ = segment.text().size();
    last_id_ = id_of(segment);
    open_ = (segment.flags() & kEnds) == 0;  // one that ends what it begins goes on its own
  }

  bool takes(const Segment& next) const noexcept {
    if (!open_ || next.ip != ip_ || next.headers != headers_) return false;
    const Bytes so_far(bytes_);
    const std::size_t size = next.text().size();
    if (size > unit_ || so_far.size() + size > kLargest) return false;
    const std::uint32_t behind = load32(so_far, ip_ + 4) + static_cast<std::uint32_t>(so_far.size() - headers_);
    return next.seq() == behind && same_ip(so_far, next.bytes) &&
           same_tcp(so_far.subspan(ip_), next.bytes.subspan(ip_)) && follows(next);
  }

  void add(const Segment& next) {
    const Bytes text = next.text();
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    bytes_[ip_ + kFlags] |= static_cast<std::uint8_t>(next.flags() & kEnds);
    last_id_ = id_of(next);
    grown_ = true;
    open_ = text.size() == unit_ && (next.flags() & kEnds) == 0;
  }

  /// The super-segment, if one has become of it, into the place of its first packet.
  void finish(Packet& packet) {
    if (!grown_) return;
    const MutableBytes whole(bytes_);
    tun::store_ip_size(whole, ip_, whole.size());
    store16(whole, ip_ + kChecksum, pseudo_sum(whole, kTcp, whole.size() - ip_).folded());
    Packet super(Slice(Buffer::allocate(Packet::kHeadroom + whole.size()), Packet::kHeadroom, whole.size()));
    ByteWriter(super.bytes()).bytes(whole);
    super.interface = packet.interface;
    super.link_group = packet.link_group;
    super.checksum_known_good = true;
    super.stand_for(whole.size() - headers_, static_cast<std::uint16_t>(unit_));
    packet = std::move(super);
  }

 private:
  static std::uint16_t id_of(const Segment& segment) noexcept {
    return is_v4(segment.bytes) ? load16(segment.bytes, 4) : std::uint16_t{0};
  }
  /// Identifications count up, or stay where they mean nothing (RFC 6864 4.1).
  bool follows(const Segment& next) const noexcept {
    if (!is_v4(next.bytes)) return true;
    const bool atomic = (next.bytes[6] & 0x40) != 0;
    return id_of(next) == static_cast<std::uint16_t>(last_id_ + 1) || (atomic && id_of(next) == last_id_);
  }

  bool open_ = false;   // more may come
  bool grown_ = false;  // more than one segment
  std::vector<std::uint8_t> bytes_;
  std::size_t ip_ = 0;       // bytes of IP header
  std::size_t headers_ = 0;  // and of TCP's
  std::size_t unit_ = 0;     // bytes of text in a segment
  std::uint16_t last_id_ = 0;
};

}  // namespace

std::vector<Packet> merged(std::vector<Packet> packets) {
  std::vector<Packet> out;
  out.reserve(packets.size());
  Train train;
  for (Packet& packet : packets) {
    const auto verified = packet.gso_size == 0 ? verify(std::as_const(packet).bytes()) : std::nullopt;
    const auto segment = verified ? Segment::of(packet, *verified) : std::nullopt;
    if (segment && train.takes(*segment)) {
      train.add(*segment);
      continue;
    }
    if (!out.empty()) train.finish(out.back());
    train = {};
    if (segment) train.begin(*segment);
    if (verified) packet.checksum_known_good = true;
    out.push_back(std::move(packet));
  }
  if (!out.empty()) train.finish(out.back());
  return out;
}

}  // namespace sluice::lab
