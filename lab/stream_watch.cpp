// What a segment does, inferred from those before it; see stream_watch.hpp.
#include "lab/stream_watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "lab/units.hpp"

namespace sluice::lab {
namespace {

namespace flag = wire::tcp;
using tcp::Seq;
using tcp::SeqRange;
using tcp::WireSeq;

constexpr unsigned kDuplicateThreshold = 3;  // RFC 5681 3.2
/// An ACK longer ago than this has not brought about what is sent now: stacks let their timers run out by then.
constexpr Duration kSoon = std::chrono::milliseconds(200);

}  // namespace

struct ConnectionWatch::Arrival {
  const wire::tcp::Header& header;
  std::size_t number;
  Time at;
  std::size_t text;
  Half& us;    ///< who sent it
  Half& them;  ///< the other side
  Seq seq{};
  Seq ack{};
  std::uint64_t window = 0;    ///< scaled
  std::uint64_t repeated = 0;  ///< bytes of its text seen before
  std::string note = {};
  Deeds deeds = {};

  bool has(flag::Flag bit) const noexcept { return header.has(bit); }
  /// The numbers that its text and FIN take; a SYN counts elsewhere.
  SeqRange range() const noexcept {
    const Seq begin = seq + (has(flag::syn) ? 1u : 0u);
    return {begin, begin + text + (has(flag::fin) ? 1u : 0u)};
  }
  void say(std::string_view words) {
    if (!note.empty()) note += "; ";
    note += words;
  }
  void say(Deeds more, std::string_view words) {
    deeds.add(more);
    say(words);
  }
  std::string shown(SeqRange one, const Half& whose) const {
    return fmt::format("{}:{}", one.begin - whose.first, one.end - whose.first);
  }
};

ExplainedSegment ConnectionWatch::take(bool from_opener, std::size_t number, Time at, const wire::tcp::Header& header,
                                       std::size_t text, std::string& note) {
  Arrival arrival{header, number, at, text, half(from_opener), half(!from_opener)};
  place(arrival);
  explain(arrival);
  arrival.us.latest = arrival.deeds;
  note = std::move(arrival.note);
  return told(arrival);
}

void ConnectionWatch::explain(Arrival& arrival) {
  if (arrival.has(flag::rst))
    return arrival.say({Deed::reset}, arrival.them.syn && !arrival.us.syn ? "refuses the connection (RFC 9293 3.10.7.1)"
                                                                          : "aborts the connection (RFC 9293 3.5.2)");
  if (arrival.has(flag::syn)) explain_syn(arrival);
  explain_text(arrival);
  if (arrival.has(flag::ack)) explain_ack(arrival);
}

ExplainedSegment ConnectionWatch::told(const Arrival& arrival) const {
  const auto relative = [](Seq number, const Half& whose) {
    return static_cast<std::int64_t>(number.number()) - static_cast<std::int64_t>(whose.first.number());
  };
  const Half& them = arrival.them;
  ExplainedSegment told{{relative(arrival.seq, arrival.us), relative(arrival.range().end, arrival.us)},
                        arrival.repeated,
                        arrival.has(flag::ack) && !arrival.has(flag::rst),
                        arrival.has(flag::ack) ? relative(arrival.ack, them) : 0,
                        arrival.has(flag::ack) ? arrival.window : arrival.header.window,
                        {},
                        arrival.deeds};
  const wire::tcp::Options& options = arrival.header.options;
  for (std::size_t i = 0; i < options.sack_count; ++i)
    told.sacks.push_back({relative(Seq::unwrap(WireSeq{options.sacks[i].left}, them.nxt), them),
                          relative(Seq::unwrap(WireSeq{options.sacks[i].right}, them.nxt), them)});
  if (arrival.has(flag::syn)) told.deeds.add(Deed::syn);
  if (arrival.has(flag::fin)) told.deeds.add(Deed::fin);
  return told;
}

// Numbers lose their modulus near what was seen last; a side that the capture meets in mid-life begins where it is met.
void ConnectionWatch::place(Arrival& arrival) const {
  Half& us = arrival.us;
  Half& them = arrival.them;
  const WireSeq seq{arrival.header.seq};
  const WireSeq ack{arrival.header.ack};
  if (!us.known) {
    us.first = us.nxt = us.acked = Seq::initial(seq);
    us.known = true;
  }
  arrival.seq = Seq::unwrap(seq, us.nxt);
  if (!arrival.has(flag::ack)) return;
  if (!them.known) {
    them.first = Seq::initial(ack) - 1;
    them.nxt = them.acked = Seq::initial(ack);
    them.known = true;
  }
  arrival.ack = Seq::unwrap(ack, them.nxt);
}

void ConnectionWatch::explain_syn(Arrival& arrival) {
  Half& us = arrival.us;
  const bool again = us.syn;
  us.syn = true;
  us.nxt = std::max(us.nxt, arrival.seq + 1);
  us.scale = arrival.header.options.window_scale;
  scaled_ = us.scale && arrival.them.scale;
  if (again) return arrival.say({Deed::retransmission}, "again: nothing was heard (RFC 9293 3.8.3)");
  if (!arrival.has(flag::ack))
    arrival.say(arrival.them.syn ? "opens too: the SYNs crossed (RFC 9293 3.5)" : "opens");
  else
    arrival.say("accepts");
}

// --- text and FIN ------------------------------------------------------------------------------------------------

// Adds the range to what was seen; returns how many of its numbers had been there.
std::uint64_t ConnectionWatch::add_seen(Half& us, SeqRange range) {
  const SeqRange added = range;
  std::uint64_t known = 0;
  auto at = us.seen.upper_bound(range.begin);
  if (at != us.seen.begin() && std::prev(at)->second >= range.begin) --at;
  while (at != us.seen.end() && at->first <= range.end) {
    const SeqRange both{std::max(at->first, added.begin), std::min(at->second, added.end)};
    known += both.empty() ? 0 : both.size();
    range = {std::min(range.begin, at->first), std::max(range.end, at->second)};
    at = us.seen.erase(at);
  }
  us.seen[range.begin] = range.end;
  return known;
}

void ConnectionWatch::explain_text(Arrival& arrival) {
  Half& us = arrival.us;
  const SeqRange range = arrival.range();
  const bool below = us.nxt > us.first && range.begin + 1 == us.nxt && range.end <= us.nxt;
  if (below && arrival.them.last_ack >= us.nxt && us.syn) return explain_left_of_all(arrival);
  if (range.empty()) return;
  const bool fin_before = us.fin;
  us.fin |= arrival.has(flag::fin);
  if (range.begin < us.nxt) return explain_old_text(arrival);
  if (range.begin > us.nxt && us.nxt > us.first)
    arrival.say({Deed::behind_gap}, fmt::format("behind a gap of {} bytes", range.begin - us.nxt));
  if (arrival.text > 0 && arrival.them.closed()) {
    us.probed = range.begin;
    arrival.say({Deed::window_probe}, "window probe (RFC 9293 3.8.6.1)");
  }
  add_seen(us, range);
  us.nxt = range.end;
  us.sent_at = arrival.at;
  if (arrival.them.acks && range.end == arrival.them.last_ack + arrival.them.window)
    arrival.say({Deed::fills_window}, "fills the window");
  if (arrival.has(flag::fin) && !fin_before) arrival.say(arrival.them.fin ? "closes too" : "closes its side");
}

// A segment that asks for an ACK and brings nothing: what for, the window tells.
void ConnectionWatch::explain_left_of_all(Arrival& arrival) {
  arrival.repeated = arrival.text;
  if (arrival.them.closed())
    arrival.say({Deed::window_probe}, "window probe with nothing in it (RFC 9293 3.8.6.1)");
  else
    arrival.say({Deed::keep_alive}, "keep-alive (RFC 9293 3.8.4)");
}

// Numbers left of the highest: repeated, or overtaken on the way to where the capture was taken.
void ConnectionWatch::explain_old_text(Arrival& arrival) {
  Half& us = arrival.us;
  const SeqRange range = arrival.range();
  const std::uint64_t known = add_seen(us, range);
  arrival.repeated = std::min<std::uint64_t>(known, arrival.text);
  if (known == 0) return arrival.say({Deed::out_of_order}, "out of order: fills a gap");
  if (arrival.them.closed() && us.probed == range.begin) {
    arrival.say({Deed::window_probe}, "the same window probe again");
  } else {
    us.retransmitted_in[range.begin] = arrival.number;
    say_why_again(arrival);
  }
  us.nxt = std::max(us.nxt, range.end);
  us.sent_at = arrival.at;
}

void ConnectionWatch::say_why_again(Arrival& arrival) {
  const Half& us = arrival.us;
  const Half& them = arrival.them;
  arrival.deeds.add(Deed::retransmission);
  if (arrival.range().end <= us.acked) return arrival.say({Deed::needless}, "retransmission of what was acknowledged");
  const bool soon = arrival.at - them.heard_at < kSoon;
  if (soon && (them.duplicates >= kDuplicateThreshold || them.sacks))
    return arrival.say({Deed::fast}, "fast retransmission (RFC 5681 3.2)");
  arrival.say(fmt::format("retransmission {} after the last text", time_text(arrival.at - us.sent_at)));
}

// --- ACK ---------------------------------------------------------------------------------------------------------

void ConnectionWatch::explain_ack(Arrival& arrival) {
  Half& us = arrival.us;
  Half& them = arrival.them;
  const bool scaled = scaled_ && !arrival.has(flag::syn);
  const std::uint64_t window = std::uint64_t{arrival.header.window} << (scaled ? std::min<unsigned>(*us.scale, 14) : 0);
  arrival.window = window;
  if (window == 0) arrival.deeds.add(Deed::zero_window);
  if (arrival.ack > them.nxt) arrival.say({Deed::acks_unseen}, "acknowledges what was never seen here");
  const bool first = !us.acks;
  const bool advances = first || arrival.ack > us.last_ack;
  if (first && !arrival.has(flag::syn) && arrival.text == 0 && them.syn && us.syn)
    arrival.say("completes the handshake");
  if (advances) {
    us.duplicates = 0;
    us.last_ack = arrival.ack;
    them.acked = std::max(them.acked, arrival.ack);
  } else {
    explain_plain_ack(arrival, window);
  }
  if (window == 0 && (first || us.window != 0)) {
    arrival.say("closes its window");
  } else if (window > 0 && us.acks && us.window == 0) {
    arrival.say(arrival.range().empty() ? Deeds{Deed::window_update} : Deeds{}, "opens its window");
  }
  us.acks = true;
  us.heard_at = arrival.at;
  us.window = window;
  explain_sacks(arrival);
}

// The number is an old one: a duplicate by RFC 5681 section 2, or news of the window.
void ConnectionWatch::explain_plain_ack(Arrival& arrival, std::uint64_t window) {
  Half& us = arrival.us;
  const bool bare = arrival.range().empty() && !arrival.has(flag::syn);
  if (!bare) return;
  if (arrival.ack < us.last_ack) return arrival.say("an ACK that later ones overtook");
  const bool outstanding = arrival.them.nxt > us.last_ack;
  if (window == us.window && arrival.them.latest.has(Deed::keep_alive))
    return arrival.say({Deed::keeps_alive}, "answers the keep-alive");
  if (window == 0 && us.window == 0 && arrival.them.latest.has(Deed::window_probe))
    return arrival.say({Deed::answers_probe}, "answers the probe");
  if (window != us.window) {
    if (window > 0 && us.window > 0) arrival.say({Deed::window_update}, "window update");
  } else if (outstanding || arrival.header.options.sack_count > 0) {
    arrival.say({Deed::duplicate_ack}, fmt::format("duplicate ACK no. {}", ++us.duplicates));
  }
}

// RFC 2018, and RFC 2883 for what came twice.
void ConnectionWatch::explain_sacks(Arrival& arrival) {
  const wire::tcp::Options& options = arrival.header.options;
  arrival.us.sacks = options.sack_count > 0;
  if (options.sack_count == 0) return;
  const Half& them = arrival.them;
  const auto block = [&](std::size_t i) {
    return SeqRange{Seq::unwrap(WireSeq{options.sacks[i].left}, them.nxt),
                    Seq::unwrap(WireSeq{options.sacks[i].right}, them.nxt)};
  };
  const SeqRange first = block(0);
  const bool inside = options.sack_count > 1 && block(1).begin <= first.begin && first.end <= block(1).end;
  if (first.begin >= arrival.ack && !inside) return;
  const auto culprit = them.retransmitted_in.find(first.begin);
  const std::string needless =
      culprit == them.retransmitted_in.end() ? "" : fmt::format(": packet {} was needless", culprit->second);
  arrival.say(fmt::format("D-SACK: {} came twice{} (RFC 2883)", arrival.shown(first, them), needless));
  arrival.us.sacks = options.sack_count > 1;
}

}  // namespace sluice::lab
