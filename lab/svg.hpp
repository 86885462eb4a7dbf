// Drawings as SVG text: the few shapes that pictures of conversations need, and the colours that they share.
#pragma once

#include <string>
#include <string_view>

#include "lab/explained_segment.hpp"

namespace sluice::lab {

/// UTF-8 made fit for XML 1.0: markup is escaped, a character that XML can't hold becomes U+FFFD.
std::string xml_escaped(std::string_view text);

/// A coordinate with at most one decimal: finer than anybody sees, and half the file.
std::string coordinate(double pixels);

/// Shapes lie on each other in the order of the calls. What they look like is said by their class alone; svg.cpp has
/// the sheet. The background is drawn too, so that a picture reads the same on pages of any colour. Text is UTF-8.
class Svg {
 public:
  Svg(double width, double height, std::string_view title);

  void line(std::string_view look, double x1, double y1, double x2, double y2);
  /// `data`: as of SVG's attribute d. Draws nothing for an empty one.
  void path(std::string_view look, std::string_view data);
  void rectangle(std::string_view look, double x, double y, double width, double height);
  enum class Anchor { start, middle, end };
  void text(std::string_view look, double x, double y, std::string_view words, Anchor anchor = Anchor::start);
  /// Until close() only what lies within the rectangle is seen.
  void clip(double x, double y, double width, double height);
  void close();

  /// The whole document.
  std::string document() &&;

 private:
  std::string text_;
  int clips_ = 0;
};

/// The class of a segment, by the most remarkable thing that it does: "again", "overtaken", "reset", "probe",
/// "duplicate", or "plain".
std::string_view look_of(Deeds deeds) noexcept;

}  // namespace sluice::lab
