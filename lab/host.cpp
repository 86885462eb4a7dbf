// Coins, strays and the sum of several stacks; see host.hpp.
#include "lab/host.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "lab/merge.hpp"

namespace sluice::lab {
namespace {

constexpr std::size_t kLargestFrame = 65535;  // bytes of IP packet
constexpr std::uint64_t kCoinStream = 3;      // beside those of the links

}  // namespace

HostCounts& HostCounts::operator+=(const HostCounts& more) noexcept {
  supers_out += more.supers_out;
  supers_in += more.supers_in;
  handed_over += more.handed_over;
  return *this;
}

std::string to_text(const HostCounts& counts) {
  std::string text;
  if (counts.supers_out + counts.supers_in > 0)
    text += fmt::format("; {} super-segments left, {} came", counts.supers_out, counts.supers_in);
  if (counts.handed_over > 0) text += fmt::format("; {} packets came to the wrong shard", counts.handed_over);
  return text;
}

Host::Host(Config config, HostShape shape, std::uint8_t home)
    : shape_(shape), home_(home), coin_(config.key, KeyUse::impairment, kCoinStream) {
  assert(home < shape.shards);
  if (shape.offload && config.tcp.maximum_frame == 0) config.tcp.maximum_frame = kLargestFrame;
  if (shape.offload && config.udp_maximum_frame == 0) config.udp_maximum_frame = kLargestFrame;
  stacks_.reserve(shape.shards);
  for (std::uint8_t number = 0; number < shape.shards; ++number) {
    config.ip.shard = {number, shape.shards};
    stacks_.push_back(std::make_unique<Stack>(config));
  }
}

std::uint8_t Host::home_of(const FourTuple& flow, ip::Protocol protocol, const Key& key, HostShape shape) noexcept {
  return ip::Shard({0, shape.shards}, key).owner_of(protocol, flow);
}

bool Host::is_home(const FourTuple& flow, ip::Protocol protocol) const noexcept {
  return stacks_[home_]->ip().shard().owner_of(protocol, flow) == home_;
}

void Host::receive(std::span<Packet> batch, Time now) {
  std::vector<Packet> packets(std::move_iterator(batch.begin()), std::move_iterator(batch.end()));
  if (shape_.offload) packets = merged(std::move(packets));
  for (const Packet& one : packets) counts_.supers_in += one.gso_size > 0 ? 1u : 0u;
  if (stacks_.size() == 1) return home().receive(packets, now);
  for (Packet& one : packets) arrive(std::move(one), now);
}

void Host::arrive(Packet packet, Time now) {
  Stack& first = *stacks_[coin_.below(static_cast<std::uint32_t>(stacks_.size()))];
  first.receive({&packet, 1}, now);
  hand_over(now);
}

/// Fragments may go on twice: where they meet, and from there to the shard of their ports.
void Host::hand_over(Time now) {
  for (bool moved = true; std::exchange(moved, false);)
    for (const auto& stack : stacks_)
      while (const std::optional<Stray> stray = stack->poll_stray()) {
        Packet packet = stray->packet.copy(pool_);  // a buffer belongs to its own stack
        stacks_[stray->owner]->receive({&packet, 1}, now);
        ++counts_.handed_over;
        moved = true;
      }
}

void Host::handle_timeout(Time now) {
  for (const auto& stack : stacks_) stack->handle_timeout(now);
}

Time Host::next_timeout() const noexcept {
  Time next = kNever;
  for (const auto& stack : stacks_) next = std::min(next, stack->next_timeout());
  return next;
}

void Host::poll_transmit(Time now, FrameSink& sink) {
  SinkOf counting([&](const Frame& frame) noexcept {
    if (!sink.accept(frame)) return false;
    counts_.supers_out += frame.gso_size > 0 ? 1u : 0u;
    return true;
  });
  for (const auto& stack : stacks_) stack->poll_transmit(now, counting);
}

std::optional<Event> Host::poll_event() {
  for (const auto& stack : stacks_)
    if (stack.get() != &home())
      while (stack->poll_event()) continue;
  return home().poll_event();
}

}  // namespace sluice::lab
