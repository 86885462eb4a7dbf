// Packets across the path: in from one end, out at the other.
#include "tests/bench/paths_emulator.hpp"

#include <algorithm>
#include <utility>

namespace sluice::bench {
namespace {

/// True when this IPv4 packet is for `host`.
bool is_for(const SluiceHost& host, Bytes packet) noexcept {
  return packet.size() >= 20 && std::ranges::equal(packet.subspan(16, 4), host.address().bytes());
}

Time next_of(const Emulator::Side& side) noexcept { return side.host ? side.host->next_timeout() : kNever; }

}  // namespace

Emulator::Emulator(const lab::ImpairmentSettings& there, const lab::ImpairmentSettings& back, const Key& key, Side left,
                   Side right)
    : there_(there, key, 0), back_(back, key, 1), left_(left), right_(right) {}

bool Emulator::turn(Time now) {
  const bool more_left = take_in(left_, there_, now);
  const bool more_right = take_in(right_, back_, now);
  deliver(there_, right_, now, true);
  deliver(back_, left_, now, false);
  SinkOf out([&](const Frame& frame) noexcept {
    there_.offer(now, frame);
    return true;
  });
  SinkOf in([&](const Frame& frame) noexcept {
    back_.offer(now, frame);
    return true;
  });
  if (left_.host) left_.host->turn(now, out);
  if (right_.host) right_.host->turn(now, in);
  return more_left || more_right || next_event() <= now;
}

Time Emulator::next_event() const noexcept {
  return std::min({there_.next_release(), back_.next_release(), next_of(left_), next_of(right_)});
}

bool Emulator::take_in(Side& side, lab::Impairment& into, Time now) {
  if (!side.device) return false;
  side.device->begin_turn(now);
  batch_.clear();
  const bool more = side.device->receive_batch(batch_);
  for (Packet& packet : batch_) into.offer_arrival(now, std::move(packet));
  return more;
}

void Emulator::deliver(lab::Impairment& from, Side& side, Time now, bool measured) {
  while (auto released = from.take(now)) {
    Packet& packet = released->packet;
    if (measured) {
      carried_ += packet.size();
      waited_.push_back(released->waited);
      late_.push_back(now - released->at);
    }
    if (side.host && is_for(*side.host, std::as_const(packet).bytes()))
      side.host->arrived.push_back(std::move(packet));
    else if (side.device)
      side.device->accept({.head = std::as_const(packet).bytes(), .body = {}});
  }
}

Duration Emulator::quantile(Durations values, double part) {
  if (values.empty()) return {};
  const auto place = static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + place, values.end());
  return values[static_cast<std::size_t>(place)];
}

}  // namespace sluice::bench
