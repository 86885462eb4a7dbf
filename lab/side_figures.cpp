// See side_figures.hpp.
#include "lab/side_figures.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace sluice::lab {

void ConnectionFigures::take(bool from_opener, Time at, const wire::tcp::Header& header, std::size_t text,
                             const ExplainedSegment& segment) {
  Side& us = from_opener ? opener_ : other_;
  SideFigures& figures = us.figures;
  if (!us.first_at)
    us.first_at = at;
  else
    figures.longest_idle = std::max(figures.longest_idle, at - us.last_at);
  us.last_at = at;
  if (segment.deeds.has(Deed::reset)) return;
  figures.retransmissions += segment.deeds.has(Deed::retransmission) ? 1u : 0u;
  figures.retransmitted_bytes += segment.deeds.has(Deed::retransmission) ? segment.repeated : 0u;
  figures.out_of_order += segment.deeds.has(Deed::out_of_order) ? 1u : 0u;
  figures.duplicate_acks += segment.deeds.has(Deed::duplicate_ack) ? 1u : 0u;
  figures.sack_blocks += segment.sacks.size();
  if (segment.deeds.has(Deed::syn)) figures.mss = header.options.mss;
  take_text(us, at, text, segment);
  take_window(us, segment);
  if (segment.has_ack) take_ack(from_opener ? other_ : opener_, at, segment.ack);
}

void ConnectionFigures::take_text(Side& us, Time at, std::size_t text, const ExplainedSegment& segment) {
  const Deeds& deeds = segment.deeds;
  us.nxt = std::max(us.nxt, segment.range.end);
  if (deeds.has(Deed::retransmission) || deeds.has(Deed::out_of_order)) us.trusted_from = us.nxt;
  us.text += text - std::min<std::uint64_t>(text, segment.repeated);
  if (text == 0) return;
  const std::int64_t fin = deeds.has(Deed::fin) ? 1 : 0;
  us.figures.most_in_flight = std::max(us.figures.most_in_flight,
                                       static_cast<std::uint64_t>(std::max<std::int64_t>(us.nxt - fin - us.acked, 0)));
  // A probe waits for its reader, not for the network.
  const bool first = us.flying.empty() || segment.range.end > us.flying.back().end;
  if (first && !deeds.has(Deed::window_probe)) us.flying.push_back({segment.range.end, at});
}

void ConnectionFigures::take_window(Side& us, const ExplainedSegment& segment) {
  SideFigures& figures = us.figures;
  figures.largest_window = std::max(figures.largest_window, segment.window);
  if (!segment.has_ack) return;
  if (segment.window == 0 && us.window != 0u) ++figures.zero_windows;
  us.window = segment.window;
  if (!segment.deeds.has(Deed::syn))
    figures.smallest_window = std::min(figures.smallest_window.value_or(segment.window), segment.window);
}

void ConnectionFigures::take_ack(Side& them, Time at, std::int64_t ack) {
  std::optional<Duration> latest;
  while (!them.flying.empty() && them.flying.front().end <= ack) {
    latest = at - them.flying.front().sent_at;
    them.flying.pop_front();
  }
  const bool trusted = them.acked >= them.trusted_from;
  them.acked = std::max(them.acked, ack);
  if (!latest || !trusted) return;
  SideFigures& figures = them.figures;
  figures.rtt_least = figures.rtt_samples == 0 ? *latest : std::min(figures.rtt_least, *latest);
  figures.rtt_most = std::max(figures.rtt_most, *latest);
  them.rtt_sum += static_cast<double>(latest->count());
  ++figures.rtt_samples;
}

SideFigures ConnectionFigures::of(bool opener) const {
  const Side& side = opener ? opener_ : other_;
  SideFigures figures = side.figures;
  if (figures.rtt_samples > 0)
    figures.rtt_mean = Duration(std::llround(side.rtt_sum / static_cast<double>(figures.rtt_samples)));
  if (const double active = side.first_at ? std::chrono::duration<double>(side.last_at - *side.first_at).count() : 0;
      active > 0)
    figures.throughput = static_cast<std::uint64_t>(static_cast<double>(side.text) / active);
  const bool heard = (opener ? other_ : opener_).window.has_value();
  if (!heard) figures.most_in_flight = 0;  // of a capture of one direction nobody knows
  return figures;
}

}  // namespace sluice::lab
