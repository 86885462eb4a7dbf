// Cutting super-segments in software, and libtins as the independent eye; see script_wire.hpp.
#include "tests/support/script_wire.hpp"

#include <tins/tins.h>

#include <algorithm>

#include "lab/exchange.hpp"
#include "stack/base/checksum.hpp"
#include "stack/wire/pseudo_header.hpp"

namespace sluice::test {
namespace {

using Octets = std::vector<std::uint8_t>;

std::uint32_t load(const Octets& bytes, std::size_t at, std::size_t width) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < width; ++i) value = value << 8 | bytes[at + i];
  return value;
}

void store(Octets& bytes, std::size_t at, std::size_t width, std::uint32_t value) {
  for (std::size_t i = 0; i < width; ++i) bytes[at + i] = static_cast<std::uint8_t>(value >> (8 * (width - 1 - i)));
}

void finish_ip_header(Octets& packet, unsigned number) {
  const bool v4 = packet[0] >> 4 == 4;
  if (!v4) return store(packet, 4, 2, static_cast<std::uint32_t>(packet.size() - 40));
  store(packet, 2, 2, static_cast<std::uint32_t>(packet.size()));
  store(packet, 4, 2, load(packet, 4, 2) + number);
  store(packet, 10, 2, 0);
  store(packet, 10, 2, internet_checksum(Bytes(packet).first(20)));
}

void finish_checksum(Octets& packet, std::size_t transport) {
  const bool v4 = packet[0] >> 4 == 4;
  const std::size_t width = v4 ? 4 : 16, from = v4 ? 12 : 8;
  const Bytes all(packet);
  store(packet, transport + 16, 2, 0);
  ChecksumSum sum =
      wire::pseudo_header(IpAddress::from_bytes(all.subspan(from, width)),
                          IpAddress::from_bytes(all.subspan(from + width, width)), 6, packet.size() - transport);
  sum.add(all.subspan(transport));
  store(packet, transport + 16, 2, sum.checksum());
}

// PSH and FIN belong to the last piece, CWR to the first.
Octets piece(Bytes head, Bytes text, std::size_t at, std::size_t size, const Frame& frame) {
  Octets packet(head.begin(), head.end());
  const std::size_t transport = frame.transport_offset;
  const bool last = at + size == text.size();
  store(packet, transport + 4, 4, load(packet, transport + 4, 4) + static_cast<std::uint32_t>(at));
  if (!last) packet[transport + 13] &= static_cast<std::uint8_t>(~(wire::tcp::psh | wire::tcp::fin));
  if (at > 0) packet[transport + 13] &= static_cast<std::uint8_t>(~wire::tcp::cwr);
  const std::uint32_t urgent = load(packet, transport + 18, 2);
  if ((packet[transport + 13] & wire::tcp::urg) != 0 && urgent != 65535) {
    const bool behind = urgent <= at;
    store(packet, transport + 18, 2, behind ? 0 : urgent - static_cast<std::uint32_t>(at));
    if (behind) packet[transport + 13] &= static_cast<std::uint8_t>(~wire::tcp::urg);
  }
  const Bytes part = text.subspan(at, size);
  packet.insert(packet.end(), part.begin(), part.end());
  finish_ip_header(packet, static_cast<unsigned>(at / frame.gso_size));
  finish_checksum(packet, transport);
  return packet;
}

// --- libtins -----------------------------------------------------------------------------------------------------

bool same_address(const IpAddress& ours, const std::string& theirs) { return ours.to_string() == theirs; }

template <class T>
const T* find_option(const lab::SegmentLine& line) {
  for (const lab::TcpOption& option : *line.options)
    if (const auto* found = std::get_if<T>(&option)) return found;
  return nullptr;
}

std::string compare_options(const Tins::TCP& tcp, const lab::SegmentLine& line) {
  using Kind = Tins::TCP::OptionTypes;
  const auto has = [&tcp](Kind kind) { return tcp.search_option(kind) != nullptr; };
  const auto* mss = find_option<lab::option::Mss>(line);
  if (has(Kind::MSS) != (mss != nullptr) || (mss && tcp.mss() != mss->bytes)) return "MSS";
  const auto* scale = find_option<lab::option::WindowScale>(line);
  if (has(Kind::WSCALE) != (scale != nullptr) || (scale && tcp.winscale() != scale->shift)) return "window scale";
  if (has(Kind::SACK_OK) != (find_option<lab::option::SackPermitted>(line) != nullptr)) return "SACK permitted";
  const auto* stamps = find_option<lab::option::Timestamps>(line);
  if (has(Kind::TSOPT) != (stamps != nullptr)) return "timestamps";
  if (stamps && tcp.timestamp() != std::pair(*stamps->value, *stamps->echo)) return "timestamp values";
  const auto* sack = find_option<lab::option::Sack>(line);
  if (has(Kind::SACK) != (sack != nullptr)) return "SACK";
  if (!sack) return "";
  std::vector<std::uint32_t> edges;
  for (const wire::tcp::SackBlock& block : sack->blocks) edges.insert(edges.end(), {block.left, block.right});
  return tcp.sack() == edges ? "" : "SACK blocks";
}

std::string compare_segment(const Tins::TCP& tcp, const lab::OpenedPacket& packet) {
  const lab::PacketLine line = lab::to_line(packet, {}, {});
  const lab::SegmentLine& segment = *line.segment();
  if (tcp.sport() != packet.source.port || tcp.dport() != packet.destination.port) return "ports";
  if (tcp.seq() != segment.seq) return "sequence number";
  if (tcp.ack_seq() != segment.ack.value_or(0)) return "acknowledgment number";
  if (tcp.flags() != segment.flags) return "flags";
  if (tcp.window() != segment.window) return "window";
  if (tcp.urg_ptr() != segment.urgent.value_or(0)) return "urgent pointer";
  const auto* text = tcp.find_pdu<Tins::RawPDU>();
  const std::size_t size = text ? text->payload().size() : 0;
  if (size != packet.payload.size() || (text && !std::ranges::equal(text->payload(), packet.payload))) return "text";
  return compare_options(tcp, segment);
}

bool asks_for_cookie(const lab::OpenedPacket& packet) {
  if (packet.protocol != 6) return false;
  const lab::PacketLine line = lab::to_line(packet, {}, {});
  const auto* open = find_option<lab::option::FastOpen>(*line.segment());
  return open && open->cookie.empty();
}

template <class Ip>
std::string compare(Bytes bytes, const lab::OpenedPacket& packet) {
  Ip ip(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
  if (!same_address(packet.source.address, ip.src_addr().to_string())) return "source address";
  if (!same_address(packet.destination.address, ip.dst_addr().to_string())) return "destination address";
  if (const auto* tcp = ip.template find_pdu<Tins::TCP>()) {
    const std::string different = compare_segment(*tcp, packet);
    if (!different.empty()) return different;
  }
  if (asks_for_cookie(packet)) return "";  // libtins can't write an option without a body
  // libtins computes lengths and checksums when it writes: the same bytes must come out.
  const Tins::PDU::serialization_type again = ip.serialize();
  const auto [ours, theirs] = std::ranges::mismatch(bytes, again);
  if (ours == bytes.end() && theirs == again.end()) return "";
  return "the bytes from offset " + std::to_string(ours - bytes.begin()) + " on";
}

}  // namespace

std::vector<std::vector<std::uint8_t>> cut(const Frame& frame) {
  Octets text;
  for (const Slice& slice : frame.body) text.insert(text.end(), slice.bytes().begin(), slice.bytes().end());
  std::vector<Octets> packets;
  if (frame.gso_size == 0) {
    packets.emplace_back(frame.head.begin(), frame.head.end());
    packets[0].insert(packets[0].end(), text.begin(), text.end());
    if (frame.checksum_partial) finish_checksum(packets[0], frame.transport_offset);
    return packets;
  }
  for (std::size_t at = 0; at < text.size(); at += frame.gso_size)
    packets.push_back(piece(frame.head, text, at, std::min<std::size_t>(frame.gso_size, text.size() - at), frame));
  return packets;
}

void mend_checksums(std::vector<std::uint8_t>& packet) {
  const bool v4 = packet[0] >> 4 == 4;
  if (v4) {
    store(packet, 10, 2, 0);
    store(packet, 10, 2, internet_checksum(Bytes(packet).first((packet[0] & 15u) * 4)));
  }
  finish_checksum(packet, v4 ? (packet[0] & 15u) * 4 : 40);
}

std::string disagreement(Bytes packet) {
  const auto opened = lab::open_packet(packet);
  if (!opened) return "everything: we can't read it ourselves";
  if (opened->protocol != 6 && opened->protocol != 17) return "";
  try {
    return opened->source.address.is_v4() ? compare<Tins::IP>(packet, *opened) : compare<Tins::IPv6>(packet, *opened);
  } catch (const Tins::exception_base& error) {
    return std::string("everything: libtins says ") + error.what();
  }
}

}  // namespace sluice::test
