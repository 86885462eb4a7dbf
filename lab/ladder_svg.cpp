// Layout of ladders; see ladder_svg.hpp.
#include "lab/ladder_svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "lab/script.hpp"
#include "lab/svg.hpp"

namespace sluice::lab {
namespace {

constexpr double kCharacter = 6.7;  ///< width of one in the packets' font, generously
constexpr double kRow = 28;
constexpr double kSlope = 8;  ///< a packet arrives lower than it left
constexpr double kTop = 84;
constexpr double kOpener = 150;  ///< where the opener's lifeline stands
constexpr double kMargin = 20;
constexpr std::size_t kLongest = 110;  ///< characters of a packet or a note

std::string shortened(const std::string& text) {
  return text.size() <= kLongest ? text : text.substr(0, kLongest - 1) + "…";
}

class Drawing {
 public:
  Drawing(const Explanation& explanation, std::span<const ExplainedPacket> first, std::span<const ExplainedPacket> last)
      : explanation_(explanation),
        first_(first),
        last_(last),
        other_(kOpener + kCharacter * static_cast<double>(longest(&ExplainedPacket::text, 40)) + 40),
        svg_(other_ + kCharacter * static_cast<double>(longest(&ExplainedPacket::note, 20)) + 2 * kMargin,
             kTop + kRow * static_cast<double>(rows()) + 2 * kMargin, explanation.title + ": ladder") {}

  std::string drawn() && {
    head();
    double y = kTop;
    for (const ExplainedPacket& one : first_) packet(one, y += kRow);
    if (left_out() > 0) gap(y += kRow);
    for (const ExplainedPacket& one : last_) packet(one, y += kRow);
    return std::move(svg_).document();
  }

 private:
  std::size_t left_out() const { return explanation_.packets.size() - first_.size() - last_.size(); }
  std::size_t rows() const { return first_.size() + last_.size() + (left_out() > 0 ? 1 : 0); }
  std::size_t longest(std::string ExplainedPacket::*words, std::size_t least) const {
    for (const auto& packets : {first_, last_})
      for (const ExplainedPacket& one : packets) least = std::max(least, std::min((one.*words).size(), kLongest));
    return least;
  }

  void head() {
    svg_.text("title", kMargin, 28, explanation_.title);
    svg_.text("caption", kOpener, kTop - 28, explanation_.opener_name, Svg::Anchor::middle);
    svg_.text("caption", other_, kTop - 28, explanation_.other_name, Svg::Anchor::middle);
    svg_.text("time", kMargin, kTop - 6, "seconds");
    svg_.text("time", kOpener - 12, kTop - 6, "packet", Svg::Anchor::end);
    const double bottom = kTop + kRow * static_cast<double>(rows()) + kMargin;
    svg_.line("lifeline", kOpener, kTop - 18, kOpener, bottom);
    svg_.line("lifeline", other_, kTop - 18, other_, bottom);
  }

  void packet(const ExplainedPacket& one, double y) {
    svg_.text("time", kMargin, y, seconds_text(one.at));
    svg_.text("time", kOpener - 12, y, fmt::format("{}", one.number), Svg::Anchor::end);
    const std::string_view look = one.segment ? look_of(one.segment->deeds) : "plain";
    const double from = one.from_opener ? kOpener : other_;
    const double to = one.from_opener ? other_ : kOpener;
    const double back = one.from_opener ? -7 : 7;
    svg_.line(look, from, y - kSlope / 2, to, y + kSlope / 2);
    svg_.path(look,
              fmt::format("M{x} {y1}L{tip} {y2}L{x} {y3}", fmt::arg("x", coordinate(to + back)),
                          fmt::arg("tip", coordinate(to)), fmt::arg("y1", coordinate(y + kSlope / 2 - 4)),
                          fmt::arg("y2", coordinate(y + kSlope / 2)), fmt::arg("y3", coordinate(y + kSlope / 2 + 4))));
    svg_.text("packet", (kOpener + other_) / 2, y - 6, shortened(one.text), Svg::Anchor::middle);
    svg_.text("note", other_ + 12, y + 3, shortened(one.note));
  }

  void gap(double y) {
    svg_.text("caption", (kOpener + other_) / 2, y,
              fmt::format("{} of {} packets are left out here", left_out(), explanation_.packets.size()),
              Svg::Anchor::middle);
  }

  const Explanation& explanation_;
  std::span<const ExplainedPacket> first_;
  std::span<const ExplainedPacket> last_;
  double other_;  ///< where the other side's lifeline stands
  Svg svg_;
};

}  // namespace

std::string ladder_svg(const Explanation& explanation, const LadderLimits& limits) {
  const std::span<const ExplainedPacket> all = explanation.packets;
  const bool whole = all.size() <= limits.first + limits.last;
  return Drawing(explanation, whole ? all : all.first(limits.first), whole ? all.last(0) : all.last(limits.last))
      .drawn();
}

}  // namespace sluice::lab
