// One stack in virtual time under a script: time goes on only when asked, and what leaves waits to be looked at.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lab/departures.hpp"
#include "lab/drill/settings.hpp"
#include "lab/host.hpp"
#include "stack/base/trace.hpp"
#include "stack/posix/calls.hpp"

namespace sluice::lab::drill {

/// A packet that left.
struct Sent {
  Duration at{};  ///< since the script began
  std::vector<std::uint8_t> bytes;
  DepartureNote note;       ///< what the stack told of it, or empty
  std::size_t matched = 0;  ///< bytes of its text that the script has expected already
};

class Stage final : private Observer {
 public:
  explicit Stage(const Settings& settings);
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  Duration now() const noexcept { return now_ - start_; }
  posix::Calls& calls() noexcept { return calls_; }
  const IpAddress& local() const noexcept { return local_; }
  const IpAddress& remote() const noexcept { return remote_; }

  /// Everything that is due up to `time`, and at it. Throws std::runtime_error when the stack never comes to rest.
  void run_to(Duration time);
  /// The same, but no further than `done` wants: it is asked after each turn of the stack.
  bool run_until(Duration time, const std::function<bool()>& done);
  /// A packet arrives now. With `more` the next one is right behind it: a device with offloads may join them, and
  /// nothing happens before that one comes.
  void inject(const std::vector<std::uint8_t>& packet, bool more = false);
  /// The flow whose stack the calls' sockets are of: between the ports of a script's head.
  static FourTuple home_flow(const Settings& settings);
  const HostCounts& counts() const noexcept { return host_.counts(); }
  /// The stack acts on what calls did. Every call's caller calls it.
  void turn();

  std::deque<Sent> sent;
  /// After each turn: a blocked call tries again. True: it did something.
  std::function<bool()> after_turn;
  /// When that wants to be asked at the latest.
  std::optional<Duration> wake;
  /// Hears of every event of the stack, if set.
  std::function<void(Duration, const TraceEvent&)> trace;

 private:
  void on_event(const TraceEvent& event) noexcept override;
  void pass_events();
  void count_turn();
  static Config config_of(const Settings& settings, const IpAddress& local, Observer* observer);
  static posix::Calls::Settings calls_of(const Settings& settings);

  // The last to go: closing what is open sends packets and tells of them.
  BufferPool pool_;
  Departures departures_;
  IpAddress local_;
  IpAddress remote_;
  Time start_;
  Time now_;
  std::size_t turns_left_;
  HostShape shape_;
  Host host_;
  std::vector<Packet> arriving_;
  posix::Calls calls_;
};

}  // namespace sluice::lab::drill
