// Counts what each side said; see conversation_summary.hpp.
#include "lab/conversation_summary.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "lab/replay_numbers.hpp"

namespace sluice::lab {
namespace {

constexpr std::size_t kDatagramHeader = 8;  // of UDP and of an ICMP echo

/// Follows one side's numbers; 32 bits are enough to tell new from old within half the number space.
class StreamCount {
 public:
  void take(const wire::tcp::Header& header, std::size_t text, ConversationSummary::Half& half) {
    const bool syn = header.has(wire::tcp::syn);
    const std::uint32_t begin = header.seq + (syn ? 1u : 0u);
    const bool fin = header.has(wire::tcp::fin);
    fin_ |= fin;
    if (!end_ || syn) end_ = begin;
    const std::uint32_t end = begin + static_cast<std::uint32_t>(text) + (fin ? 1u : 0u);
    if (begin == end) return;
    if (static_cast<std::int32_t>(begin - *end_) < 0) ++half.retransmitted;
    const auto news = static_cast<std::int32_t>(end - *end_);
    if (news <= 0) return;
    half.bytes += std::min<std::uint64_t>(static_cast<std::uint32_t>(news), text);
    end_ = end;
  }
  bool finished() const noexcept { return fin_; }

 private:
  std::optional<std::uint32_t> end_;
  bool fin_ = false;
};

}  // namespace

std::string_view name(ConversationEnd end) noexcept {
  static constexpr std::array<std::string_view, 5> kNames = {"", "open", "half-closed", "closed", "reset"};
  return kNames[static_cast<std::size_t>(end)];
}

ConversationSummary summarize(const Conversation& conversation) {
  ConversationSummary summary;
  StreamCount opener;
  StreamCount other;
  bool reset = false;
  for (const ConversationPacket& packet : conversation.packets) {
    ConversationSummary::Half& half = packet.from_opener ? summary.opener : summary.other;
    ++half.packets;
    const auto view = view_datagram(packet.bytes);
    if (!view) continue;
    if (const auto header = tcp_header(*view)) {
      reset |= header->has(wire::tcp::rst);
      (packet.from_opener ? opener : other).take(*header, view->transport.size() - header->size, half);
    } else if (conversation.kind != ConversationKind::tcp) {
      const bool later_fragment = view->fragment && view->fragment->offset > 0;
      half.bytes += view->transport.size() - (later_fragment ? 0 : std::min(kDatagramHeader, view->transport.size()));
    }
  }
  if (!conversation.packets.empty()) summary.length = conversation.packets.back().at - conversation.packets.front().at;
  if (conversation.kind != ConversationKind::tcp) return summary;
  const int finished = int{opener.finished()} + int{other.finished()};
  summary.end = reset           ? ConversationEnd::reset
                : finished == 2 ? ConversationEnd::closed
                : finished == 1 ? ConversationEnd::half
                                : ConversationEnd::open;
  return summary;
}

}  // namespace sluice::lab
