// IPv4 headers from and to bytes; see ipv4.hpp.
#include "stack/wire/ipv4.hpp"

#include "stack/base/checksum.hpp"

namespace sluice::wire::ipv4 {
namespace {

constexpr std::uint16_t kDontFragment = 0x4000;
constexpr std::uint16_t kMoreFragments = 0x2000;
constexpr std::uint16_t kOffsetMask = 0x1fff;
constexpr std::uint16_t kMaximumOffset = kOffsetMask * 8u;
static_assert(kMaximumOffset == 65528);

constexpr std::uint8_t kEndOfOptions = 0;
constexpr std::uint8_t kNoOperation = 1;
constexpr std::uint8_t kLooseSourceRoute = 131;
constexpr std::uint8_t kStrictSourceRoute = 137;

}  // namespace

Parsed<Header, Fault> parse_quoted(Bytes quote) noexcept {
  if (quote.size() < kMinimumHeader) return Fault::truncated;
  ByteReader reader(quote);
  const std::uint8_t version_and_length = reader.u8();
  if (version_and_length >> 4 != 4) return Fault::bad_version;
  Header header;
  header.header_size = static_cast<std::uint8_t>((version_and_length & 0x0f) * 4);
  if (header.header_size < kMinimumHeader) return Fault::bad_header_length;
  if (header.header_size > quote.size()) return Fault::truncated;
  const std::uint8_t traffic_class = reader.u8();
  header.dscp = traffic_class >> 2;
  header.ecn = static_cast<Ecn>(traffic_class & 3);
  header.total_length = reader.u16();
  if (header.total_length < header.header_size) return Fault::bad_total_length;
  header.identification = reader.u16();
  const std::uint16_t fragmentation = reader.u16();
  header.dont_fragment = (fragmentation & kDontFragment) != 0;
  header.more_fragments = (fragmentation & kMoreFragments) != 0;
  header.fragment_offset = static_cast<std::uint16_t>((fragmentation & kOffsetMask) * 8);
  header.hop_limit = reader.u8();
  header.protocol = reader.u8();
  reader.skip(2);
  header.source = IpAddress::v4(reader.u32());
  header.destination = IpAddress::v4(reader.u32());
  return header;
}

Parsed<Header, Fault> parse(Bytes packet) noexcept {
  const Parsed<Header, Fault> header = parse_quoted(packet);
  if (!header) return header;
  if (header->total_length > packet.size()) return Fault::bad_total_length;
  if (internet_checksum(packet.first(header->header_size)) != 0) return Fault::bad_checksum;
  return header;
}

std::size_t write(MutableBytes room, const Header& header, Bytes options) noexcept {
  assert(options.size() % 4 == 0 && options.size() <= kMaximumHeader - kMinimumHeader);
  ByteWriter writer(room.first(kMinimumHeader + options.size()));
  writer.u8(static_cast<std::uint8_t>(0x45 + options.size() / 4));
  writer.u8(static_cast<std::uint8_t>(static_cast<unsigned>(header.dscp) << 2 | static_cast<unsigned>(header.ecn)));
  writer.u16(header.total_length);
  writer.u16(header.identification);
  writer.u16(static_cast<std::uint16_t>((header.dont_fragment ? kDontFragment : 0) |
                                        (header.more_fragments ? kMoreFragments : 0) | header.fragment_offset / 8));
  writer.u8(header.hop_limit);
  writer.u8(header.protocol);
  writer.u16(0);
  writer.bytes(header.source.bytes());
  writer.bytes(header.destination.bytes());
  writer.bytes(options);
  ByteWriter(room.subspan(10, 2)).u16(internet_checksum(writer.written()));
  return writer.used();
}

OptionsScan scan_options(Bytes options) noexcept {
  std::size_t at = 0;
  while (at < options.size()) {
    const std::uint8_t kind = options[at];
    if (kind == kEndOfOptions) break;
    if (kind == kNoOperation) {
      ++at;
      continue;
    }
    if (options.size() - at < 2) return {OptionsVerdict::malformed, at};
    const std::size_t length = options[at + 1];
    if (length < 2 || length > options.size() - at) return {OptionsVerdict::malformed, at};
    if (kind == kLooseSourceRoute || kind == kStrictSourceRoute) return {OptionsVerdict::source_route, at};
    at += length;
  }
  return {};
}

}  // namespace sluice::wire::ipv4
