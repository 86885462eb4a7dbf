// A verdict as people read it; see replay.hpp.
#include <fmt/format.h>

#include <algorithm>

#include "lab/replay.hpp"
#include "lab/script.hpp"

namespace sluice::lab {
namespace {

/// Of the level at which runs are compared unless one asks for another, nothing is said.
std::string level_text(Level level) { return level == Level::segments ? "" : fmt::format(" at level {}", name(level)); }

/// What a host left to its device, and the capture therefore shows undone; and what the peer had to say besides.
std::string offload_text(const Verdict& verdict) {
  std::string text;
  if (verdict.unfinished > 0) text += fmt::format(", {} with unfinished checksums", verdict.unfinished);
  if (verdict.super_segments > 0) text += fmt::format(", {} super-segments", verdict.super_segments);
  if (verdict.cut > 0) text += fmt::format(", {} cut short by the capture", verdict.cut);
  if (!text.empty()) text += " (both sides)";
  if (verdict.messages > 0) text += fmt::format(", {} messages", verdict.messages);
  return verdict.added > 0 ? text + fmt::format(", {} of the peer added", verdict.added) : text;
}

/// Both runs of our side next to each other around the first difference, the peer's packets between them.
std::string ladder_text(const std::vector<ReplayRung>& ladder, std::string_view reference) {
  std::size_t width = reference.size();
  for (const ReplayRung& rung : ladder) width = std::max(width, rung.captured.size());
  std::string text = fmt::format("  {:>12}  {:>7}    {:<{}}    replayed\n", "seconds", "packet", reference, width);
  for (const ReplayRung& rung : ladder) {
    const std::string number = rung.number == 0 ? "" : fmt::format("{}", rung.number);
    text += fmt::format("{} {:>12}  {:>7}    ", rung.differs ? '*' : ' ', seconds_text(rung.at), number);
    text += rung.of_peer ? fmt::format("    ---->  {}\n", rung.captured)
                         : fmt::format("{:<{}}    {}\n", rung.captured, width, rung.replayed);
  }
  return text;
}

std::string headline(const Difference& difference) {
  const std::string at = seconds_text(difference.at);
  const bool of_stream = difference.kind == Difference::Kind::changed && difference.number == 0;
  if (difference.kind != Difference::Kind::extra && !of_stream)
    return fmt::format("packet {}, at {} s: {}\n", difference.number, at, difference.reason);
  if (of_stream) return difference.reason + "\n";
  if (difference.number == 0) return fmt::format("before all others, at {} s: {}\n", at, difference.reason);
  return fmt::format("after packet {}, at {} s: {}\n", difference.number, at, difference.reason);
}

}  // namespace

std::string to_text(const Verdict& verdict, std::string_view reference) {
  if (!verdict.error.empty()) return fmt::format("{}: no replay: {}\n", verdict.title, verdict.error);
  const std::size_t count = verdict.differences.size() + verdict.unlisted;
  if (count == 0)
    return fmt::format("{}: the same{}, {} packet{}{}\n", verdict.title, level_text(verdict.level), verdict.expected,
                       verdict.expected == 1 ? "" : "s", offload_text(verdict));
  std::string text = fmt::format("{}: {} difference{}{} in {} packets {}, {} replayed{}\n", verdict.title, count,
                                 count == 1 ? "" : "s", level_text(verdict.level), verdict.expected, reference,
                                 verdict.got, offload_text(verdict));
  if (verdict.late > 0) text += fmt::format("{} packets of the peer had to wait for ours\n", verdict.late);
  for (const Difference& one : verdict.differences) {
    text += headline(one);
    if (!one.expected.empty()) text += fmt::format("  {:<8}  {}\n", reference, one.expected);
    if (!one.got.empty()) text += "  replayed  " + one.got + "\n";
  }
  if (verdict.unlisted > 0) text += fmt::format("and {} more\n", verdict.unlisted);
  if (!verdict.ladder.empty()) text += "around the first difference\n" + ladder_text(verdict.ladder, reference);
  return text;
}

}  // namespace sluice::lab
