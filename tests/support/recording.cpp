// The link and the two taps; see recording.hpp.
#include "tests/support/recording.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "lab/pcapng.hpp"
#include "stack/base/checksum.hpp"
#include "stack/wire/ipv4.hpp"

namespace sluice::test {
namespace {

bool has(const std::vector<std::uint64_t>& numbers, std::uint64_t number) {
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

std::vector<std::uint8_t> copy_of(Bytes packet) { return {packet.begin(), packet.end()}; }

/// An IPv4 packet with CE.
std::vector<std::uint8_t> marked(Bytes packet) {
  constexpr std::size_t kTos = 1, kChecksum = 10;
  std::vector<std::uint8_t> bytes = copy_of(packet);
  bytes[kTos] |= 3;
  bytes[kChecksum] = bytes[kChecksum + 1] = 0;
  const std::uint16_t sum = internet_checksum(Bytes(bytes).first(wire::ipv4::kMinimumHeader));
  bytes[kChecksum] = static_cast<std::uint8_t>(sum >> 8);
  bytes[kChecksum + 1] = static_cast<std::uint8_t>(sum);
  return bytes;
}

}  // namespace
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
  if (has(to_right ? link_.lost_to_right : link_.lost_to_left, number)) return;
  if (!to_right) return deliver(to_right, packet, link_.delay);
  const std::vector<std::uint8_t> arriving = has(link_.marked_to_right, number) ? marked(packet) : copy_of(packet);
  deliver(to_right, arriving, link_.delay + (has(link_.held_to_right, number) ? link_.hold : Duration{}));
  if (has(link_.copied_to_right, number)) deliver(to_right, arriving, link_.delay + std::chrono::milliseconds(1));
}

void Recording::deliver(bool to_right, Bytes packet, Duration delay) {
  (to_right ? right_ : left_).received(world_->now() + delay, packet);
  world_->inject(to_right, copy_of(packet), delay);
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
