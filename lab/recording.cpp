// Sections of a file, and packets held against packets; see recording.hpp.
#include "lab/recording.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lab/departures.hpp"
#include "lab/replay_comparison.hpp"
#include "lab/replay_numbers.hpp"

namespace sluice::lab {
namespace {

Numbers numbers_of(std::span<const CapturedPacket> packets) {
  NumberBase ours, peers;
  for (const CapturedPacket& packet : packets)
    if (const auto segment = view_segment(ip_packet(packet)))
      (packet.direction == Direction::out ? ours : peers).learn(*segment);
  return {ours.side(), peers.side()};
}

bool same_bytes(const CapturedPacket& a, const CapturedPacket& b) {
  return std::equal(a.bytes.begin(), a.bytes.end(), b.bytes.begin(), b.bytes.end());
}

/// What differs although no field of the notation does; empty when nothing is.
std::string small_print(const CapturedPacket& kept, const CapturedPacket& now) {
  if (kept.direction != now.direction) return "direction";
  if (!same_bytes(kept, now)) return "identification, checksum or text";
  if (kept.time != now.time) return "time";
  return kept.comment == now.comment ? "" : "comment";
}

/// Writes what a stack hears and says, and beside that why.
class Watch final : public Observer {
 public:
  explicit Watch(PcapngWriter& writer) : writer_(writer) {}

  void on_event(const TraceEvent& event) noexcept override { departures_.told(event); }
  void on_packet(Time at, Direction direction, Bytes packet) {
    ++packets;
    if (direction == Direction::out) return departures_.left(at, packet);
    departures_.flush();
    writer_.add({at.time_since_epoch(), direction}, packet);
  }
  void finish() { departures_.clear(); }

  std::size_t packets = 0;

 private:
  PcapngWriter& writer_;
  Departures departures_{[this](Time at, Bytes packet, const DepartureNote& note) {
    writer_.add({at.time_since_epoch(), Direction::out, note.comment}, packet);
  }};
};

}  // namespace

Verdict Recording::replay(const Conversation& conversation, Side us, ReplaySettings settings) {
  PcapngWriter writer(LinkType::raw, name(us));
  Watch watch(writer);
  settings.stack.observer = &watch;
  settings.on_packet = [&watch](Time at, Direction direction, Bytes packet) { watch.on_packet(at, direction, packet); };
  Verdict verdict = lab::replay(conversation, us, settings);
  watch.finish();
  packets_ += watch.packets;
  bytes_.insert(bytes_.end(), writer.bytes().begin(), writer.bytes().end());
  return verdict;
}

void compare_recordings(std::span<const CapturedPacket> kept, std::span<const CapturedPacket> now, std::size_t first,
                        Verdict& verdict) {
  ReplaySettings exact;
  exact.level = Level::timing;
  const Numbers before = numbers_of(kept), after = numbers_of(now);
  const std::chrono::nanoseconds start = kept.empty() ? std::chrono::nanoseconds{} : kept.front().time;
  Comparison comparison(exact, before, after, verdict);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (kept[i].direction != Direction::out) continue;
    comparison.expect({first + i, kept[i].time - start, ip_packet(kept[i])});
    ++verdict.expected;
  }
  for (const CapturedPacket& packet : now) {
    if (packet.direction != Direction::out) continue;
    const Bytes bytes = ip_packet(packet);
    comparison.got({bytes.begin(), bytes.end()}, packet.time - start);
    ++verdict.got;
  }
  comparison.finish();
  for (std::size_t i = 0; verdict.differences.empty() && i < std::max(kept.size(), now.size()); ++i) {
    const bool both = i < std::min(kept.size(), now.size());
    std::string what = both ? small_print(kept[i], now[i]) : "one of the peer's packets more or less";
    if (what.empty()) continue;
    const std::string a = both ? kept[i].comment : "", b = both ? now[i].comment : "";
    verdict.differences.push_back(
        {Difference::Kind::changed, first + i, both ? kept[i].time - start : Duration{}, std::move(what), a, b});
  }
}

}  // namespace sluice::lab
