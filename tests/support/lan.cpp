// Hosts on one Ethernet; see lan.hpp.
#include "tests/support/lan.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

#include "tests/support/virtual_time.hpp"

namespace sluice::test {

Octets framed(const MacAddress& to, const MacAddress& from, std::uint16_t type, const Octets& payload) {
  Octets frame(wire::ethernet::kHeaderSize);
  wire::ethernet::write(frame, {.destination = to, .source = from, .type = type});
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}

Octets arp_frame(const wire::arp::Packet& packet, const MacAddress& to) {
  Octets payload(wire::arp::kSize);
  wire::arp::write(payload, packet);
  return framed(to, packet.sender_mac, wire::ethernet::kArp, payload);
}

Config lan_config(std::uint8_t number) {
  const std::string last = std::to_string(number);
  Config config{.key = run_key(number), .ip = {}, .tcp = {}};
  config.ip.addresses = {*Prefix::parse("10.0.0." + last + "/24"), *Prefix::parse("fd00::" + last + "/64"),
                         *Prefix::parse("fe80::" + last + "/64")};
  config.link = ip::LinkSettings{.mac = mac_of(number), .timing = {}};
  return config;
}

Stack& Lan::add_host() { return add_host(lan_config(static_cast<std::uint8_t>(hosts_.size() + 1))); }

Stack& Lan::add_host(const Config& config) {
  hosts_.push_back({std::make_unique<Stack>(config), {}});
  hosts_.back().stack->handle_timeout(now_);
  return *hosts_.back().stack;
}

void Lan::send(std::size_t from, Bytes frame) {
  ++frames_;
  REQUIRE(frames_ < 5'000'000);
  if (on_frame) on_frame(from, frame);
  for (std::size_t to = 1; to <= hosts_.size(); ++to) {
    if (to == from || (loses && loses(from, to, frame))) continue;
    hosts_[to - 1].waiting.emplace_back(frame.begin(), frame.end());
  }
}

void Lan::inject(Bytes frame, std::size_t to) {
  for (std::size_t number = 1; number <= hosts_.size(); ++number)
    if (to == 0 || to == number) hosts_[number - 1].waiting.emplace_back(frame.begin(), frame.end());
}

bool Lan::step() {
  bool moved = false;
  for (std::size_t number = 1; number <= hosts_.size(); ++number) {
    Host& host = hosts_[number - 1];
    const Frames arrived = std::exchange(host.waiting, {});
    for (const auto& bytes : arrived) {
      Packet packet = Packet::copy_of(pool_, bytes);
      host.stack->receive({&packet, 1}, now_);
    }
    moved |= !arrived.empty();
    if (host.stack->next_timeout() <= now_) host.stack->handle_timeout(now_);
    SinkOf sink([&](const Frame& frame) noexcept {
      std::vector<std::uint8_t> bytes(frame.head.begin(), frame.head.end());
      for (const Slice& piece : frame.body) bytes.insert(bytes.end(), piece.bytes().begin(), piece.bytes().end());
      send(number, bytes);
      moved = true;
      return true;
    });
    host.stack->poll_transmit(now_, sink);
  }
  return moved;
}

void Lan::settle() {
  while (step()) {
  }
}

void Lan::run_for(Duration time) {
  const Time end = now_ + time;
  (void)run_until([&] { return now_ >= end; }, time);
}

bool Lan::run_until(const std::function<bool()>& condition, Duration limit) {
  return advance_until(
      now_, limit, [&] { settle(); }, [&] { return earliest_timeout(hosts_); }, condition);
}

}  // namespace sluice::test
