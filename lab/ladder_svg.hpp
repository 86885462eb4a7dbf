// A conversation as a ladder diagram in SVG: two lifelines, an arrow for each packet, time downwards.
#pragma once

#include <cstddef>
#include <string>

#include "lab/explain.hpp"

namespace sluice::lab {

/// Of a longer conversation, what is drawn: its beginning and its end. Between them a sentence says how many packets
/// are left out.
struct LadderLimits {
  std::size_t first = 300;
  std::size_t last = 100;
};

std::string ladder_svg(const Explanation& explanation, const LadderLimits& limits = {});

}  // namespace sluice::lab
