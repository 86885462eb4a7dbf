// The host under a test or a script as a device sees it: one stack or several that share its addresses, behind a wire
// with or without offloads. What comes out of it on the wire ought to be the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stack/base/random.hpp"
#include "stack/stack.hpp"

namespace sluice::lab {

struct HostShape {
  bool offload = false;     ///< super-segments leave; what comes in one batch is merged as Linux does it (merge.hpp)
  std::uint8_t shards = 1;  ///< stacks that together are the host
  friend bool operator==(const HostShape&, const HostShape&) = default;
};

/// What a run of a Host has seen of its shape; all 0 without one.
struct HostCounts {
  std::uint64_t supers_out = 0;   ///< super-segments that left
  std::uint64_t supers_in = 0;    ///< that came
  std::uint64_t handed_over = 0;  ///< packets that came to the wrong shard
  HostCounts& operator+=(const HostCounts& more) noexcept;
};

/// "; 12 super-segments left, 3 came; 40 packets came to the wrong shard", as far as there were any.
std::string to_text(const HostCounts& counts);

/// The verbs of a Stack, for all shards at once. Each packet comes to a shard by a coin that the key seeds, as a device
/// with several queues may bring it to any, and goes on to its own shard as tun/hand_over does. Each shard has the
/// whole of the host's limits, so that the numbers of a script stay true. The application lives with the home shard.
class Host {
 public:
  /// `home`: the number of the shard that home() is, from 0. REQUIRES one interface, without a link, for several
  /// shards; shape.shards > home.
  Host(Config config, HostShape shape, std::uint8_t home = 0);
  /// The number of the shard that a TCP or UDP flow of such a host belongs to.
  static std::uint8_t home_of(const FourTuple& flow, ip::Protocol protocol, const Key& key, HostShape shape) noexcept;

  Stack& home() noexcept { return *stacks_[home_]; }
  const Stack& home() const noexcept { return *stacks_[home_]; }
  std::span<const std::unique_ptr<Stack>> stacks() const noexcept { return stacks_; }
  /// Whether packets of this flow reach home().
  bool is_home(const FourTuple& flow, ip::Protocol protocol) const noexcept;

  /// The ACKs leave by the next poll_transmit(), after the whole batch, which is left empty.
  void receive(std::span<Packet> batch, Time now);
  void handle_timeout(Time now);
  Time next_timeout() const noexcept;
  /// Frames as the stacks make them: super-segments are whoever drives this host's to cut.
  void poll_transmit(Time now, FrameSink& sink);
  /// Of home()'s sockets.
  std::optional<Event> poll_event();

  const HostCounts& counts() const noexcept { return counts_; }

 private:
  void arrive(Packet packet, Time now);
  void hand_over(Time now);

  HostShape shape_;
  std::uint8_t home_;
  Random coin_;
  BufferPool pool_;
  std::vector<std::unique_ptr<Stack>> stacks_;
  HostCounts counts_;
};

}  // namespace sluice::lab
