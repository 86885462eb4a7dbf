// Hosts on one Ethernet in virtual time: each frame that one sends reaches all others at once, as through a hub.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "stack/stack.hpp"
#include "tests/support/world.hpp"

namespace sluice::test {

using Octets = std::vector<std::uint8_t>;
using Frames = std::vector<Octets>;

/// The MAC address of host `number` of every Lan.
constexpr MacAddress mac_of(std::uint8_t number) { return MacAddress({0x02, 0, 0x5e, 0x10, 0, number}); }

Octets framed(const MacAddress& to, const MacAddress& from, std::uint16_t type, const Octets& payload);
/// From its own sender.
Octets arp_frame(const wire::arp::Packet& packet, const MacAddress& to = MacAddress::broadcast());

/// Host `number` has 10.0.0.NUMBER/24, fd00::NUMBER/64 and fe80::NUMBER/64.
Config lan_config(std::uint8_t number);

class Lan {
 public:
  /// The host gets the next number: 1, 2, 3 …
  Stack& add_host();
  Stack& add_host(const Config& config);
  Stack& host(std::size_t number) { return *hosts_.at(number - 1).stack; }
  Time now() const noexcept { return now_; }

  /// Called for each frame, before anybody gets it.
  std::function<void(std::size_t from, Bytes frame)> on_frame;
  /// True: the frame is lost on its way to `to`.
  std::function<bool(std::size_t from, std::size_t to, Bytes frame)> loses;

  /// A frame from nowhere to one host, or to all (0).
  void inject(Bytes frame, std::size_t to = 0);
  /// Lets everybody act until nothing moves any more, without moving time.
  void settle();
  void run_for(Duration time);
  bool run_until(const std::function<bool()>& condition, Duration limit = std::chrono::minutes(10));

  std::uint64_t frames() const noexcept { return frames_; }

 private:
  struct Host {
    std::unique_ptr<Stack> stack;
    Frames waiting;
  };
  bool step();
  void send(std::size_t from, Bytes frame);

  std::vector<Host> hosts_;
  BufferPool pool_;
  Time now_{std::chrono::hours(1)};
  std::uint64_t frames_ = 0;
};

}  // namespace sluice::test
