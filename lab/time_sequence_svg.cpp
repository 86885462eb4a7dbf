// Axes, bars and staircases; see time_sequence_svg.hpp.
#include "lab/time_sequence_svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <span>
#include <string_view>
#include <utility>

#include "lab/svg.hpp"

namespace sluice::lab {
namespace {

constexpr double kWidth = 960;
constexpr double kLeft = 80, kRight = 30;
constexpr double kInset = 12;   ///< so that what happens first and last does not lie on the frame
constexpr double kTop = 50;     ///< of the picture
constexpr double kPanel = 400;  ///< height of a direction's share, of which the graph takes:
constexpr double kAbove = 26, kBelow = 64;

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

/// A unit in which the numbers of an axis are short.
struct Unit {
  double size;
  std::string_view name;
};
Unit unit_for(double range, std::span<const Unit> large_to_small) {
  for (const Unit& one : large_to_small)
    if (range >= 2 * one.size) return one;
  return large_to_small.back();
}
constexpr std::array<Unit, 3> kTimes = {{{1, "s"}, {1e-3, "ms"}, {1e-6, "µs"}}};
constexpr std::array<Unit, 4> kSizes = {{{1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}, {1, "B"}}};

/// Vertical bars of one look, as a path; what touches the bar before it in the same column becomes part of it.
class Bars {
 public:
  void add(double x, double top, double bottom) {
    const std::string column = coordinate(x);
    if (column == column_ && top <= bottom_ + 0.1 && bottom >= top_ - 0.1) {
      top_ = std::min(top_, top);
      bottom_ = std::max(bottom_, bottom);
      return;
    }
    flush();
    column_ = column;
    top_ = top;
    bottom_ = bottom;
  }
  const std::string& path() {
    flush();
    column_.clear();
    return path_;
  }

 private:
  void flush() {
    if (!column_.empty()) path_ += fmt::format("M{} {}V{}", column_, coordinate(bottom_), coordinate(top_));
  }
  std::string path_;
  std::string column_;
  double top_ = 0;
  double bottom_ = 0;
};

/// A line that keeps its height until the next step.
class Staircase {
 public:
  void step(double x, double y) {
    const std::string column = coordinate(x);
    const std::string height = coordinate(y);
    if (path_.empty())
      path_ = fmt::format("M{} {}", column, height);
    else if (height != height_)
      path_ += fmt::format("H{}V{}", column, height);
    height_ = height;
  }
  std::string path_to(double end) const { return path_.empty() ? path_ : path_ + "H" + coordinate(end); }

 private:
  std::string path_;
  std::string height_;
};

/// One direction: text of one side, ACKs of the other.
class Panel {
 public:
  Panel(const Explanation& explanation, bool of_opener, double top)
      : explanation_(explanation), of_opener_(of_opener), top_(top + kAbove), bottom_(top + kPanel - kBelow) {
    measure();
  }
  void draw(Svg& svg);

 private:
  void measure();
  void take(const ExplainedPacket& packet);
  void take_ack(double x, const ExplainedSegment& segment);
  void mark(Svg& svg, const ExplainedPacket& packet) const;
  void draw_axes(Svg& svg) const;
  void draw_legend(Svg& svg) const;

  double x(double time) const { return kLeft + kInset + time / length_ * (kWidth - kLeft - kRight - 2 * kInset); }
  double y(double number) const { return bottom_ - (number - low_) / (high_ - low_) * (bottom_ - top_); }
  double y(std::int64_t number) const { return y(static_cast<double>(number)); }

  const Explanation& explanation_;
  bool of_opener_;
  double top_;
  double bottom_;
  double length_ = 0;  ///< seconds
  double low_ = 0;
  double high_ = 0;
  double farthest_edge_ = 0;               ///< of the window
  std::map<std::string_view, Bars> bars_;  ///< by look
  Bars duplicates_;
  Bars sacks_;
  Staircase acked_;
  Staircase edge_;
  std::int64_t latest_ack_ = std::numeric_limits<std::int64_t>::min();
};

// The edge of a window that is never filled would press all text to the bottom: it may run out of the picture.
void Panel::measure() {
  std::int64_t least = 0, most = 1, edge = 1;
  for (const ExplainedPacket& packet : explanation_.packets) {
    if (!packet.segment || packet.segment->deeds.has(Deed::reset)) continue;
    const ExplainedSegment& segment = *packet.segment;
    if (packet.from_opener == of_opener_) {
      least = std::min(least, segment.range.begin);
      most = std::max(most, segment.range.end);
    } else if (segment.has_ack) {
      most = std::max(most, segment.ack);
      edge = std::max(edge, segment.ack + static_cast<std::int64_t>(segment.window));
    }
  }
  low_ = static_cast<double>(least);
  high_ = std::min(static_cast<double>(std::max(edge, most)), static_cast<double>(most) * 1.6);
  high_ += (high_ - low_) * 0.04;
  farthest_edge_ = static_cast<double>(edge);
  length_ = std::max(seconds(explanation_.summary.length), 1e-6);
}

void Panel::take(const ExplainedPacket& packet) {
  const ExplainedSegment& segment = *packet.segment;
  const double column = x(seconds(packet.at));
  if (packet.from_opener != of_opener_) return take_ack(column, segment);
  if (!segment.range.empty() || segment.deeds.has(Deed::keep_alive) || segment.deeds.has(Deed::reset))
    bars_[look_of(segment.deeds)].add(column, y(segment.range.end), y(segment.range.begin));
}

void Panel::take_ack(double column, const ExplainedSegment& segment) {
  if (!segment.has_ack || segment.ack < latest_ack_) return;
  latest_ack_ = segment.ack;
  acked_.step(column, y(segment.ack));
  edge_.step(column, y(static_cast<double>(segment.ack) + static_cast<double>(segment.window)));
  if (segment.deeds.has(Deed::duplicate_ack)) duplicates_.add(column, y(segment.ack), y(segment.ack) + 5);
  for (const ExplainedSegment::Range& block : segment.sacks) sacks_.add(column, y(block.end), y(block.begin));
}

void Panel::mark(Svg& svg, const ExplainedPacket& packet) const {
  const ExplainedSegment& segment = *packet.segment;
  const bool reset = segment.deeds.has(Deed::reset);
  const char* words = reset                          ? "RST"
                      : segment.deeds.has(Deed::syn) ? "SYN"
                      : segment.deeds.has(Deed::fin) ? "FIN"
                                                     : nullptr;
  if (!words || packet.from_opener != of_opener_) return;
  const double column = x(seconds(packet.at));
  const bool late = column > kWidth - kRight - 40;
  svg.text("note", column + (late ? -5 : 5), std::clamp(y(segment.range.end), top_, bottom_) - 5, words,
           late ? Svg::Anchor::end : Svg::Anchor::start);
}

void Panel::draw_axes(Svg& svg) const {
  const Unit time = unit_for(length_, kTimes);
  for (const double tick : round_ticks(0, length_ / time.size, 8)) {
    const double column = x(tick * time.size);
    svg.line("grid", column, top_, column, bottom_);
    svg.text("axis", column, bottom_ + 16, fmt::format("{:g} {}", tick, time.name), Svg::Anchor::middle);
  }
  const Unit size = unit_for(high_ - low_, kSizes);
  for (const double tick : round_ticks(low_ / size.size, high_ / size.size, 6)) {
    const double height = y(tick * size.size);
    svg.line("grid", kLeft, height, kWidth - kRight, height);
    svg.text("axis", kLeft - 6, height + 4, fmt::format("{:g} {}", tick, size.name), Svg::Anchor::end);
  }
  svg.rectangle("frame", kLeft, top_, kWidth - kLeft - kRight, bottom_ - top_);
}

void Panel::draw_legend(Svg& svg) const {
  struct Entry {
    std::string_view look;
    std::string_view words;
  };
  static constexpr std::array<Entry, 8> kEntries = {{{"plain bar", "text"},
                                                     {"again bar", "sent again"},
                                                     {"overtaken bar", "out of order"},
                                                     {"probe bar", "probe"},
                                                     {"acked", "acknowledged"},
                                                     {"duplicate bar", "duplicate ACK"},
                                                     {"sack bar", "SACK block"},
                                                     {"window", "window's edge"}}};
  double column = kLeft;
  const double height = bottom_ + 38;
  for (const Entry& one : kEntries) {
    svg.line(one.look, column, height - 4, column + 12, height - 4);
    svg.text("legend", column + 18, height, one.words);
    column += 40 + 6.2 * static_cast<double>(one.words.size());
  }
}

void Panel::draw(Svg& svg) {
  svg.text("caption", kLeft, top_ - 8,
           fmt::format("text of {}, ACKs of {}", of_opener_ ? explanation_.opener_name : explanation_.other_name,
                       of_opener_ ? explanation_.other_name : explanation_.opener_name));
  const Unit size = unit_for(farthest_edge_, kSizes);
  if (farthest_edge_ > high_)
    svg.text("note", kWidth - kRight, top_ - 8,
             fmt::format("the window's edge runs up to {:.4g} {}", farthest_edge_ / size.size, size.name),
             Svg::Anchor::end);
  draw_axes(svg);
  for (const ExplainedPacket& packet : explanation_.packets)
    if (packet.segment) take(packet);
  svg.clip(kLeft, top_, kWidth - kLeft - kRight, bottom_ - top_);
  const double end = kWidth - kRight;
  svg.path("window", edge_.path_to(end));
  svg.path("acked", acked_.path_to(end));
  svg.path("sack bar", sacks_.path());
  svg.path("duplicate bar", duplicates_.path());
  for (const std::string_view look : {"plain", "probe", "overtaken", "again", "reset"})
    svg.path(fmt::format("{} bar", look), bars_[look].path());
  svg.close();
  for (const ExplainedPacket& packet : explanation_.packets)
    if (packet.segment) mark(svg, packet);
  draw_legend(svg);
}

/// SYN and FIN alone make no graph worth looking at.
bool carries_text(const Explanation& explanation, bool of_opener) {
  const ConversationSummary& summary = explanation.summary;
  return (of_opener ? summary.opener : summary.other).bytes > 0;
}

}  // namespace

std::vector<double> round_ticks(double low, double high, unsigned count) {
  const double least = (high - low) / count;
  double step = std::pow(10, std::floor(std::log10(least)));
  for (const double factor : {1., 2., 5., 10.})
    if (step * factor >= least * (1 - 1e-9)) {
      step *= factor;
      break;
    }
  std::vector<double> ticks;
  for (auto i = static_cast<long long>(std::ceil(low / step - 1e-9));
       static_cast<double>(i) * step <= high + step / 1e6; ++i)
    ticks.push_back(static_cast<double>(i) * step);
  return ticks;
}

std::string time_sequence_svg(const Explanation& explanation) {
  std::vector<bool> directions;
  for (const bool of_opener : {true, false})
    if (carries_text(explanation, of_opener)) directions.push_back(of_opener);
  if (directions.empty()) directions.push_back(true);
  Svg svg(kWidth, kTop + kPanel * static_cast<double>(directions.size()),
          explanation.title + ": time and sequence numbers");
  svg.text("title", 20, 28, explanation.title);
  double top = kTop - 10;
  for (const bool of_opener : directions) {
    Panel(explanation, of_opener, top).draw(svg);
    top += kPanel;
  }
  return std::move(svg).document();
}

}  // namespace sluice::lab
