// Rewriting of the peer's packets; see replay_numbers.hpp.
#include "lab/replay_numbers.hpp"

#include <algorithm>
#include <initializer_list>

#include "stack/base/checksum.hpp"
#include "stack/wire/icmp.hpp"
#include "stack/wire/ipv6.hpp"
#include "stack/wire/pseudo_header.hpp"

namespace sluice::lab {
namespace {

namespace flag = wire::tcp;

constexpr std::size_t kTcpChecksum = 16, kUdpChecksum = 6, kIcmpChecksum = 2;
constexpr std::uint8_t kMss = 2, kWindowScale = 3, kSackPermitted = 4, kSack = 5, kTimestamps = 8, kFastOpen = 34,
                       kExperiment = 254;  // kinds of options
constexpr std::size_t kSequence = 4, kAcknowledgement = 8;

std::uint16_t read_u16(Bytes bytes, std::size_t at) noexcept { return ByteReader(bytes.subspan(at)).u16(); }

void write_u16(MutableBytes bytes, std::size_t at, std::uint16_t value) noexcept {
  ByteWriter(bytes.subspan(at, 2)).u16(value);
}

void write_u32(MutableBytes bytes, std::size_t at, std::uint32_t value) noexcept {
  ByteWriter(bytes.subspan(at, 4)).u32(value);
}

void shift_u32(MutableBytes bytes, std::size_t at, std::uint32_t by) noexcept {
  write_u32(bytes, at, ByteReader(Bytes(bytes).subspan(at)).u32() + by);
}

/// The message in a packet, header and text.
MutableBytes transport_of(MutableBytes packet, const DatagramView& view) noexcept {
  return packet.subspan(view.transport_offset, view.transport.size());
}

/// The options of a segment.
MutableBytes options_of(MutableBytes segment, const wire::tcp::Header& header) noexcept {
  return segment.subspan(wire::tcp::kMinimumHeader, header.size - wire::tcp::kMinimumHeader);
}

/// visit(kind, option) for each option but no-operations; ends where they make no sense.
template <class Visit>
void for_each_option(MutableBytes options, Visit visit) noexcept {
  while (!options.empty() && options[0] != 0) {
    const bool alone = options[0] == 1;
    if (!alone && (options.size() < 2 || options[1] < 2 || options[1] > options.size())) return;
    const std::size_t size = alone ? 1 : options[1];
    if (!alone) visit(options[0], options.first(size));
    options = options.subspan(size);
  }
}

void shift_options(MutableBytes options, bool acks, const Translation& by) noexcept {
  for_each_option(options, [&](std::uint8_t kind, MutableBytes option) {
    if (kind == kSack)
      for (std::size_t at = 2; at + 4 <= option.size(); at += 4) shift_u32(option, at, by.isn);
    if (kind == kTimestamps && option.size() == 10 && acks) shift_u32(option, 6, by.stamp);
  });
}

/// Puts no-operations in the place of options of these kinds.
void blank_options(MutableBytes options, std::initializer_list<std::uint8_t> kinds) noexcept {
  for_each_option(options, [&](std::uint8_t kind, MutableBytes option) {
    if (std::find(kinds.begin(), kinds.end(), kind) != kinds.end())
      std::fill(option.begin(), option.end(), std::uint8_t{1});
  });
}

void shift_segment(MutableBytes segment, const wire::tcp::Header& header, const Translation& by) noexcept {
  const bool acks = header.has(flag::ack);
  if (acks) shift_u32(segment, kAcknowledgement, by.isn);
  shift_options(options_of(segment, header), acks, by);
}

/// The sum that the checksum field complements, of a message whose field is zero.
ChecksumSum sum_of(const DatagramView& packet, Bytes message, bool pseudo) noexcept {
  ChecksumSum sum;
  if (pseudo) sum = wire::pseudo_header(packet.source, packet.destination, packet.protocol, message.size());
  sum.add(message);
  return sum;
}

/// Lets the checksum follow what changed in `part`, so that a wrong one stays as wrong as it was. `before`: the part's
/// internet_checksum() as it stood.
void adjust_checksum(MutableBytes message, std::size_t field, std::uint16_t before, Bytes part) noexcept {
  const auto sum_before = static_cast<std::uint16_t>(~before);
  const auto sum_after = static_cast<std::uint16_t>(~internet_checksum(part));
  write_u16(message, field, update_checksum(read_u16(message, field), sum_before, sum_after));
}

void translate_segment(MutableBytes message, const SegmentView& segment, const Translation& by) noexcept {
  const bool unfinished = has_unfinished_checksum(segment);
  const MutableBytes head = message.first(segment.header.size);
  const std::uint16_t before = internet_checksum(head);
  shift_segment(head, segment.header, by);
  if (unfinished)
    renew_checksum(segment.ip, message);
  else
    adjust_checksum(message, kTcpChecksum, before, head);
}

/// What an ICMP error quotes of ours.
void translate_quote(MutableBytes message, const DatagramView& error, const Translation& by) noexcept {
  const auto quote = view_quote(error);
  if (!quote || quote->protocol != protocol::kTcp || quote->offset + kSequence + 4 > message.size()) return;
  const std::uint16_t before = internet_checksum(message);
  shift_u32(message, quote->offset + kSequence, by.isn);
  adjust_checksum(message, kIcmpChecksum, before, message);
}

}  // namespace

std::optional<wire::tcp::Header> tcp_header(const DatagramView& packet) noexcept {
  wire::tcp::Header header;
  if (packet.protocol != protocol::kTcp || packet.fragment) return std::nullopt;
  if (wire::tcp::parse(packet.transport, header) != wire::tcp::ParseError::none) return std::nullopt;
  return header;
}

std::optional<SegmentView> view_segment(Bytes packet) noexcept {
  std::optional<SegmentView> result;
  const auto view = view_datagram(packet);
  if (!view || view->protocol != protocol::kTcp || view->fragment) return result;
  SegmentView& segment = result.emplace(SegmentView{*view, {}, {}});
  if (wire::tcp::parse(view->transport, segment.header) == wire::tcp::ParseError::none)
    segment.text = view->transport.subspan(segment.header.size);
  else
    result.reset();
  return result;
}

std::optional<std::vector<std::uint8_t>> earlier_ack(Bytes packet, std::uint64_t acked, const NumberBase& captured,
                                                     const NumberBase& now) {
  const auto view = view_segment(packet);
  if (!view || !view->header.has(flag::ack) || view->header.has(flag::rst) || !now.isn) return std::nullopt;
  const std::size_t offset = view->ip.transport_offset;
  std::vector<std::uint8_t> out = translated(packet, translation(captured, now));
  out.resize(offset + view->header.size);
  const bool v4 = view->ip.source.is_v4();
  const std::size_t size = v4 ? out.size() : out.size() - wire::ipv6::kHeaderSize;
  write_u16(out, v4 ? 2 : 4, static_cast<std::uint16_t>(size));
  if (v4) {
    write_u16(out, 10, 0);
    write_u16(out, 10, internet_checksum(Bytes(out).first(offset)));
  }
  const MutableBytes segment = MutableBytes(out).subspan(offset);
  segment[13] = view->header.has(flag::syn) ? flag::syn | flag::ack : flag::ack;
  blank_options(options_of(segment, view->header), {kSack});
  write_u32(segment, kAcknowledgement, *now.isn + static_cast<std::uint32_t>(acked));
  renew_checksum(view->ip, segment);
  return out;
}

std::optional<std::vector<std::uint8_t>> text_of_syn(Bytes packet, const NumberBase& now) {
  const auto view = view_segment(packet);
  if (!view || !view->header.has(flag::syn) || view->text.empty() || !now.isn) return std::nullopt;
  std::vector<std::uint8_t> out(packet.begin(), packet.end());
  const MutableBytes segment = transport_of(out, view->ip);
  segment[13] = flag::psh | flag::ack;
  write_u32(segment, kSequence, view->header.seq + 1);
  write_u32(segment, kAcknowledgement, *now.isn + 1);
  blank_options(options_of(segment, view->header), {kMss, kWindowScale, kSackPermitted, kFastOpen, kExperiment});
  renew_checksum(view->ip, segment);
  return out;
}

void show_cookie(MutableBytes packet, const wire::tcp::FastOpen& cookie) {
  const auto view = view_segment(packet);
  if (!view || !view->header.has(flag::syn)) return;
  const wire::tcp::FastOpen& offered = view->header.options.fast_open;
  if (cookie.size == 0 || offered.size != cookie.size) return;
  const MutableBytes segment = transport_of(packet, view->ip);
  const MutableBytes options = options_of(segment, view->header);
  const auto shown = offered.cookie.begin();
  const auto at = std::search(options.begin(), options.end(), shown, shown + cookie.size);
  std::copy_n(cookie.cookie.begin(), cookie.size, at);
  renew_checksum(view->ip, segment);
}

void renew_checksum(const DatagramView& packet, MutableBytes message) noexcept {
  const bool udp = packet.protocol == protocol::kUdp;
  const std::size_t field = packet.protocol == protocol::kTcp ? kTcpChecksum : udp ? kUdpChecksum : kIcmpChecksum;
  if (udp && read_u16(message, field) == 0) return;
  write_u16(message, field, 0);
  const std::uint16_t good = sum_of(packet, message, packet.protocol != protocol::kIcmp).checksum();
  write_u16(message, field, udp && good == 0 ? 0xffff : good);
}

bool has_unfinished_checksum(const SegmentView& segment) noexcept {
  const DatagramView& ip = segment.ip;
  const ChecksumSum pseudo = wire::pseudo_header(ip.source, ip.destination, ip.protocol, ip.transport.size());
  return segment.header.checksum == pseudo.folded();
}

void NumberBase::learn(const SegmentView& segment) noexcept {
  const wire::tcp::Header& header = segment.header;
  if (header.has(flag::syn) && !isn) isn = header.seq;
  if (header.options.timestamps && !stamp) stamp = header.options.ts_value;
  if (!isn || header.has(flag::rst)) return;
  const auto text = static_cast<std::uint32_t>(segment.text.size());
  const std::uint32_t behind =
      header.seq - *isn + text + (header.has(flag::syn) ? 1u : 0u) + (header.has(flag::fin) ? 1u : 0u);
  // Left of the first number: a keep-alive of the handshake's time, or nonsense.
  if (const auto far = static_cast<std::int64_t>(unwrapped(behind, end)); far > 0)
    end = std::max(end, static_cast<std::uint64_t>(far));
}

Translation translation(const NumberBase& captured, const NumberBase& now) noexcept {
  Translation by;
  if (captured.isn && now.isn) by.isn = *now.isn - *captured.isn;
  if (captured.stamp && now.stamp) by.stamp = *now.stamp - *captured.stamp;
  return by;
}

void translate(MutableBytes packet, const Translation& by) noexcept {
  if (const auto segment = view_segment(packet))
    translate_segment(transport_of(packet, segment->ip), *segment, by);
  else if (const auto view = view_datagram(packet))
    translate_quote(transport_of(packet, *view), *view, by);
}

std::vector<std::uint8_t> translated(Bytes packet, const Translation& by) {
  std::vector<std::uint8_t> out(packet.begin(), packet.end());
  translate(out, by);
  return out;
}

}  // namespace sluice::lab
