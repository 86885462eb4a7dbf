// The writer and its style sheet; see svg.hpp.
#include "lab/svg.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace sluice::lab {
namespace {

// Okabe and Ito's palette, which most eyes can tell apart.
constexpr std::string_view kStyle = R"(
text{font:11px "DejaVu Sans",Verdana,sans-serif;fill:#222}
text.packet,text.time{font-family:"DejaVu Sans Mono",Consolas,monospace}
text.time,text.note{fill:#666}
text.title{font-size:15px;font-weight:bold}
text.caption{font-size:12px}
.background{fill:#fff}
.frame{fill:none;stroke:#888}
.grid{stroke:#e4e4e4}
.lifeline{stroke:#888;stroke-width:2}
path,line{fill:none;stroke-width:1.5}
.bar{stroke-width:2;stroke-linecap:square}
.plain{stroke:#0072b2}
.again{stroke:#d55e00}
.overtaken{stroke:#cc79a7}
.reset{stroke:#c00000}
.probe{stroke:#56b4e9}
.duplicate{stroke:#9a7d0a}
.acked{stroke:#009e73}
.window{stroke:#e69f00}
.sack{stroke:#7b3294}
)";

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

/// Bytes of the UTF-8 sequence that begins here if it is well formed and XML may hold it; else 0.
std::size_t whole_character(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return lead >= 0x20 || lead == '\t' || lead == '\n' ? 1 : 0;
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return 0;
  std::uint32_t code = lead & (0xffu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3fu);
  }
  constexpr std::array<std::uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool allowed = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) && code != 0xfffe && code != 0xffff;
  return allowed && code >= kLeast[size] ? size : 0;
}

std::string_view name(Svg::Anchor anchor) noexcept {
  static constexpr std::array<std::string_view, 3> kNames = {"start", "middle", "end"};
  return kNames[static_cast<std::size_t>(anchor)];
}

}  // namespace

std::string xml_escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t size = whole_character(text);
    switch (text[0]) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += size == 0 ? kReplacement : text.substr(0, size);
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return out;
}

std::string coordinate(double pixels) {
  const auto tenths = static_cast<long long>(std::llround(pixels * 10));
  const std::string_view sign = tenths < 0 ? "-" : "";
  const auto [whole, rest] = std::lldiv(std::llabs(tenths), 10);
  return rest == 0 ? fmt::format("{}{}", sign, whole) : fmt::format("{}{}.{}", sign, whole, rest);
}

Svg::Svg(double width, double height, std::string_view title)
    : text_(fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
                        "viewBox=\"0 0 {0} {1}\">\n<title>{2}</title>\n<style>{3}</style>\n",
                        coordinate(width), coordinate(height), xml_escaped(title), kStyle)) {
  rectangle("background", 0, 0, width, height);
}

void Svg::line(std::string_view look, double x1, double y1, double x2, double y2) {
  text_ += fmt::format("<line class=\"{}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>\n", look, coordinate(x1),
                       coordinate(y1), coordinate(x2), coordinate(y2));
}

void Svg::path(std::string_view look, std::string_view data) {
  if (!data.empty()) text_ += fmt::format("<path class=\"{}\" d=\"{}\"/>\n", look, data);
}

void Svg::rectangle(std::string_view look, double x, double y, double width, double height) {
  text_ += fmt::format("<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>\n", look, coordinate(x),
                       coordinate(y), coordinate(width), coordinate(height));
}

void Svg::text(std::string_view look, double x, double y, std::string_view words, Anchor anchor) {
  const std::string where = anchor == Anchor::start ? "" : fmt::format(" text-anchor=\"{}\"", name(anchor));
  text_ += fmt::format("<text class=\"{}\" x=\"{}\" y=\"{}\"{}>{}</text>\n", look, coordinate(x), coordinate(y), where,
                       xml_escaped(words));
}

void Svg::clip(double x, double y, double width, double height) {
  ++clips_;
  text_ += fmt::format("<clipPath id=\"clip{}\">", clips_);
  rectangle("clip", x, y, width, height);
  text_ += fmt::format("</clipPath>\n<g clip-path=\"url(#clip{})\">\n", clips_);
}

void Svg::close() { text_ += "</g>\n"; }

std::string Svg::document() && {
  text_ += "</svg>\n";
  return std::move(text_);
}

std::string_view look_of(Deeds deeds) noexcept {
  if (deeds.has(Deed::reset)) return "reset";
  if (deeds.has(Deed::retransmission)) return "again";
  if (deeds.has(Deed::out_of_order)) return "overtaken";
  if (deeds.has(Deed::keep_alive) || deeds.has(Deed::window_probe)) return "probe";
  return deeds.has(Deed::duplicate_ack) ? "duplicate" : "plain";
}

}  // namespace sluice::lab
