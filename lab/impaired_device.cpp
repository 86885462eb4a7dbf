// Two impairments and the order of things at a full device.
#include "lab/impaired_device.hpp"

#include <algorithm>
#include <utility>

namespace sluice::lab {

ImpairedDevice::ImpairedDevice(tun::Device& inner, ImpairmentSettings in, ImpairmentSettings out, const Key& key)
    : DeviceLayer(inner), in_(std::move(in), key, 0), out_(std::move(out), key, 1) {}

void ImpairedDevice::begin_turn(Time now) noexcept {
  now_ = now;
  inner().begin_turn(now);
}

bool ImpairedDevice::receive_batch(std::vector<Packet>& into) noexcept {
  arrived_.clear();
  const bool more = inner().receive_batch(arrived_);
  for (Packet& packet : arrived_) in_.offer_arrival(now_, std::move(packet));
  while (auto released = in_.take(now_)) into.push_back(std::move(released->packet));
  return more;
}

bool ImpairedDevice::accept(const Frame& frame) noexcept {
  out_.offer(now_, frame);
  return true;
}

void ImpairedDevice::flush() noexcept {
  while (waiting_ || (waiting_ = out_.take(now_))) {
    const Bytes packet = std::as_const(waiting_->packet).bytes();
    if (!inner().accept({.head = packet, .body = {}})) break;
    waiting_.reset();
  }
  inner().flush();
}

Time ImpairedDevice::next_timeout() const noexcept {
  // While a packet waits for the inner device its descriptor wakes the loop, not the clock.
  const Time out = waiting_ ? kNever : out_.next_release();
  return std::min({in_.next_release(), out, inner().next_timeout()});
}

}  // namespace sluice::lab
