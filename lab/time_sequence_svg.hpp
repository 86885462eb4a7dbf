// A TCP conversation as time-sequence graphs in SVG: one for each direction that carried text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lab/explain.hpp"

namespace sluice::lab {

/// As tcptrace draws it: each segment is a bar at its time, from its first number to its last, those sent again or
/// overtaken in colours of their own; below them what the other side acknowledged climbs in steps, above them runs the
/// edge of its window, and SACK blocks are bars at the times of their ACKs. Where bars of a kind share a pixel they are
/// one, so that the longest capture makes a picture of at most a few MB with nothing missing that eyes could see.
std::string time_sequence_svg(const Explanation& explanation);

/// Round numbers from `low` to `high`, at most `count` + 1 of them; 1, 2 or 5 times a power of ten apart.
std::vector<double> round_ticks(double low, double high, unsigned count);

}  // namespace sluice::lab
