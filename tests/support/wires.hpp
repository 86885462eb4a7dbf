// Hosts joined by wires in virtual time: each wire ends at an interface of two stacks, and loses nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "stack/stack.hpp"

namespace sluice::test {

/// An IPv4 packet with a UDP datagram without text, from port 9 to port 7.
std::vector<std::uint8_t> empty_datagram(const IpAddress& from, const IpAddress& to);

class Wires {
 public:
  struct End {
    std::size_t host = 0;
    InterfaceNumber interface = 0;
    friend bool operator==(const End&, const End&) = default;
  };

  /// Answers its number, counted from 0.
  std::size_t add_host(const Config& config);
  void join(End one, End other) { wires_.push_back({one, other}); }
  Stack& host(std::size_t number) { return *hosts_.at(number).stack; }
  Time now() const noexcept { return now_; }

  /// Called for each frame that leaves a host by an interface, wire or not.
  std::function<void(End from, Bytes frame)> on_frame;

  /// A frame from nowhere, at the next settle().
  void inject(End to, Bytes frame);
  /// Lets everybody act until nothing moves any more, without moving time.
  void settle();
  bool run_until(const std::function<bool()>& condition, Duration limit = std::chrono::minutes(10));
  void run_for(Duration time);

 private:
  struct Wire {
    End one;
    End other;
  };
  struct Host {
    std::unique_ptr<Stack> stack;
    std::vector<std::vector<std::vector<std::uint8_t>>> waiting;  ///< frames, by interface
  };
  bool step(std::size_t number);
  void send(End from, const Frame& frame);

  std::vector<Host> hosts_;
  std::vector<Wire> wires_;
  BufferPool pool_;
  Time now_{std::chrono::hours(1)};
};

}  // namespace sluice::test
