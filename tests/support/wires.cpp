// Frames from wire's end to wire's end; see wires.hpp.
#include "tests/support/wires.hpp"

#include <algorithm>
#include <utility>

#include "stack/wire/ipv4.hpp"
#include "stack/wire/udp.hpp"
#include "tests/support/virtual_time.hpp"

namespace sluice::test {

std::vector<std::uint8_t> empty_datagram(const IpAddress& from, const IpAddress& to) {
  std::vector<std::uint8_t> packet(wire::ipv4::kMinimumHeader + wire::udp::kHeaderSize);
  wire::udp::write(MutableBytes(packet).subspan(wire::ipv4::kMinimumHeader), {.source_port = 9, .destination_port = 7},
                   from, to, {});
  wire::ipv4::write(packet, {.source = from,
                             .destination = to,
                             .protocol = 17,
                             .hop_limit = 64,
                             .total_length = static_cast<std::uint16_t>(packet.size())});
  return packet;
}

std::size_t Wires::add_host(const Config& config) {
  Host host{.stack = std::make_unique<Stack>(config), .waiting = {}};
  host.waiting.resize(host.stack->interface_count());
  host.stack->handle_timeout(now_);
  hosts_.push_back(std::move(host));
  return hosts_.size() - 1;
}

void Wires::inject(End to, Bytes frame) {
  hosts_.at(to.host).waiting.at(to.interface).emplace_back(frame.begin(), frame.end());
}

void Wires::send(End from, const Frame& frame) {
  const Slice whole = frame.copy();
  if (on_frame) on_frame(from, whole.bytes());
  for (const Wire& wire : wires_) {
    if (wire.one == from) inject(wire.other, whole.bytes());
    if (wire.other == from) inject(wire.one, whole.bytes());
  }
}

bool Wires::step(std::size_t number) {
  Host& host = hosts_[number];
  bool moved = false;
  for (std::size_t i = 0; i < host.waiting.size(); ++i) {
    for (const auto& bytes : std::exchange(host.waiting[i], {})) {
      Packet packet = Packet::copy_of(pool_, bytes);
      host.stack->receive({&packet, 1}, now_, static_cast<InterfaceNumber>(i));
      moved = true;
    }
  }
  if (host.stack->next_timeout() <= now_) {
    moved |= !host.stack->loopback().empty();
    host.stack->handle_timeout(now_);
  }
  const auto sink_of = [&](std::size_t interface) {
    return SinkOf(
        [this, &moved, from = End{number, static_cast<InterfaceNumber>(interface)}](const Frame& frame) noexcept {
          send(from, frame);
          moved = true;
          return true;
        });
  };
  std::vector<decltype(sink_of(0))> sinks;
  std::vector<FrameSink*> all;
  for (std::size_t i = 0; i < host.waiting.size(); ++i) sinks.push_back(sink_of(i));
  for (auto& sink : sinks) all.push_back(&sink);
  host.stack->poll_transmit(now_, all);
  return moved || !host.stack->loopback().empty();
}

void Wires::settle() {
  bool moved = true;
  while (moved) {
    moved = false;
    for (std::size_t i = 0; i < hosts_.size(); ++i) moved |= step(i);
  }
}

bool Wires::run_until(const std::function<bool()>& condition, Duration limit) {
  return advance_until(
      now_, limit, [&] { settle(); }, [&] { return earliest_timeout(hosts_); }, condition);
}

void Wires::run_for(Duration time) {
  const Time end = now_ + time;
  (void)run_until([&] { return now_ >= end; }, time);
}

}  // namespace sluice::test
