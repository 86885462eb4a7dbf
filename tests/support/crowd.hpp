// Very many connections between two stacks in virtual time: all are opened, then left to their keep-alive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/support/bare_wire.hpp"

namespace sluice::test {

struct CrowdSettings {
  std::size_t connections = 1000;
  std::size_t batch = 256;                                                     ///< opened together
  Duration pause = std::chrono::milliseconds(1);                               ///< from one batch to the next
  tcp::KeepAlive keep_alive = {.on = true, .idle = std::chrono::seconds(60)};  ///< of the host that listens
};

/// One host connects, the other listens and keeps the connections alive.
class Crowd {
 public:
  /// Told before and after each turn of a host; for who measures.
  class Watch {
   public:
    virtual void begin(bool listens) = 0;
    virtual void end(bool listens) = 0;

   protected:
    ~Watch() = default;
  };

  explicit Crowd(const CrowdSettings& settings, Watch* watch = nullptr);

  /// Opens all; answers how many were established and accepted.
  std::size_t open();
  /// Runs until each connection was probed and has answered; answers the probes.
  std::uint64_t keep_alive();

  Stack& connecting() noexcept { return connecting_.stack; }
  Stack& listening() noexcept { return listening_.stack; }
  Time now() const noexcept { return now_; }
  /// The most probes that one turn of the listening host sent.
  std::size_t most_at_once() const noexcept { return most_at_once_; }

 private:
  void open_batch(std::size_t first, std::size_t count);
  void settle();
  std::size_t turn(bool listens);
  void accept_all();
  template <class Act>
  void watched(bool listens, Act&& act);
  std::uint64_t probes() noexcept;

  CrowdSettings settings_;
  Watch* watch_;
  BareHost connecting_, listening_;
  Time now_{std::chrono::hours(1)};
  std::vector<tcp::Listener> listeners_;
  std::vector<tcp::Socket> opened_, accepted_;
  std::size_t most_at_once_ = 0;
};

}  // namespace sluice::test
