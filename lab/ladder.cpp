// Drawing of ladders; see ladder.hpp.
#include "lab/ladder.hpp"

#include <algorithm>

#include "lab/script.hpp"

namespace sluice::lab {
namespace {

constexpr std::size_t kWidestColumn = 60;

std::string padded(std::string_view text, std::size_t width) {
  std::string out(text);
  if (out.size() < width) out.append(width - out.size(), ' ');
  return out;
}

std::string time_of(Duration at) {
  std::string text = at < Duration::zero() ? "-" + seconds_text(-at) : seconds_text(at);
  return text.size() < 12 ? std::string(12 - text.size(), ' ') + text : text;
}

std::string row(const Rung& rung, std::size_t width) {
  const std::string note = rung.note.empty() ? "" : "  (" + rung.note + ")";
  switch (rung.kind) {
    case Rung::Kind::inbound: return padded(rung.text, width) + " ---->" + note;
    case Rung::Kind::outbound: return padded("", width) + " <----  " + rung.text + note;
    case Rung::Kind::missing: return padded("", width) + " ?????  " + rung.text + note;
    case Rung::Kind::local: break;
  }
  return padded("", width) + "        * " + rung.text + note;
}

}  // namespace

std::string ladder(std::span<const Rung> rungs, std::string_view peer, std::string_view stack) {
  std::size_t width = peer.size();
  for (const Rung& rung : rungs)
    if (rung.kind == Rung::Kind::inbound) width = std::max(width, std::min(rung.text.size(), kWidestColumn));
  std::string text = padded("", 14) + padded(peer, width) + "        " + std::string(stack) + "\n";
  for (const Rung& rung : rungs) text += time_of(rung.at) + "  " + row(rung, width) + "\n";
  return text;
}

}  // namespace sluice::lab
