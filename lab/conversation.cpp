// The tables by which a packet finds its conversation; see conversation.hpp.
#include "lab/conversation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "lab/cut_packet.hpp"
#include "stack/wire/icmp.hpp"
#include "stack/wire/icmpv6.hpp"
#include "stack/wire/tcp.hpp"

namespace sluice::lab {
namespace {

namespace flag = wire::tcp;

bool is_icmp(std::uint8_t number) noexcept { return number == protocol::kIcmp || number == protocol::kIcmpV6; }

std::optional<ConversationKind> kind_of(std::uint8_t number) noexcept {
  if (number == protocol::kTcp) return ConversationKind::tcp;
  if (number == protocol::kUdp) return ConversationKind::udp;
  if (is_icmp(number)) return ConversationKind::icmp;
  return std::nullopt;
}

/// Behind it there is room for timers: the year 2218. A capture from later is a lie.
constexpr Time kLatest{std::chrono::hours(24 * 365 * 248)};

/// Both directions of a flow have the same name. Pings are told apart by their identifier, in place of ports.
using FlowName = std::tuple<ConversationKind, Endpoint, Endpoint>;

FlowName flow_name(ConversationKind kind, const Endpoint& a, const Endpoint& b) {
  return {kind, std::min(a, b), std::max(a, b)};
}

struct Ends {
  ConversationKind kind = ConversationKind::tcp;
  Endpoint source;
  Endpoint destination;
  wire::tcp::Header tcp = {};  ///< of TCP
};

bool is_echo(const DatagramView& packet) noexcept {
  if (packet.transport.size() < wire::icmp::kHeaderSize) return false;
  const std::uint8_t type = packet.transport[0];
  return packet.protocol == protocol::kIcmp ? type == wire::icmp::kEchoRequest || type == wire::icmp::kEchoReply
                                            : type == wire::icmpv6::kEchoRequest || type == wire::icmpv6::kEchoReply;
}

/// nullopt when the packet is too short for ports, or of another transport. REQUIRES no later fragment.
std::optional<Ends> ends_of(const DatagramView& packet) noexcept {
  const auto kind = kind_of(packet.protocol);
  if (!kind) return std::nullopt;
  Ends ends{*kind, {packet.source, 0}, {packet.destination, 0}, {}};
  ByteReader in(packet.transport);
  if (*kind == ConversationKind::icmp) {
    in.skip(4);
    if (is_echo(packet)) ends.source.port = ends.destination.port = in.u16();
    return ends;
  }
  ends.source.port = in.u16();
  ends.destination.port = in.u16();
  const bool whole = *kind == ConversationKind::udp
                         ? packet.transport.size() >= 8
                         : wire::tcp::parse(packet.transport, ends.tcp) == wire::tcp::ParseError::none;
  return whole ? std::optional(ends) : std::nullopt;
}

class Splitter {
 public:
  Splitter(Conversations& result, const ConversationLimits& limits) : result_(result), limits_(limits) {}

  void add(const CapturedPacket& packet, std::size_t number);

 private:
  using FragmentName = std::tuple<IpAddress, IpAddress, std::uint8_t, std::uint32_t>;

  bool fill(Bytes& packet, std::size_t missing);
  std::optional<std::size_t> find(const DatagramView& packet, const std::optional<Ends>& ends);
  std::optional<std::size_t> find_flow(const Ends& ends, const DatagramView& packet);
  std::optional<std::size_t> find_quoted(const DatagramView& packet) const;
  std::optional<std::size_t> latest(const FlowName& name) const;
  std::optional<std::size_t> begin(const Ends& ends);
  std::optional<std::size_t> find_tcp(const Ends& ends);
  static bool begins_anew(const Conversation& known, bool from_opener, const wire::tcp::Header& header);
  static void learn(Conversation& conversation, bool from_opener, const wire::tcp::Header& header);

  Conversations& result_;
  ConversationLimits limits_;
  std::map<FlowName, std::size_t> latest_;
  std::map<FragmentName, std::size_t> fragments_;
  std::size_t packets_ = 0;
  std::size_t zeros_ = 0;
  Time now_{};
};

void Splitter::add(const CapturedPacket& packet, std::size_t number) {
  Bytes bytes = ip_packet(packet);
  if (bytes.empty()) {
    ++result_.without_ip;
    return;
  }
  const bool cut = packet.original_size > packet.bytes.size();
  const std::size_t missing = cut ? packet.original_size - packet.bytes.size() : 0;
  if (cut && !fill(bytes, missing)) {
    ++result_.damaged;
    return;
  }
  const auto view = view_datagram(bytes);
  if (!view) {
    ++result_.damaged;
    return;
  }
  if (packets_ == limits_.packets) {
    ++result_.beyond_limits;
    return;
  }
  const bool first = !view->fragment || view->fragment->offset == 0;
  const auto ends = first ? ends_of(*view) : std::nullopt;
  const auto found = find(*view, ends);
  if (!found) return;
  ++packets_;
  result_.cut += cut ? 1u : 0u;
  now_ = std::max(now_, std::min(Time(packet.time), kLatest));
  Conversation& conversation = result_.all[*found];
  ConversationPacket one{number,           now_, view->destination != conversation.opener.address,
                         packet.direction, cut,  bytes.first(view->transport_offset + view->transport.size())};
  if (ends && ends->kind == conversation.kind && conversation.kind != ConversationKind::icmp)
    one.from_opener = ends->source == conversation.opener;
  conversation.packets.push_back(one);
}

/// Lets the packet be as long as it was, if its headers are there.
bool Splitter::fill(Bytes& packet, std::size_t missing) {
  if (packet.size() + missing > limits_.zeros - zeros_) return false;
  auto whole = filled(packet, missing);
  if (!whole) return false;
  zeros_ += whole->size();
  packet = result_.filled.emplace_back(std::move(*whole));
  return true;
}

std::optional<std::size_t> Splitter::latest(const FlowName& name) const {
  const auto found = latest_.find(name);
  return found == latest_.end() ? std::nullopt : std::optional(found->second);
}

/// `ends`: nullopt for later fragments, too.
std::optional<std::size_t> Splitter::find(const DatagramView& packet, const std::optional<Ends>& ends) {
  const FragmentName fragment{packet.source, packet.destination, packet.protocol,
                              packet.fragment ? packet.fragment->identification : 0};
  if (packet.fragment && packet.fragment->offset != 0) {
    const auto found = fragments_.find(fragment);
    if (found == fragments_.end()) {
      ++result_.unassigned;
      return std::nullopt;
    }
    return found->second;
  }
  if (!ends) {
    ++result_.unassigned;
    return std::nullopt;
  }
  const auto found = ends->kind == ConversationKind::tcp ? find_tcp(*ends) : find_flow(*ends, packet);
  if (found && packet.fragment) fragments_[fragment] = *found;
  return found;
}

std::optional<std::size_t> Splitter::find_flow(const Ends& ends, const DatagramView& packet) {
  std::optional<std::size_t> found;
  if (ends.kind == ConversationKind::icmp) found = find_quoted(packet);
  if (!found) found = latest(flow_name(ends.kind, ends.source, ends.destination));
  return found ? found : begin(ends);
}

std::optional<std::size_t> Splitter::find_quoted(const DatagramView& packet) const {
  const auto quote = view_quote(packet);
  if (!quote) return std::nullopt;
  const auto kind = kind_of(quote->protocol);
  return kind ? latest(flow_name(*kind, quote->source, quote->destination)) : std::nullopt;
}

std::optional<std::size_t> Splitter::begin(const Ends& ends) {
  if (result_.all.size() == limits_.conversations) {
    ++result_.beyond_limits;
    return std::nullopt;
  }
  Conversation fresh;
  fresh.kind = ends.kind;
  fresh.opener = ends.source;
  fresh.other = ends.destination;
  result_.all.push_back(std::move(fresh));
  return latest_[flow_name(ends.kind, ends.source, ends.destination)] = result_.all.size() - 1;
}

std::optional<std::size_t> Splitter::find_tcp(const Ends& ends) {
  const wire::tcp::Header& header = ends.tcp;
  auto found = latest(flow_name(ends.kind, ends.source, ends.destination));
  const bool bare_syn = header.has(flag::syn) && !header.has(flag::ack);
  if (found && bare_syn) {
    const Conversation& known = result_.all[*found];
    if (begins_anew(known, ends.source == known.opener, header)) found.reset();
  }
  const bool fresh = !found;
  if (fresh) found = begin(ends);
  if (!found) return std::nullopt;
  Conversation& conversation = result_.all[*found];
  if (fresh && header.has(flag::syn) && header.has(flag::ack)) std::swap(conversation.opener, conversation.other);
  learn(conversation, ends.source == conversation.opener, header);
  return found;
}

bool Splitter::begins_anew(const Conversation& known, bool from_opener, const wire::tcp::Header& header) {
  if (!known.has_opening) return true;
  const auto& isn = from_opener ? known.opener_isn : known.other_isn;
  return isn && *isn != header.seq;  // without one: the other SYN of a simultaneous open
}

void Splitter::learn(Conversation& conversation, bool from_opener, const wire::tcp::Header& header) {
  if (!header.has(flag::syn)) return;
  auto& own = from_opener ? conversation.opener_isn : conversation.other_isn;
  auto& far = from_opener ? conversation.other_isn : conversation.opener_isn;
  if (!own) own = header.seq;
  if (header.has(flag::ack) && !far) far = header.ack - 1;
  if (from_opener && !header.has(flag::ack)) conversation.has_opening = true;
}

}  // namespace

std::string_view name(ConversationKind kind) noexcept {
  switch (kind) {
    case ConversationKind::tcp: return "tcp";
    case ConversationKind::udp: return "udp";
    case ConversationKind::icmp: return "icmp";
  }
  return "";
}

std::string Conversation::title() const {
  if (kind == ConversationKind::icmp)
    return fmt::format("icmp {} > {}", opener.address.to_string(), other.address.to_string());
  return fmt::format("{} {} > {}", name(kind), opener.to_string(), other.to_string());
}

Conversations split(CaptureReader& reader, const ConversationLimits& limits) {
  Conversations result;
  Splitter splitter(result, limits);
  for (std::size_t number = 1; const auto packet = reader.next(); ++number) splitter.add(*packet, number);
  result.error = reader.error();
  return result;
}

Conversations split(const Capture& capture, const ConversationLimits& limits) {
  CaptureReader reader(capture.file);
  return split(reader, limits);
}

}  // namespace sluice::lab
