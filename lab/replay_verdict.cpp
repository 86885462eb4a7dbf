// Alignment and comparison of two runs, and the verdict's text; see replay_verdict.hpp.
#include "lab/replay_verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "lab/script.hpp"

namespace sluice::lab {
namespace {

/// How far apart equal packets of both runs may lie.
constexpr std::size_t kLookAhead = 32;
/// So many equal packets in a row make sure that both runs are at the same place.
constexpr std::size_t kEnough = 2 * kLookAhead + 1;

struct Opened {
  const SaidPacket* said = nullptr;
  std::optional<DatagramView> view;
  std::optional<PacketLine> line;  ///< nullopt: a fragment, or nothing that the notation knows
  Bytes payload;
};

Opened open(const SaidPacket& said, const Numbers& numbers) {
  Opened opened{&said, view_datagram(said.bytes), std::nullopt, {}};
  if (opened.view) opened.payload = opened.view->transport;
  if (const auto packet = open_packet(said.bytes)) {
    opened.line = to_line(*packet, numbers.ours, numbers.peers);
    opened.payload = packet->payload;
  }
  return opened;
}

std::string fragment_text(const DatagramView& view) {
  const std::size_t end = view.fragment->offset + view.transport.size();
  return fmt::format("fragment of protocol {} {}:{}({}){}", view.protocol, view.fragment->offset, end,
                     view.transport.size(), view.fragment->more ? " more" : "");
}

std::string text_of(const Opened& packet, bool whole) {
  if (packet.line) return to_text(whole ? *packet.line : brief(*packet.line));
  if (!packet.view) return fmt::format("{} bytes", packet.said->bytes.size());
  if (packet.view->fragment) return fragment_text(*packet.view);
  return fmt::format("protocol {} ({})", packet.view->protocol, packet.view->transport.size());
}

bool quotes_ours(const Opened& packet) { return packet.view && view_quote(*packet.view).has_value(); }

/// Lets through what the settings let through, so that the rest can be compared to the letter.
void forgive(PacketLine& expected, PacketLine& got, const ReplaySettings& settings) {
  SegmentLine* wanted = expected.segment();
  SegmentLine* found = got.segment();
  if (!wanted || !found) return;
  if (!settings.windows) wanted->window.reset();
  if (!wanted->options || !found->options) return;
  const std::size_t count = std::min(wanted->options->size(), found->options->size());
  for (std::size_t i = 0; i < count; ++i) {
    const auto* a = std::get_if<option::Timestamps>(&(*wanted->options)[i]);
    auto* b = std::get_if<option::Timestamps>(&(*found->options)[i]);
    if (!a || !b || !a->value || !b->value) continue;
    const std::uint32_t apart = std::min(*a->value - *b->value, *b->value - *a->value);
    if (apart <= settings.stamp_slack) b->value = a->value;
  }
}

class Reasons {
 public:
  void add(std::string_view what) { text_.append(text_.empty() ? "" : ", ").append(what); }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string reason_of(const Opened& expected, const Opened& got, const ReplaySettings& settings) {
  Reasons reasons;
  if (expected.line && got.line) {
    PacketLine wanted = *expected.line, found = *got.line;
    forgive(wanted, found, settings);
    if (std::string fields = difference(wanted, found); !fields.empty()) reasons.add(fields);
  } else if (text_of(expected, false) != text_of(got, false)) {
    reasons.add("packet");
  }
  if (expected.view && got.view && expected.view->dont_fragment != got.view->dont_fragment) reasons.add("DF");
  const bool same_size = expected.payload.size() == got.payload.size();
  if (same_size && !quotes_ours(expected) &&
      !std::equal(expected.payload.begin(), expected.payload.end(), got.payload.begin()))
    reasons.add("text");
  if (settings.level == Level::timing) {
    const Duration apart = got.said->at - expected.said->at;
    if (apart > settings.time_slack) reasons.add(fmt::format("{} s late", seconds_text(apart)));
    if (-apart > settings.time_slack) reasons.add(fmt::format("{} s early", seconds_text(-apart)));
  }
  return reasons.take();
}

/// What makes two packets the same step of a conversation, though fields may differ.
using Step = std::tuple<std::size_t, std::uint16_t, std::uint32_t, std::uint32_t, std::uint32_t, std::string>;

Step step_of(const Opened& packet) {
  const SegmentLine* segment = packet.line ? packet.line->segment() : nullptr;
  if (!segment) return {0, 0, 0, 0, 0, text_of(packet, false)};
  const auto flags = static_cast<std::uint16_t>(segment->flags & ~wire::tcp::psh);
  return {1, flags, segment->seq, segment->ack.value_or(0), segment->length, ""};
}

class Comparison {
 public:
  Comparison(const ReplaySettings& settings, Verdict& verdict) : settings_(settings), verdict_(verdict) {}

  void run(const std::vector<Opened>& expected, const std::vector<Opened>& got) {
    std::vector<Step> wanted, found;
    for (const Opened& one : expected) wanted.push_back(step_of(one));
    for (const Opened& one : got) found.push_back(step_of(one));
    std::size_t i = 0, j = 0;
    while (i < expected.size() || j < got.size()) {
      const auto [skip_i, skip_j] = next_agreement(std::span(wanted).subspan(i), std::span(found).subspan(j));
      const std::size_t both = std::min(skip_i, skip_j);
      for (std::size_t k = 0; k < both; ++k) pair(expected[i + k], got[j + k]);
      for (std::size_t k = both; k < skip_i; ++k) missing(expected[i + k]);
      for (std::size_t k = both; k < skip_j; ++k) extra(got[j + k]);
      i += skip_i;
      j += skip_j;
      if (i < expected.size() && j < got.size() && wanted[i] == found[j]) pair(expected[i++], got[j++]);
    }
  }

 private:
  using Steps = std::span<const Step>;

  /// How many packets of each run stand before both agree again. Of all places in reach the one is taken that costs
  /// the fewest differences for what both runs then have in common.
  static std::pair<std::size_t, std::size_t> next_agreement(Steps a, Steps b) {
    if (a.empty() || b.empty()) return {a.size(), b.size()};
    if (a[0] == b[0]) return {0, 0};
    std::pair<std::size_t, std::size_t> best(1, 1);
    std::ptrdiff_t best_score = 0;
    for (std::size_t i = 0; i <= std::min(kLookAhead, a.size() - 1); ++i)
      for (std::size_t j = 0; j <= std::min(kLookAhead, b.size() - 1); ++j) {
        const auto common = static_cast<std::ptrdiff_t>(agreement(a.subspan(i), b.subspan(j)));
        const std::ptrdiff_t score = common - 2 * static_cast<std::ptrdiff_t>(std::max(i, j));
        if (common == 0 || score <= best_score) continue;
        best = {i, j};
        best_score = score;
      }
    return best;
  }

  /// Steps in common at the front, as far as it matters; an end in common counts for all that could follow.
  static std::size_t agreement(Steps a, Steps b) {
    for (std::size_t i = 0; i < kEnough; ++i) {
      if (i == a.size() && i == b.size()) return i == 0 ? 0 : kEnough;
      if (i == a.size() || i == b.size() || a[i] != b[i]) return i;
    }
    return kEnough;
  }

  void pair(const Opened& expected, const Opened& got) {
    last_ = expected.said->number;
    std::string reason = reason_of(expected, got, settings_);
    if (reason.empty()) return;
    const bool whole = text_of(expected, false) == text_of(got, false);
    tell({Difference::Kind::changed, last_, expected.said->at, std::move(reason), text_of(expected, whole),
          text_of(got, whole)});
  }
  void missing(const Opened& expected) {
    last_ = expected.said->number;
    tell({Difference::Kind::missing, last_, expected.said->at, "missing", text_of(expected, false), ""});
  }
  void extra(const Opened& got) {
    tell({Difference::Kind::extra, last_, got.said->at, "not in the capture", "", text_of(got, false)});
  }
  void tell(Difference difference) {
    if (verdict_.differences.size() < settings_.most_differences)
      verdict_.differences.push_back(std::move(difference));
    else
      ++verdict_.unlisted;
  }

  const ReplaySettings& settings_;
  Verdict& verdict_;
  std::size_t last_ = 0;
};

std::vector<Opened> open_all(std::span<const SaidPacket> packets, const Numbers& numbers) {
  std::vector<Opened> all;
  all.reserve(packets.size());
  for (const SaidPacket& one : packets) all.push_back(open(one, numbers));
  return all;
}

/// Of the level at which runs are compared unless one asks for another, nothing is said.
std::string level_text(Level level) { return level == Level::segments ? "" : fmt::format(" at level {}", name(level)); }

/// What a host left to its device, and the capture therefore shows undone; and what the peer had to say besides.
std::string offload_text(const Verdict& verdict) {
  std::string text;
  if (verdict.unfinished > 0) text += fmt::format(", {} with unfinished checksums", verdict.unfinished);
  if (verdict.super_segments > 0) text += fmt::format(", {} super-segments", verdict.super_segments);
  if (!text.empty()) text += " (both sides)";
  return verdict.added > 0 ? text + fmt::format(", {} ACKs of the peer added", verdict.added) : text;
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

void compare(std::span<const SaidPacket> expected, const Numbers& captured, std::span<const SaidPacket> got,
             const Numbers& replayed, const ReplaySettings& settings, Verdict& verdict) {
  verdict.expected = expected.size();
  verdict.got = got.size();
  Comparison(settings, verdict).run(open_all(expected, captured), open_all(got, replayed));
}

std::string packet_text(Bytes packet, const Numbers& numbers, bool whole) {
  const SaidPacket said{0, {}, packet};
  return text_of(open(said, numbers), whole);
}

std::string to_text(const Verdict& verdict) {
  if (!verdict.error.empty()) return fmt::format("{}: no replay: {}\n", verdict.title, verdict.error);
  const std::size_t count = verdict.differences.size() + verdict.unlisted;
  if (count == 0)
    return fmt::format("{}: the same{}, {} packet{}{}\n", verdict.title, level_text(verdict.level), verdict.expected,
                       verdict.expected == 1 ? "" : "s", offload_text(verdict));
  std::string text = fmt::format("{}: {} difference{}{} in {} packets captured, {} replayed{}\n", verdict.title, count,
                                 count == 1 ? "" : "s", level_text(verdict.level), verdict.expected, verdict.got,
                                 offload_text(verdict));
  if (verdict.late > 0) text += fmt::format("{} packets of the peer had to wait for ours\n", verdict.late);
  for (const Difference& one : verdict.differences) {
    text += headline(one);
    if (!one.expected.empty()) text += "  captured  " + one.expected + "\n";
    if (!one.got.empty()) text += "  replayed  " + one.got + "\n";
  }
  if (verdict.unlisted > 0) text += fmt::format("and {} more\n", verdict.unlisted);
  return text;
}

}  // namespace sluice::lab
