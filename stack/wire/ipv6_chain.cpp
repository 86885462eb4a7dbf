// The walk over IPv6 extension headers: every step makes progress, and the steps are counted.
#include "stack/wire/ipv6_chain.hpp"

#include "stack/wire/ipv6.hpp"

namespace sluice::wire::ipv6 {
namespace {

constexpr std::uint8_t kPad1 = 0;
constexpr std::uint8_t kPadN = 1;

constexpr std::uint8_t kErroneousField = 0;
constexpr std::uint8_t kUnknownOption = 2;

constexpr std::size_t kNextHeaderField = 6;

bool is_extension(std::uint8_t header) noexcept {
  return header == kRouting || header == kFragment || header == kDestinationOptions;
}

FragmentHeader parse_fragment(Bytes bytes) noexcept {
  ByteReader reader(bytes);
  FragmentHeader header;
  header.next_header = reader.u8();
  reader.skip(1);
  const std::uint16_t offset_and_more = reader.u16();
  header.offset = offset_and_more & 0xfff8;
  header.more = (offset_and_more & 1) != 0;
  header.identification = reader.u32();
  return header;
}

/// RFC 8200 4.2: what the two top bits of an unknown option's type ask for; nullopt = skip it.
std::optional<ChainProblem> judge_unknown(std::uint8_t type, std::size_t at) noexcept {
  const unsigned action = type >> 6;
  if (action == 0) return std::nullopt;
  return ChainProblem{.fault = ChainFault::unknown_option,
                      .answered = action != 1,
                      .even_to_group = action == 2,
                      .code = kUnknownOption,
                      .pointer = static_cast<std::uint32_t>(at)};
}

/// The options in [at, end) of the packet.
std::optional<ChainProblem> check_options(Bytes packet, std::size_t at, std::size_t end) noexcept {
  int options = 0;
  while (at < end) {
    const std::uint8_t type = packet[at];
    if (type == kPad1) {
      ++at;
      continue;
    }
    if (end - at < 2 || packet[at + 1] > end - at - 2) return ChainProblem{};
    if (type != kPadN) {
      if (++options > kMaximumOptions) return ChainProblem{.fault = ChainFault::limit};
      if (const auto problem = judge_unknown(type, at)) return problem;
    }
    at += std::size_t{2} + packet[at + 1];
  }
  return std::nullopt;
}

/// RFC 8200 4.4, RFC 5095: no routing type is ours to follow.
std::optional<ChainProblem> check_routing(Bytes packet, std::size_t at) noexcept {
  const std::uint8_t segments_left = packet[at + 3];
  if (segments_left == 0) return std::nullopt;
  return ChainProblem{.fault = ChainFault::routing,
                      .answered = true,
                      .code = kErroneousField,
                      .pointer = static_cast<std::uint32_t>(at + 2)};
}

/// Where a walk stands: at a header of type `upper` at offset `size`.
struct Walker {
  Bytes packet;
  Chain chain;
  int extensions = 0;
  bool fragment_seen = false;

  std::optional<ChainProblem> step() noexcept;
  std::optional<ChainProblem> step_fragment() noexcept;
  std::optional<ChainProblem> run() noexcept;
};

std::optional<ChainProblem> Walker::step_fragment() noexcept {
  if (fragment_seen || packet.size() - chain.size < FragmentHeader::kSize) return ChainProblem{};
  fragment_seen = true;
  const FragmentHeader header = parse_fragment(packet.subspan(chain.size));
  if (!header.is_atomic()) {
    chain.fragment = header;
    chain.fragment_at = chain.size;
    chain.fragment_named_at = chain.named_at;
  }
  chain.upper = header.next_header;
  chain.named_at = chain.size;
  chain.size += FragmentHeader::kSize;
  return std::nullopt;
}

std::optional<ChainProblem> Walker::step() noexcept {
  if (++extensions > kMaximumExtensions) return ChainProblem{.fault = ChainFault::limit};
  if (chain.upper == kFragment) return step_fragment();
  if (packet.size() - chain.size < 8) return ChainProblem{};
  const std::size_t size = (std::size_t{packet[chain.size + 1]} + 1) * 8;
  if (size > packet.size() - chain.size) return ChainProblem{};
  const auto problem = chain.upper == kRouting ? check_routing(packet, chain.size)
                                               : check_options(packet, chain.size + 2, chain.size + size);
  if (problem) return problem;
  chain.named_at = chain.size;
  chain.upper = packet[chain.size];
  chain.size += size;
  return std::nullopt;
}

std::optional<ChainProblem> Walker::run() noexcept {
  while (!chain.fragment && is_extension(chain.upper))
    if (const auto problem = step()) return problem;
  return std::nullopt;
}

}  // namespace

std::size_t write(MutableBytes room, const FragmentHeader& header) noexcept {
  ByteWriter writer(room);
  writer.u8(header.next_header);
  writer.u8(0);
  writer.u16(static_cast<std::uint16_t>(header.offset | (header.more ? 1 : 0)));
  writer.u32(header.identification);
  return writer.used();
}

Parsed<Chain, ChainProblem> walk(Bytes packet) noexcept {
  Walker walker{.packet = packet,
                .chain = {.upper = packet[kNextHeaderField], .size = kHeaderSize, .named_at = kNextHeaderField}};
  // Only here is a hop-by-hop header one; elsewhere its number is an unknown protocol's [R8200-4-3].
  if (walker.chain.upper == kHopByHop)
    if (const auto problem = walker.step()) return *problem;
  if (const auto problem = walker.run()) return *problem;
  return walker.chain;
}

Parsed<Chain, ChainProblem> walk_fragmentable(Bytes packet, const Chain& chain) noexcept {
  Walker walker{.packet = packet, .chain = chain, .fragment_seen = true};
  walker.chain.fragment.reset();
  if (const auto problem = walker.run()) return *problem;
  return walker.chain;
}

std::optional<QuotedUpper> find_quoted_upper(Bytes quote) noexcept {
  if (quote.size() < kHeaderSize) return std::nullopt;
  QuotedUpper upper{quote[kNextHeaderField], kHeaderSize};
  for (int i = 0; i < kMaximumExtensions; ++i) {
    const bool extension = is_extension(upper.protocol) || (i == 0 && upper.protocol == kHopByHop);
    if (!extension) return upper;
    if (quote.size() - upper.at < 8) return std::nullopt;
    const Bytes header = quote.subspan(upper.at);
    std::size_t size = FragmentHeader::kSize;
    if (upper.protocol != kFragment)
      size = (std::size_t{header[1]} + 1) * 8;
    else if (parse_fragment(header).offset != 0)
      return std::nullopt;
    if (size > header.size()) return std::nullopt;
    upper = {header[0], upper.at + size};
  }
  return std::nullopt;
}

}  // namespace sluice::wire::ipv6
