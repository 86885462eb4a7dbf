// Copies out, one lock for a batch, copies never back; see hand_over.hpp.
#include "tun/hand_over.hpp"

#include <algorithm>
#include <utility>

namespace sluice::tun {

std::string_view name(HandOverCounter counter) noexcept {
  switch (counter) {
    case HandOverCounter::handed_over: return "handed_over";
    case HandOverCounter::taken_over: return "taken_over";
    case HandOverCounter::drop_hand_over_full: return "drop_hand_over_full";
    case HandOverCounter::count: break;
  }
  return "unknown";
}

HandOver::HandOver(std::span<EventLoop* const> loops) {
  shards_.reserve(loops.size());
  for (EventLoop* const loop : loops) {
    Shard& shard = *shards_.emplace_back(std::make_unique<Shard>(*loop));
    shard.leaving.resize(loops.size());
    loop->on_strays([this, &shard] { send(shard); });
  }
}

HandOver::~HandOver() {
  for (const auto& shard : shards_) shard->loop.on_strays(nullptr);
}

void HandOver::send(Shard& from) {
  while (const std::optional<Stray> stray = from.loop.stack().poll_stray())
    from.leaving[stray->owner].push_back(stray->packet.copy());
  for (std::size_t owner = 0; owner < shards_.size(); ++owner) {
    std::vector<Packet>& packets = from.leaving[owner];
    if (packets.empty()) continue;
    const std::size_t taken = put(*shards_[owner], packets);
    from.counters.add(HandOverCounter::handed_over, taken);
    from.counters.add(HandOverCounter::drop_hand_over_full, packets.size() - taken);
    packets.clear();
  }
}

/// Moves what there is room for, from the front; answers how many. Who fills an empty inbox rings the bell.
std::size_t HandOver::put(Shard& to, std::vector<Packet>& packets) {
  std::size_t taken = 0;
  bool was_empty = false;
  {
    const std::lock_guard lock(to.mutex);
    was_empty = to.inbox.empty();
    for (; taken < packets.size() && to.inbox.size() < kMaximumPackets; ++taken) {
      if (to.bytes + packets[taken].size() > kMaximumBytes) break;
      to.bytes += packets[taken].size();
      to.inbox.push_back(std::move(packets[taken]));
    }
  }
  if (was_empty && taken > 0) to.loop.post([this, &to] { take(to); });
  return taken;
}

void HandOver::take(Shard& to) {
  std::vector<Packet> packets;
  {
    const std::lock_guard lock(to.mutex);
    packets.swap(to.inbox);
    to.bytes = 0;
  }
  to.counters.add(HandOverCounter::taken_over, packets.size());
  for (std::size_t at = 0; at < packets.size(); at += Device::kBatch) {
    const std::size_t size = std::min(packets.size() - at, Device::kBatch);
    to.loop.stack().receive(std::span(packets).subspan(at, size), to.loop.now());
    if (to.loop.stack().has_strays()) send(to);  // fragments that met here, and whose whole belongs elsewhere
  }
}

}  // namespace sluice::tun
