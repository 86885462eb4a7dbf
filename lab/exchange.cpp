// Building packets from lines and reading them back; see exchange.hpp.
#include "lab/exchange.hpp"

#include <algorithm>

#include "stack/base/checksum.hpp"
#include "stack/wire/icmp.hpp"
#include "stack/wire/ipv4.hpp"
#include "stack/wire/ipv6.hpp"
#include "stack/wire/pseudo_header.hpp"
#include "stack/wire/udp.hpp"

namespace sluice::lab {
namespace {

namespace flag = wire::tcp;

constexpr std::uint8_t kIcmp = 1, kTcp = 6, kUdp = 17, kIcmpV6 = 58;
constexpr std::uint16_t kFastOpenMagic = 0xf989;

using Octets = std::vector<std::uint8_t>;

// --- options -----------------------------------------------------------------------------------------------------

struct Appender {
  Octets& out;

  void u8(unsigned value) const { out.push_back(static_cast<std::uint8_t>(value)); }
  void u16(unsigned value) const {
    u8(value >> 8);
    u8(value & 255);
  }
  void u32(std::uint32_t value) const {
    u16(value >> 16);
    u16(value & 0xffff);
  }
  void bytes(Bytes more) const { out.insert(out.end(), more.begin(), more.end()); }
};

struct OptionWriter {
  Appender out;
  const SideNumbers& sender;
  const SideNumbers& receiver;
  bool acks;  ///< without the ACK bit an echo means nothing, and is written as it stands

  void operator()(const option::EndOfList&) const { out.u8(0); }
  void operator()(const option::NoOperation&) const { out.u8(1); }
  void operator()(const option::Mss& mss) const {
    out.u16(0x0204);
    out.u16(mss.bytes);
  }
  void operator()(const option::WindowScale& scale) const {
    out.u16(0x0303);
    out.u8(scale.shift);
  }
  void operator()(const option::SackPermitted&) const { out.u16(0x0402); }
  void operator()(const option::Sack& sack) const {
    out.u8(5);
    out.u8(static_cast<unsigned>(2 + 8 * sack.blocks.size()));
    for (const wire::tcp::SackBlock& block : sack.blocks) {
      out.u32(block.left + receiver.first);
      out.u32(block.right + receiver.first);
    }
  }
  void operator()(const option::Timestamps& stamps) const {
    out.u16(0x080a);
    out.u32(stamps.value.value_or(0) + sender.first_stamp.value_or(0));
    out.u32(stamps.echo.value_or(0) + (acks ? receiver.first_stamp.value_or(0) : 0));
  }
  void operator()(const option::FastOpen& open) const {
    out.u8(open.experimental ? 254 : 34);
    out.u8(static_cast<unsigned>(open.cookie.size() + (open.experimental ? 4 : 2)));
    if (open.experimental) out.u16(kFastOpenMagic);
    out.bytes(open.cookie);
  }
  void operator()(const option::Md5& md5) const { other(19, md5.digest); }
  void operator()(const option::Other& one) const { other(one.kind, one.body); }
  void other(unsigned kind, const Octets& body) const {
    out.u8(kind);
    out.u8(static_cast<unsigned>(body.size() + 2));
    out.bytes(body);
  }
};

option::Sack read_sack(ByteReader in, const SideNumbers& receiver) {
  option::Sack sack;
  while (in.remaining() >= 8) {
    const std::uint32_t left = in.u32() - receiver.first;
    sack.blocks.push_back({left, in.u32() - receiver.first});
  }
  return sack;
}

TcpOption read_option(std::uint8_t kind, Bytes body, bool acks, const SideNumbers& sender,
                      const SideNumbers& receiver) {
  ByteReader in(body);
  const std::size_t size = body.size();
  if (kind == 2 && size == 2) return option::Mss{in.u16()};
  if (kind == 3 && size == 1) return option::WindowScale{in.u8()};
  if (kind == 4 && size == 0) return option::SackPermitted{};
  if (kind == 5 && size >= 8 && size % 8 == 0) return read_sack(in, receiver);
  if (kind == 8 && size == 8) {
    const std::uint32_t value = in.u32() - sender.first_stamp.value_or(0);
    return option::Timestamps{value, in.u32() - (acks ? receiver.first_stamp.value_or(0) : 0)};
  }
  const bool experimental = kind == 254 && size >= 2 && in.u16() == kFastOpenMagic;
  if (kind == 34 || experimental) return option::FastOpen{{in.rest().begin(), in.rest().end()}, experimental};
  if (kind == 19) return option::Md5{{body.begin(), body.end()}};
  return option::Other{kind, {body.begin(), body.end()}};
}

std::vector<TcpOption> read_options(Bytes bytes, bool acks, const SideNumbers& sender, const SideNumbers& receiver) {
  std::vector<TcpOption> options;
  while (!bytes.empty()) {
    const std::uint8_t kind = bytes[0];
    if (kind == 0) {
      options.push_back(option::EndOfList{});
      break;
    }
    if (kind == 1) {
      options.push_back(option::NoOperation{});
      bytes = bytes.subspan(1);
      continue;
    }
    if (bytes.size() < 2 || bytes[1] < 2 || bytes[1] > bytes.size()) break;
    options.push_back(read_option(kind, bytes.subspan(2, bytes[1] - 2u), acks, sender, receiver));
    bytes = bytes.subspan(bytes[1]);
  }
  return options;
}

// --- transport headers -------------------------------------------------------------------------------------------

std::uint16_t transport_checksum(const WireForm& form, std::uint8_t protocol, Bytes transport) {
  ChecksumSum sum = wire::pseudo_header(form.source.address, form.destination.address, protocol, transport.size());
  sum.add(transport);
  return sum.checksum();
}

void put_u16(Octets& bytes, std::size_t at, std::uint16_t value) {
  bytes[at] = static_cast<std::uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(value);
}

void append_payload(Octets& out, std::size_t length, Bytes payload) {
  if (payload.empty())
    out.resize(out.size() + length);
  else
    Appender{out}.bytes(payload);
}

std::optional<Octets> segment_bytes(const SegmentLine& segment, const WireForm& form) {
  Octets options;
  const OptionWriter writer{{options}, form.sender, form.receiver, segment.has(flag::ack)};
  if (segment.options)
    for (const TcpOption& option : *segment.options) std::visit(writer, option);
  while (options.size() % 4 != 0) options.push_back(0);
  if (options.size() > wire::tcp::kMaximumHeader - wire::tcp::kMinimumHeader) return std::nullopt;
  Octets bytes;
  const Appender out{bytes};
  out.u16(form.source.port);
  out.u16(form.destination.port);
  out.u32(segment.seq + form.sender.first);
  out.u32(segment.ack ? *segment.ack + form.receiver.first : 0);
  const auto words = static_cast<unsigned>((wire::tcp::kMinimumHeader + options.size()) / 4);
  out.u8(words << 4 | ((segment.flags & kAccurateEcnFlag) != 0 ? 1u : 0u));
  out.u8(segment.flags & 255u);
  out.u16(segment.window.value_or(0));
  out.u16(0);
  out.u16(segment.urgent.value_or(0));
  out.bytes(options);
  append_payload(bytes, segment.length, form.payload);
  put_u16(bytes, 16, transport_checksum(form, kTcp, bytes));
  return bytes;
}

Octets udp_bytes(const UdpLine& udp, const WireForm& form) {
  Octets bytes;
  const Appender out{bytes};
  out.u16(form.source.port);
  out.u16(form.destination.port);
  out.u16(udp.length + 8);
  out.u16(0);
  append_payload(bytes, udp.length, form.payload);
  const std::uint16_t checksum = transport_checksum(form, kUdp, bytes);
  put_u16(bytes, 6, checksum == 0 ? 0xffff : checksum);
  return bytes;
}

Octets ip_packet_of(const WireForm& form, const IpLine& ip, std::uint8_t protocol, Bytes transport);

// The packet that an error quotes: what the receiver of the error once sent, up to 8 bytes behind its IP header.
Octets quoted_bytes(const QuoteLine& quote, const WireForm& form) {
  WireForm turned{form.destination, form.source, form.receiver, form.sender};
  const std::size_t header = form.source.address.is_v4() ? wire::ipv4::kMinimumHeader : wire::ipv6::kHeaderSize;
  Octets packet;
  if (quote.udp) {
    packet = ip_packet_of(turned, {}, kUdp, udp_bytes({quote.length}, turned));
  } else {
    SegmentLine segment;
    segment.flags = flag::ack;
    segment.seq = quote.seq;
    segment.length = quote.length;
    packet = ip_packet_of(turned, {}, kTcp, *segment_bytes(segment, turned));
  }
  packet.resize(header + 8);
  return packet;
}

std::optional<Octets> icmp_bytes(const IcmpLine& icmp, const WireForm& form) {
  const Family family = form.source.address.family();
  const std::optional<IcmpNumbers> numbers = icmp_numbers(icmp.type, icmp.code, family);
  if (!numbers) return std::nullopt;
  Octets bytes;
  const Appender out{bytes};
  out.u8(numbers->type);
  out.u8(numbers->code);
  out.u16(0);
  if (icmp.id || icmp.seq) {
    out.u16(icmp.id.value_or(0));
    out.u16(icmp.seq.value_or(0));
  } else {
    out.u32(icmp.mtu.value_or(0));
  }
  if (icmp.quote) out.bytes(quoted_bytes(*icmp.quote, form));
  append_payload(bytes, icmp.length.value_or(0), form.payload);
  const bool v4 = family == Family::ipv4;
  put_u16(bytes, 2, v4 ? internet_checksum(bytes) : transport_checksum(form, kIcmpV6, bytes));
  return bytes;
}

// --- the IP header -----------------------------------------------------------------------------------------------

Octets ip_packet_of(const WireForm& form, const IpLine& ip, std::uint8_t protocol, Bytes transport) {
  const std::uint8_t ttl = ip.ttl.value_or(form.hop_limit);
  const std::uint8_t tos = ip.tos.value_or(0);
  const Ecn ecn = ip.ecn.value_or(static_cast<Ecn>(tos & 3));
  const auto dscp = static_cast<std::uint8_t>(tos >> 2);
  Octets packet(wire::ipv4::kMinimumHeader);
  if (form.source.address.is_v4()) {
    wire::ipv4::write(packet, {.source = form.source.address,
                               .destination = form.destination.address,
                               .protocol = protocol,
                               .hop_limit = ttl,
                               .dscp = dscp,
                               .ecn = ecn,
                               .dont_fragment = true,
                               .total_length = static_cast<std::uint16_t>(packet.size() + transport.size())});
  } else {
    packet.resize(wire::ipv6::kHeaderSize);
    wire::ipv6::write(packet, {.source = form.source.address,
                               .destination = form.destination.address,
                               .next_header = protocol,
                               .hop_limit = ttl,
                               .dscp = dscp,
                               .ecn = ecn,
                               .flow_label = ip.label.value_or(0),
                               .payload_length = static_cast<std::uint16_t>(transport.size())});
  }
  Appender{packet}.bytes(transport);
  return packet;
}

bool open_ip(Bytes packet, OpenedPacket& opened) noexcept {
  std::uint8_t dscp = 0;
  if (packet.empty()) return false;
  if (packet[0] >> 4 == 4) {
    const auto header = wire::ipv4::parse(packet);
    if (!header || header->is_fragment()) return false;
    opened.source.address = header->source;
    opened.destination.address = header->destination;
    opened.protocol = header->protocol;
    opened.identification = header->identification;
    opened.ip.ecn = header->ecn;
    opened.ip.ttl = header->hop_limit;
    dscp = header->dscp;
    opened.transport = packet.subspan(header->header_size, header->payload_size());
  } else {
    const auto header = wire::ipv6::parse(packet);
    if (!header) return false;
    opened.source.address = header->source;
    opened.destination.address = header->destination;
    opened.protocol = header->next_header;
    opened.ip.ecn = header->ecn;
    opened.ip.ttl = header->hop_limit;
    opened.ip.label = header->flow_label;
    dscp = header->dscp;
    opened.transport = packet.subspan(wire::ipv6::kHeaderSize, header->payload_length);
  }
  opened.ip.tos = static_cast<std::uint8_t>(unsigned{dscp} << 2 | static_cast<unsigned>(*opened.ip.ecn));
  return true;
}

// --- lines from headers ------------------------------------------------------------------------------------------

SegmentLine segment_line(const OpenedPacket& packet, const SideNumbers& sender, const SideNumbers& receiver) {
  wire::tcp::Header header;
  (void)wire::tcp::parse(packet.transport, header);  // open_packet() has found it good
  SegmentLine line;
  line.flags = static_cast<std::uint16_t>(header.flags | (packet.transport[12] & 1 ? kAccurateEcnFlag : 0));
  line.seq = header.seq - sender.first;
  line.length = static_cast<std::uint32_t>(packet.payload.size());
  const bool acks = line.has(flag::ack);
  if (acks || header.ack != 0) line.ack = acks ? header.ack - receiver.first : header.ack;
  line.window = header.window;
  if (line.has(flag::urg) || header.urgent != 0) line.urgent = header.urgent;
  const Bytes options = packet.transport.subspan(wire::tcp::kMinimumHeader, header.size - wire::tcp::kMinimumHeader);
  line.options = read_options(options, acks, sender, receiver);
  return line;
}

std::optional<QuoteLine> quote_line(Bytes quoted, const SideNumbers& receiver) {
  // The quote is cut short, so its lengths are taken from its headers alone.
  ByteReader in(quoted);
  QuoteLine quote;
  std::uint8_t protocol = 0;
  std::size_t payload = 0;
  const std::uint8_t first = in.u8();
  if (first >> 4 == 4) {
    in.skip(1);
    payload = in.u16();
    in.skip(5);
    protocol = in.u8();
    const std::size_t header = (first & 15u) * 4;
    if (payload < header || header < 20) return std::nullopt;
    payload -= header;
    in.skip(header - 10);
  } else {
    in.skip(3);
    payload = in.u16();
    protocol = in.u8();
    in.skip(33);
  }
  const std::size_t transport = protocol == kUdp ? 8 : wire::tcp::kMinimumHeader;
  if ((protocol != kUdp && protocol != kTcp) || payload < transport) return std::nullopt;
  in.skip(4);
  quote.udp = protocol == kUdp;
  if (!quote.udp) quote.seq = in.u32() - receiver.first;
  quote.length = static_cast<std::uint32_t>(payload - transport);
  if (!in.ok()) return std::nullopt;
  return quote;
}

IcmpLine icmp_line(const OpenedPacket& packet, const SideNumbers& receiver) {
  const wire::icmp::Header header = *wire::icmp::parse(packet.transport);
  const Family family = packet.source.address.family();
  const IcmpNames names = *icmp_names({header.type, header.code}, family);
  IcmpLine line;
  line.type = names.type;
  line.code = names.code;
  if (names.type == IcmpType::echo_request || names.type == IcmpType::echo_reply) {
    line.id = static_cast<std::uint16_t>(header.rest >> 16);
    line.seq = static_cast<std::uint16_t>(header.rest);
    line.length = static_cast<std::uint32_t>(packet.payload.size());
    return line;
  }
  const bool tells_mtu = names.code == IcmpCode::frag_needed || names.type == IcmpType::packet_too_big;
  if (tells_mtu) line.mtu = family == Family::ipv4 ? header.rest & 0xffff : header.rest;
  line.quote = quote_line(packet.payload, receiver);
  return line;
}

std::size_t transport_header(const OpenedPacket& packet) noexcept {
  wire::tcp::Header header;
  switch (packet.protocol) {
    case kTcp: return wire::tcp::parse(packet.transport, header) == wire::tcp::ParseError::none ? header.size : 0;
    case kUdp: return packet.transport.size() >= 8 ? 8 : 0;
    case kIcmp:
    case kIcmpV6: {
      const auto icmp = wire::icmp::parse(packet.transport);
      return icmp && icmp_names({icmp->type, icmp->code}, packet.source.address.family()) ? wire::icmp::kHeaderSize : 0;
    }
    default: return 0;
  }
}

}  // namespace

std::optional<std::vector<std::uint8_t>> to_wire(const PacketLine& line, const WireForm& form) {
  if (const auto* segment = line.segment()) {
    const std::optional<Octets> bytes = segment_bytes(*segment, form);
    if (!bytes) return std::nullopt;
    return ip_packet_of(form, line.ip, kTcp, *bytes);
  }
  if (const auto* udp = std::get_if<UdpLine>(&line.body))
    return ip_packet_of(form, line.ip, kUdp, udp_bytes(*udp, form));
  const std::optional<Octets> bytes = icmp_bytes(std::get<IcmpLine>(line.body), form);
  if (!bytes) return std::nullopt;
  return ip_packet_of(form, line.ip, form.source.address.is_v4() ? kIcmp : kIcmpV6, *bytes);
}

std::optional<OpenedPacket> open_packet(Bytes packet) noexcept {
  OpenedPacket opened;
  if (!open_ip(packet, opened)) return std::nullopt;
  const std::size_t header = transport_header(opened);
  if (header == 0) return std::nullopt;
  opened.payload = opened.transport.subspan(header);
  if (opened.protocol == kTcp || opened.protocol == kUdp) {
    ByteReader in(opened.transport);
    opened.source.port = in.u16();
    opened.destination.port = in.u16();
  }
  return opened;
}

PacketLine to_line(const OpenedPacket& packet, const SideNumbers& sender, const SideNumbers& receiver) {
  PacketLine line{packet.ip, {}};
  if (packet.protocol == kTcp)
    line.body = segment_line(packet, sender, receiver);
  else if (packet.protocol == kUdp)
    line.body = UdpLine{static_cast<std::uint32_t>(packet.payload.size())};
  else
    line.body = icmp_line(packet, receiver);
  return line;
}

PacketLine brief(PacketLine line) {
  const IpLine all = std::exchange(line.ip, {});
  if (all.ecn && *all.ecn != Ecn::not_ect) line.ip.ecn = all.ecn;
  SegmentLine* segment = line.segment();
  if (segment && segment->options && segment->options->empty()) segment->options.reset();
  return line;
}

// --- comparison --------------------------------------------------------------------------------------------------

namespace {

class Comparison {
 public:
  template <class T>
  void written(std::string_view what, const std::optional<T>& expected, const std::optional<T>& actual) {
    if (expected && expected != actual) differ(what);
  }
  void check(std::string_view what, bool same) {
    if (!same) differ(what);
  }
  void differ(std::string_view what) { text_.append(text_.empty() ? "" : ", ").append(what); }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

bool same_option(const TcpOption& expected, const TcpOption& actual) {
  const auto* wanted = std::get_if<option::Timestamps>(&expected);
  const auto* found = std::get_if<option::Timestamps>(&actual);
  if (!wanted || !found) return expected == actual;
  return (!wanted->value || wanted->value == found->value) && (!wanted->echo || wanted->echo == found->echo);
}

void compare(const SegmentLine& expected, const SegmentLine& actual, Comparison& result) {
  result.check("flags", expected.flags == actual.flags);
  result.check("sequence number", expected.seq == actual.seq);
  result.check("length", expected.length == actual.length);
  result.written("ack", expected.ack, actual.ack);
  result.written("window", expected.window, actual.window);
  result.written("urgent pointer", expected.urgent, actual.urgent);
  if (!expected.options) return;
  const std::vector<TcpOption>& found = *actual.options;
  result.check("options",
               std::equal(expected.options->begin(), expected.options->end(), found.begin(), found.end(), same_option));
}

void compare(const IcmpLine& expected, const IcmpLine& actual, Comparison& result) {
  result.check("ICMP type", expected.type == actual.type);
  result.written("ICMP code", expected.code, actual.code);
  result.written("MTU", expected.mtu, actual.mtu);
  result.written("echo id", expected.id, actual.id);
  result.written("echo number", expected.seq, actual.seq);
  result.written("length", expected.length, actual.length);
  result.written("quote", expected.quote, actual.quote);
}

}  // namespace

std::string difference(const PacketLine& expected, const PacketLine& actual) {
  if (expected.body.index() != actual.body.index()) return "protocol";
  Comparison result;
  result.written("ECN", expected.ip.ecn, actual.ip.ecn);
  result.written("TTL", expected.ip.ttl, actual.ip.ttl);
  result.written("TOS", expected.ip.tos, actual.ip.tos);
  result.written("flow label", expected.ip.label, actual.ip.label);
  if (const auto* segment = expected.segment())
    compare(*segment, *actual.segment(), result);
  else if (const auto* icmp = std::get_if<IcmpLine>(&expected.body))
    compare(*icmp, std::get<IcmpLine>(actual.body), result);
  else
    result.check("length", std::get<UdpLine>(expected.body) == std::get<UdpLine>(actual.body));
  return result.take();
}

}  // namespace sluice::lab
