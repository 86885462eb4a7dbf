// The ladder and the figures of a conversation, around what stream_watch.cpp infers of each segment.
#include "lab/explain.hpp"

#include <fmt/format.h>

#include <chrono>

#include "lab/exchange.hpp"
#include "lab/ladder.hpp"
#include "lab/replay_comparison.hpp"
#include "lab/replay_numbers.hpp"
#include "lab/stream_watch.hpp"
#include "lab/units.hpp"

namespace sluice::lab {
namespace {

double milliseconds(Duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

std::string note_of_other(const DatagramView& view) {
  if (view.fragment) return view.fragment->offset == 0 ? "first fragment" : "fragment";
  return view_quote(view) ? "an error about a packet of the other direction" : "";
}

std::string name_of_end(const Endpoint& end, ConversationKind kind) {
  return kind == ConversationKind::icmp ? end.address.to_string() : end.to_string();
}

std::string windows_text(const SideFigures& figures) {
  std::string text = figures.smallest_window
                         ? fmt::format("window {} to {}", *figures.smallest_window, figures.largest_window)
                         : fmt::format("window {}", figures.largest_window);
  if (figures.zero_windows > 0) text += fmt::format(", closed {} times", figures.zero_windows);
  if (figures.mss) text += fmt::format(", MSS {}", *figures.mss);
  return text;
}

std::string round_trips_text(const SideFigures& figures) {
  if (figures.rtt_samples == 0) return "no round trip measured";
  return fmt::format("round trips {:.3f} / {:.3f} / {:.3f} ms (least, mean, most of {})",
                     milliseconds(figures.rtt_least), milliseconds(figures.rtt_mean), milliseconds(figures.rtt_most),
                     figures.rtt_samples);
}

std::string side_text(std::string_view name, const ConversationSummary::Half& half, const SideFigures& figures,
                      bool tcp) {
  std::string text = fmt::format("{}: {} packets, {} bytes", name, half.packets, half.bytes);
  if (!tcp) return text + "\n";
  text += fmt::format(", {} retransmitted ({} bytes), {} out of order, {} duplicate ACKs, {} SACK blocks\n",
                      figures.retransmissions, figures.retransmitted_bytes, figures.out_of_order,
                      figures.duplicate_acks, figures.sack_blocks);
  return text + fmt::format("  {}; {}, {} bytes in flight at most, silent for {} at most; {}\n", windows_text(figures),
                            rate_text(figures.throughput), figures.most_in_flight, time_text(figures.longest_idle),
                            round_trips_text(figures));
}

}  // namespace

Explanation explain(const Conversation& conversation) {
  Explanation result;
  result.title = conversation.title();
  result.opener_name = name_of_end(conversation.opener, conversation.kind);
  result.other_name = name_of_end(conversation.other, conversation.kind);
  result.summary = summarize(conversation);
  NumberBase opener;
  NumberBase other;
  ConnectionWatch watch;
  ConnectionFigures figures;
  const Time start = conversation.packets.empty() ? Time{} : conversation.packets.front().at;
  for (const ConversationPacket& packet : conversation.packets) {
    ExplainedPacket one{packet.number, packet.at - start, packet.from_opener, {}, {}, {}};
    if (const auto segment = view_segment(packet.bytes)) {
      (packet.from_opener ? opener : other).learn(*segment);
      const std::size_t text = segment->text.size();
      one.segment = watch.take(packet.from_opener, packet.number, packet.at, segment->header, text, one.note);
      figures.take(packet.from_opener, packet.at, segment->header, text, *one.segment);
    } else if (const auto view = view_datagram(packet.bytes)) {
      one.note = note_of_other(*view);
    }
    const Numbers numbers =
        packet.from_opener ? Numbers{opener.side(), other.side()} : Numbers{other.side(), opener.side()};
    one.text = packet_text(packet.bytes, numbers, false);
    result.packets.push_back(std::move(one));
  }
  result.opener = figures.of(true);
  result.other = figures.of(false);
  return result;
}

std::string to_text(const Explanation& explanation) {
  std::vector<Rung> rungs;
  rungs.reserve(explanation.packets.size());
  for (const ExplainedPacket& one : explanation.packets)
    rungs.push_back({one.at, one.from_opener ? Rung::Kind::inbound : Rung::Kind::outbound, one.text,
                     one.note.empty() ? fmt::format("{}", one.number) : fmt::format("{}: {}", one.number, one.note)});
  const bool tcp = explanation.summary.end != ConversationEnd::none;
  std::string text = explanation.title + "\n" + ladder(rungs, "opener", "other side");
  text += side_text("opener", explanation.summary.opener, explanation.opener, tcp);
  text += side_text("other side", explanation.summary.other, explanation.other, tcp);
  if (tcp)
    text += fmt::format("{} after {:.3f} s\n", name(explanation.summary.end),
                        std::chrono::duration<double>(explanation.summary.length).count());
  return text;
}

}  // namespace sluice::lab
