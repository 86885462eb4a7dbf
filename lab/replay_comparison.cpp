// Alignment and comparison of two runs; see replay_comparison.hpp.
#include "lab/replay_comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <tuple>
#include <utility>

#include "lab/replay_numbers.hpp"
#include "lab/script.hpp"

namespace sluice::lab {
namespace {

/// How far apart equal packets of both runs may lie.
constexpr std::size_t kLookAhead = 32;
/// So many equal packets in a row make sure that both runs are at the same place.
constexpr std::size_t kEnough = 2 * kLookAhead + 1;
/// Around the first difference.
constexpr std::size_t kRungs = 6;

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

/// What fits a column beside another: a segment without window and options.
std::string short_text(const Opened& packet) {
  if (!packet.line || !packet.line->segment()) return text_of(packet, false);
  PacketLine line = brief(*packet.line);
  line.segment()->window.reset();
  line.segment()->options.reset();
  return to_text(line);
}

bool quotes_ours(const Opened& packet) { return packet.view && view_quote(*packet.view).has_value(); }

/// Lets through what the settings let through, so that the rest can be compared to the letter.
void forgive(PacketLine& expected, PacketLine& got, const ReplaySettings& settings) {
  expected.ip.label.reset();
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
    if (settings.level <= Level::acks) wanted.ip = {};
    if (std::string fields = difference(wanted, found); !fields.empty()) reasons.add(fields);
  } else if (text_of(expected, false) != text_of(got, false)) {
    reasons.add("packet");
  }
  const bool ip = settings.level > Level::acks;
  if (ip && expected.view && got.view && expected.view->dont_fragment != got.view->dont_fragment) reasons.add("DF");
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

// --- the same at a glance: most packets, without a word of notation about them --------------------------------------

bool same_options(const SegmentView& a, const SideNumbers& mine, const SegmentView& b, const SideNumbers& yours) {
  const wire::tcp::Options &x = a.header.options, &y = b.header.options;
  const bool plain = a.header.size == 32 && b.header.size == 32 && x.timestamps && y.timestamps;
  if (!plain) return a.header.size == wire::tcp::kMinimumHeader && b.header.size == wire::tcp::kMinimumHeader;
  constexpr std::size_t kKinds = 4;  // no-operation twice, kind and length
  const auto front = a.ip.transport.subspan(wire::tcp::kMinimumHeader, kKinds);
  return std::equal(front.begin(), front.end(),
                    b.ip.transport.begin() + static_cast<std::ptrdiff_t>(wire::tcp::kMinimumHeader)) &&
         x.ts_value - mine.first_stamp.value_or(0) == y.ts_value - yours.first_stamp.value_or(0) &&
         x.ts_echo == y.ts_echo;
}

/// True only if no field that counts differs. Both runs show the same numbers for the peer.
bool same_at_a_glance(const SegmentView& a, const SideNumbers& mine, const SegmentView& b, const SideNumbers& yours) {
  const DatagramView &v = a.ip, &w = b.ip;
  const wire::tcp::Header &x = a.header, &y = b.header;
  return v.hop_limit == w.hop_limit && v.dscp == w.dscp && v.ecn == w.ecn && v.dont_fragment == w.dont_fragment &&
         x.seq - mine.first == y.seq - yours.first && x.ack == y.ack && x.flags == y.flags && x.ae == y.ae &&
         x.window == y.window && x.urgent == y.urgent && same_options(a, mine, b, yours) &&
         std::equal(a.text.begin(), a.text.end(), b.text.begin(), b.text.end());
}

// --- alignment -----------------------------------------------------------------------------------------------------

/// What makes two packets the same step of a conversation, though fields may differ.
using Step = std::tuple<std::size_t, std::uint16_t, std::uint32_t, std::uint32_t, std::size_t, std::string>;

Step step_of(const SaidPacket& packet, const std::optional<SegmentView>& seen, const Numbers& numbers) {
  if (!seen) return {0, 0, 0, 0, 0, text_of(open(packet, numbers), false)};
  const wire::tcp::Header& header = seen->header;
  const auto flags = static_cast<std::uint16_t>((header.flags & ~wire::tcp::psh) | (header.ae ? kAccurateEcnFlag : 0));
  const std::uint32_t ack = header.has(wire::tcp::ack) ? header.ack - numbers.peers.first : 0;
  return {1, flags, header.seq - numbers.ours.first, ack, seen->text.size(), ""};
}

/// A packet that has not found its partner yet.
struct Waiting {
  SaidPacket said;
  std::vector<std::uint8_t> owned;  ///< of the replay: what the others look at, wherever this is moved
  std::optional<SegmentView> seen;
  Step step;
};

Waiting waiting(const SaidPacket& packet, std::vector<std::uint8_t> owned, const Numbers& numbers) {
  const auto seen = view_segment(packet.bytes);
  return {packet, std::move(owned), seen, step_of(packet, seen, numbers)};
}

}  // namespace

class Comparison::Parts {
 public:
  Parts(const ReplaySettings& settings, const Numbers& captured, const Numbers& replayed, Verdict& verdict)
      : settings_(settings), captured_(captured), replayed_(replayed), verdict_(verdict) {}

  void expect(const SaidPacket& packet) {
    wanted_.push_back(waiting(packet, {}, captured_));
    go_on(false);
  }

  void got(std::vector<std::uint8_t> bytes, Duration at) {
    const SaidPacket packet{0, at, bytes};
    found_.push_back(waiting(packet, std::move(bytes), replayed_));
    go_on(false);
  }

  void go_on(bool ended) {
    while (!wanted_.empty() || !found_.empty()) {
      const bool both = !wanted_.empty() && !found_.empty();
      if (both && wanted_.front().step == found_.front().step) {
        pair_fronts();
        continue;
      }
      constexpr std::size_t kToSee = kLookAhead + kEnough;
      if (!ended && std::min(wanted_.size(), found_.size()) <= kToSee) return;
      skip();
    }
  }

 private:
  using Queue = std::deque<Waiting>;
  struct Pair {
    std::optional<Waiting> expected;
    std::optional<Waiting> got;
    std::size_t place = 0;
    bool differs = false;
  };

  /// Whatever stands before both runs agree again.
  void skip() {
    const auto [skip_i, skip_j] = next_agreement();
    for (std::size_t k = std::min(skip_i, skip_j); k > 0; --k) pair_fronts();
    for (std::size_t k = skip_i - std::min(skip_i, skip_j); k > 0; --k) missing();
    for (std::size_t k = skip_j - std::min(skip_i, skip_j); k > 0; --k) extra();
  }

  /// How many packets of each run that is. Of all places in reach the one is taken that costs the fewest differences
  /// for what both runs then have in common.
  std::pair<std::size_t, std::size_t> next_agreement() const {
    if (wanted_.empty() || found_.empty()) return {wanted_.size(), found_.size()};
    std::pair<std::size_t, std::size_t> best(1, 1);
    std::ptrdiff_t best_score = 0;
    for (std::size_t i = 0; i <= std::min(kLookAhead, wanted_.size() - 1); ++i)
      for (std::size_t j = 0; j <= std::min(kLookAhead, found_.size() - 1); ++j) {
        const auto common = static_cast<std::ptrdiff_t>(agreement(i, j));
        const std::ptrdiff_t score = common - 2 * static_cast<std::ptrdiff_t>(std::max(i, j));
        if (common == 0 || score <= best_score) continue;
        best = {i, j};
        best_score = score;
      }
    return best;
  }

  /// Steps in common from there on, as far as it matters; an end in common counts for all that could follow.
  std::size_t agreement(std::size_t i, std::size_t j) const {
    for (std::size_t n = 0; n < kEnough; ++n, ++i, ++j) {
      if (i == wanted_.size() && j == found_.size()) return n == 0 ? 0 : kEnough;
      if (i == wanted_.size() || j == found_.size() || wanted_[i].step != found_[j].step) return n;
    }
    return kEnough;
  }

  void pair_fronts() {
    const SaidPacket &expected = wanted_.front().said, &got = found_.front().said;
    last_ = expected.number;
    if (!is_same(wanted_.front(), found_.front())) {
      const Opened a = open(expected, captured_), b = open(got, replayed_);
      std::string reason = reason_of(a, b, settings_);
      if (!reason.empty()) {
        const bool whole = text_of(a, false) == text_of(b, false);
        tell({Difference::Kind::changed, last_, expected.at, std::move(reason), text_of(a, whole), text_of(b, whole)});
      }
    }
    drop(true, true);
  }

  bool is_same(const Waiting& expected, const Waiting& got) const {
    if (settings_.level == Level::timing && expected.said.at != got.said.at) return false;
    return expected.seen && got.seen && same_at_a_glance(*expected.seen, captured_.ours, *got.seen, replayed_.ours);
  }

  void missing() {
    const SaidPacket& expected = wanted_.front().said;
    last_ = expected.number;
    tell({Difference::Kind::missing, last_, expected.at, "missing", text_of(open(expected, captured_), false), ""});
    drop(true, false);
  }

  void extra() {
    const SaidPacket& got = found_.front().said;
    tell({Difference::Kind::extra, last_, got.at, "not in the capture", "", text_of(open(got, replayed_), false)});
    drop(false, true);
  }

  /// The packets around the first difference stay, for its ladder. Takes them off the fronts.
  void drop(bool expected, bool got) {
    Pair pair;
    pair.place = last_;
    pair.differs = std::exchange(fresh_, false);
    if (expected) pair.expected = take(wanted_);
    if (got) pair.got = take(found_);
    if (after_ == kRungs) return;
    if (differs_) {
      ++after_;
      verdict_.ladder.push_back(rung(pair));
      return;
    }
    before_.push_back(std::move(pair));
    if (before_.size() > kRungs) before_.pop_front();
  }

  static Waiting take(Queue& queue) {
    Waiting front = std::move(queue.front());
    queue.pop_front();
    return front;
  }

  ReplayRung rung(const Pair& pair) const {
    ReplayRung rung;
    rung.differs = pair.differs;
    rung.place = pair.place;
    if (pair.got) {
      rung.at = pair.got->said.at;
      rung.replayed = short_text(open(pair.got->said, replayed_));
    }
    if (pair.expected) {
      rung.at = pair.expected->said.at;
      rung.number = pair.expected->said.number;
      rung.captured = short_text(open(pair.expected->said, captured_));
    }
    return rung;
  }

  void tell(Difference difference) {
    fresh_ = true;
    if (!std::exchange(differs_, true))
      for (const Pair& pair : before_) verdict_.ladder.push_back(rung(pair));
    if (verdict_.differences.size() < settings_.most_differences)
      verdict_.differences.push_back(std::move(difference));
    else
      ++verdict_.unlisted;
  }

  const ReplaySettings& settings_;
  const Numbers& captured_;
  const Numbers& replayed_;
  Verdict& verdict_;
  Queue wanted_;
  Queue found_;
  std::size_t last_ = 0;
  std::deque<Pair> before_;
  std::size_t after_ = 0;
  bool fresh_ = false;  ///< the packets at the front are being told of
  bool differs_ = false;
};

Comparison::Comparison(const ReplaySettings& settings, const Numbers& captured, const Numbers& replayed,
                       Verdict& verdict)
    : parts_(std::make_unique<Parts>(settings, captured, replayed, verdict)) {}

Comparison::~Comparison() = default;

void Comparison::expect(const SaidPacket& packet) { parts_->expect(packet); }
void Comparison::got(std::vector<std::uint8_t> bytes, Duration at) { parts_->got(std::move(bytes), at); }
void Comparison::finish() { parts_->go_on(true); }

std::string packet_text(Bytes packet, const Numbers& numbers, bool whole) {
  const SaidPacket said{0, {}, packet};
  return text_of(open(said, numbers), whole);
}

std::string short_packet_text(Bytes packet, const Numbers& numbers) {
  const SaidPacket said{0, {}, packet};
  return short_text(open(said, numbers));
}

}  // namespace sluice::lab
