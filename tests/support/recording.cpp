// The link and the two taps; see recording.hpp.
#include "tests/support/recording.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "lab/pcapng.hpp"

namespace sluice::test {
Recording::Recording(const RecordedLink& link, WorldSettings settings) : link_(link) {
  if (const char* seed = std::getenv("SLUICE_SEED")) {
    seeded_ = true;
    seed_ = seed;
    unsetenv("SLUICE_SEED");
  }
  settings.left_observer = &left_;
  settings.right_observer = &right_;
  world_ = std::make_unique<World>(settings);
  world_->take_packet = [this](bool to_right, Bytes packet) {
    carry(to_right, packet);
    return true;
  };
}

Recording::~Recording() {
  if (seeded_) setenv("SLUICE_SEED", seed_.c_str(), 1);
}

void Recording::send_from_left(std::vector<std::uint8_t> packet) { carry(true, packet); }

void Recording::carry(bool to_right, Bytes packet) {
  (to_right ? left_ : right_).sent(world_->now(), packet);
  const std::uint64_t number = ++(to_right ? sent_right_ : sent_left_);
  const std::vector<std::uint64_t>& lost = to_right ? link_.lost_to_right : link_.lost_to_left;
  if (std::find(lost.begin(), lost.end(), number) != lost.end()) return;
  (to_right ? right_ : left_).received(world_->now() + link_.delay, packet);
  world_->inject(to_right, {packet.begin(), packet.end()}, link_.delay);
}

// What arrives at the time at which something leaves was there first: a host reads before it speaks.
std::vector<std::uint8_t> Recording::End::file() {
  departures_.clear();
  std::vector<const Seen*> order;
  for (const Seen& one : seen_) order.push_back(&one);
  std::stable_sort(order.begin(), order.end(), [](const Seen* a, const Seen* b) {
    return std::pair(a->at, a->direction) < std::pair(b->at, b->direction);
  });
  lab::PcapngWriter writer;
  for (const Seen* one : order) writer.add({one->at.time_since_epoch(), one->direction, one->comment}, one->bytes);
  return writer.bytes();
}

}  // namespace sluice::test
