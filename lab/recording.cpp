// Sections of a file, and packets held against packets; see recording.hpp.
#include "lab/recording.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lab/departures.hpp"
#include "lab/replay_comparison.hpp"
#include "lab/replay_numbers.hpp"
#include "stack/wire/ipv4.hpp"
#include "stack/wire/ipv6.hpp"

namespace sluice::lab {
namespace {

constexpr std::uint8_t kFragmentHeader = 44;  // of IPv6

Numbers numbers_of(std::span<const CapturedPacket> packets) {
  NumberBase ours, peers;
  for (const CapturedPacket& packet : packets)
    if (const auto segment = view_segment(ip_packet(packet)))
      (packet.direction == Direction::out ? ours : peers).learn(*segment);
  return {ours.side(), peers.side()};
}

/// An IP packet without its identification, if it may be fragmented or is a fragment.
std::vector<std::uint8_t> unidentified(Bytes packet) {
  std::vector<std::uint8_t> bytes(packet.begin(), packet.end());
  const bool v4 = bytes.size() >= wire::ipv4::kMinimumHeader && bytes[0] >> 4 == 4;
  const bool v6 = bytes.size() >= wire::ipv6::kHeaderSize + 8 && bytes[0] >> 4 == 6;
  if (v4 && (bytes[6] & 0x40) == 0) {
    for (const std::size_t at : {4u, 5u, 10u, 11u}) bytes[at] = 0;  // and the header's checksum
  } else if (v6 && bytes[6] == kFragmentHeader) {
    std::fill_n(bytes.begin() + wire::ipv6::kHeaderSize + 4, 4, std::uint8_t{0});
  }
  return bytes;
}

bool same_bytes(const CapturedPacket& a, const CapturedPacket& b, HostShape shape) {
  if (std::equal(a.bytes.begin(), a.bytes.end(), b.bytes.begin(), b.bytes.end())) return true;
  return shape.shards > 1 && unidentified(ip_packet(a)) == unidentified(ip_packet(b));
}

/// What differs although no field of the notation does; empty when nothing is.
std::string small_print(const CapturedPacket& kept, const CapturedPacket& now, HostShape shape) {
  if (kept.direction != now.direction) return "direction";
  if (!same_bytes(kept, now, shape)) return "identification, checksum or text";
  if (kept.time != now.time) return "time";
  return shape.offload || kept.comment == now.comment ? "" : "comment";
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
                        Verdict& verdict, HostShape shape) {
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
    std::string what = both ? small_print(kept[i], now[i], shape) : "one of the peer's packets more or less";
    if (what.empty()) continue;
    const std::string a = both ? kept[i].comment : "", b = both ? now[i].comment : "";
    verdict.differences.push_back(
        {Difference::Kind::changed, first + i, both ? kept[i].time - start : Duration{}, std::move(what), a, b});
  }
}

}  // namespace sluice::lab
