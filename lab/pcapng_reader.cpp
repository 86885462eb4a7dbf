// Blocks of both byte orders, every length doubted.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "lab/pcap_bytes.hpp"
#include "lab/pcapng.hpp"
#include "lab/pcapng_format.hpp"

namespace sluice::lab {
namespace {

using std::chrono::nanoseconds;

constexpr auto kLatest = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t kBillion = 1'000'000'000;

/// Whole seconds and the nanoseconds beyond them.
struct Split {
  std::uint64_t seconds;
  std::uint64_t nanoseconds;
};

std::uint64_t power_of_ten(unsigned exponent) noexcept {
  std::uint64_t power = 1;
  while (exponent-- > 0) power *= 10;
  return power;
}

Split split_decimal(std::uint64_t ticks, unsigned exponent) noexcept {
  const std::uint64_t a_second = power_of_ten(std::min(exponent, 19u));
  const std::uint64_t rest = exponent > 19 ? 0 : ticks % a_second;
  return {exponent > 19 ? 0 : ticks / a_second,
          exponent <= 9 ? rest * power_of_ten(9 - exponent) : rest / power_of_ten(std::min(exponent, 19u) - 9)};
}

Split split_binary(std::uint64_t ticks, unsigned exponent) noexcept {
  if (exponent == 0) return {ticks, 0};
  const std::uint64_t seconds = exponent > 63 ? 0 : ticks >> exponent;
  std::uint64_t rest = exponent > 63 ? ticks : ticks & ((std::uint64_t{1} << exponent) - 1);
  const unsigned shift = exponent > 32 ? exponent - 32 : 0;  // keeps 32 bits of the fraction
  rest = shift > 63 ? 0 : rest >> shift;
  return {seconds, rest * kBillion >> (exponent - shift)};
}

/// if_tsresol: the high bit tells powers of two from powers of ten. What no clock can show becomes the last moment.
nanoseconds to_time(std::uint64_t ticks, std::uint8_t resolution, std::int64_t offset) noexcept {
  const unsigned exponent = resolution & 0x7f;
  const Split split = resolution & 0x80 ? split_binary(ticks, exponent) : split_decimal(ticks, exponent);
  constexpr std::int64_t kLastSecond = kLatest / static_cast<std::int64_t>(kBillion) - 1;
  if (split.seconds > static_cast<std::uint64_t>(kLastSecond)) return nanoseconds(kLatest);
  const auto seconds = static_cast<std::int64_t>(split.seconds);
  if (offset > kLastSecond - seconds || offset < -kLastSecond) return nanoseconds(kLatest);
  return std::chrono::seconds(seconds + offset) + nanoseconds(static_cast<std::int64_t>(split.nanoseconds));
}

constexpr std::size_t padded(std::size_t size) noexcept { return (size + 3) / 4 * 4; }

}  // namespace

bool PcapngReader::recognizes(Bytes file) noexcept { return ByteReader(file).u32() == pcapng::kSectionHeader; }

void PcapngReader::fail(std::string why) {
  error_ = fmt::format("the pcapng file is damaged at byte {}: {}", position_, why);
}

bool PcapngReader::begin_section(Bytes file) {
  ByteReader reader(file);
  reader.skip(8);
  const std::uint32_t magic = reader.u32();
  little_ = magic != pcapng::kByteOrder;
  in_section_ = reader.ok() && (!little_ || __builtin_bswap32(magic) == pcapng::kByteOrder);
  interfaces_.clear();
  if (!in_section_) fail("no byte-order mark");
  return in_section_;
}

std::optional<PcapngReader::Block> PcapngReader::next_block() {
  const Bytes rest = file_.subspan(position_);
  if (rest.empty() || !error_.empty()) return std::nullopt;
  const bool section = ByteReader(rest).u32() == pcapng::kSectionHeader;
  if (section && !begin_section(rest)) return std::nullopt;
  if (!in_section_) {
    error_ = "this is not a pcapng file";
    return std::nullopt;
  }
  EndianReader reader(rest, little_);
  const std::uint32_t type = reader.u32();
  const std::uint32_t size = reader.u32();
  if (!reader.ok() || size > rest.size()) {
    fail("it ends within a block");
    return std::nullopt;
  }
  if (size < 12 || size % 4 != 0 || EndianReader(rest.subspan(size - 4), little_).u32() != size) {
    fail("a block has an impossible length");
    return std::nullopt;
  }
  return Block{type, rest.subspan(8, size - 12)};
}

std::optional<CapturedPacket> PcapngReader::next() {
  while (const auto block = next_block()) {
    std::optional<CapturedPacket> packet = packet_of(*block);
    if (!error_.empty()) return std::nullopt;
    position_ += block->body.size() + 12;
    if (packet) return packet;
  }
  return std::nullopt;
}

std::optional<CapturedPacket> PcapngReader::packet_of(const Block& block) {
  switch (block.type) {
    case pcapng::kSectionHeader: read_section(block.body); return std::nullopt;
    case pcapng::kInterface: read_interface(block.body); return std::nullopt;
    case pcapng::kEnhancedPacket: return read_enhanced(block.body);
    case pcapng::kSimplePacket: return read_simple(block.body);
    case pcapng::kOldPacket: return read_old(block.body);
    default: return std::nullopt;
  }
}

template <class Visit>
bool PcapngReader::for_each_option(Bytes options, Visit visit) {
  EndianReader reader(options, little_);
  while (reader.remaining() > 0) {
    const std::uint16_t code = reader.u16();
    const std::uint16_t size = reader.u16();
    const Bytes value = reader.take(padded(size));
    if (!reader.ok()) {
      fail("an option is longer than its block");
      return false;
    }
    if (code == pcapng::kEndOfOptions) return true;
    visit(code, value.first(size));
  }
  return true;
}

void PcapngReader::read_section(Bytes body) {
  EndianReader reader(body, little_);
  reader.skip(4);
  const std::uint16_t major = reader.u16();
  reader.skip(2 + 8);
  if (!reader.ok()) return fail("a section header is too short");
  if (major != 1) fail(fmt::format("version {}, only version 1 is known", major));
}

void PcapngReader::read_interface(Bytes body) {
  EndianReader reader(body, little_);
  Interface interface;
  interface.link = static_cast<LinkType>(reader.u16());
  reader.skip(2);
  interface.snap = reader.u32();
  if (!reader.ok()) return fail("an interface block is too short");
  const bool little = little_;
  const bool good = for_each_option(reader.rest(), [&](std::uint16_t code, Bytes value) {
    if (code == pcapng::kTimeResolution && value.size() == 1) interface.resolution = value[0];
    if (code == pcapng::kTimeOffset && value.size() == 8)
      interface.offset = static_cast<std::int64_t>(EndianReader(value, little).u64());
  });
  if (good) interfaces_.push_back(interface);
}

std::optional<CapturedPacket> PcapngReader::make_packet(std::uint32_t interface, std::uint64_t ticks, Bytes bytes,
                                                        std::size_t original) {
  if (interface >= interfaces_.size()) {
    fail(fmt::format("a packet of interface {}, which has no description", interface));
    return std::nullopt;
  }
  const Interface& from = interfaces_[interface];
  CapturedPacket packet;
  packet.time = to_time(ticks, from.resolution, from.offset);
  packet.link = from.link;
  packet.bytes = bytes;
  packet.original_size = original;
  return packet;
}

std::optional<CapturedPacket> PcapngReader::read_enhanced(Bytes body) {
  EndianReader reader(body, little_);
  const std::uint32_t interface = reader.u32();
  const std::uint64_t high = reader.u32();
  const std::uint64_t ticks = high << 32 | reader.u32();
  const std::uint32_t size = reader.u32();
  const std::uint32_t original = reader.u32();
  const Bytes bytes = reader.take(padded(size));
  if (!reader.ok()) {
    fail("a packet is longer than its block");
    return std::nullopt;
  }
  auto packet = make_packet(interface, ticks, bytes.first(size), original);
  if (!packet) return packet;
  const bool little = little_;
  for_each_option(reader.rest(), [&](std::uint16_t code, Bytes value) {
    if (code == pcapng::kComment) {
      if (!packet->comment.empty()) packet->comment += '\n';
      packet->comment += as_text(value);
    }
    if (code == pcapng::kPacketFlags && value.size() == 4) {
      const std::uint32_t direction = EndianReader(value, little).u32() & 3;
      packet->direction = direction == 3 ? Direction::unknown : static_cast<Direction>(direction);
    }
  });
  return packet;
}

std::optional<CapturedPacket> PcapngReader::read_simple(Bytes body) {
  EndianReader reader(body, little_);
  const std::uint32_t original = reader.u32();
  std::size_t size = original;
  if (!interfaces_.empty() && interfaces_[0].snap != 0) size = std::min(size, interfaces_[0].snap);
  const Bytes bytes = reader.take(size);
  if (!reader.ok()) {
    fail("a packet is longer than its block");
    return std::nullopt;
  }
  return make_packet(0, 0, bytes, original);
}

std::optional<CapturedPacket> PcapngReader::read_old(Bytes body) {
  EndianReader reader(body, little_);
  const std::uint16_t interface = reader.u16();
  reader.skip(2);
  const std::uint64_t high = reader.u32();
  const std::uint64_t ticks = high << 32 | reader.u32();
  const std::uint32_t size = reader.u32();
  const std::uint32_t original = reader.u32();
  const Bytes bytes = reader.take(size);
  if (!reader.ok()) {
    fail("a packet is longer than its block");
    return std::nullopt;
  }
  return make_packet(interface, ticks, bytes, original);
}

}  // namespace sluice::lab
