// Packets that arrived at the wrong shard of a host, on their way to the right one: the only thing that shards share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "stack/base/counters.hpp"
#include "stack/base/packet.hpp"
#include "tun/event_loop.hpp"

namespace sluice::tun {

enum class HandOverCounter : std::uint8_t {
  handed_over,          ///< packets that came here and went to their own shard
  taken_over,           ///< packets that came to other shards and belong here
  drop_hand_over_full,  ///< packets whose own shard did not keep up
  count,
};
std::string_view name(HandOverCounter counter) noexcept;

/// Joins the loops of a host's shards, each a thread of its own. The kernel learns from what a queue writes which queue
/// a flow belongs to; the first packet of a flow, or one after a pause of seconds, may come to any. It is copied (a
/// buffer belongs to its thread), laid into its shard's inbox, and one bell rings for all that came in a turn.
class HandOver {
 public:
  /// What one inbox holds at most. Beyond it packets are dropped and counted, as a device's queue would do.
  static constexpr std::size_t kMaximumPackets = 4096;
  static constexpr std::size_t kMaximumBytes = std::size_t{8} << 20;

  /// The loops by the number of their shard. They outlive this; none runs while it is made or destroyed, nor after.
  explicit HandOver(std::span<EventLoop* const> loops);
  ~HandOver();
  HandOver(const HandOver&) = delete;
  HandOver& operator=(const HandOver&) = delete;

  /// Read by the shard's thread alone while loops run.
  const Counters<HandOverCounter>& counters(std::size_t shard) const noexcept { return shards_[shard]->counters; }

 private:
  struct Shard {
    explicit Shard(EventLoop& its) noexcept : loop(its) {}
    EventLoop& loop;
    // Its own thread's.
    Counters<HandOverCounter> counters;
    std::vector<std::vector<Packet>> leaving;  ///< by owner, in this turn
    // Everybody's.
    std::mutex mutex;
    std::vector<Packet> inbox;  ///< guarded by mutex
    std::size_t bytes = 0;      ///< in inbox; guarded by mutex
  };

  void send(Shard& from);
  std::size_t put(Shard& to, std::vector<Packet>& packets);
  void take(Shard& to);

  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace sluice::tun
