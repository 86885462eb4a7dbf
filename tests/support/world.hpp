// Two hosts over a bad link in virtual time: an hour of TCP takes a second, and the same key gives the same run.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lab/host.hpp"
#include "lab/impairment.hpp"
#include "stack/stack.hpp"
#include "tests/support/shape.hpp"

namespace sluice::test {

/// The key of this test run: from SLUICE_SEED (hex) if that is set, else fixed. A failing World prints it.
Key run_key(std::uint64_t stream = 0);

/// Bytes that can be checked anywhere: byte i of stream `seed`.
std::uint8_t pattern_byte(std::uint64_t seed, std::uint64_t offset) noexcept;
std::vector<std::uint8_t> pattern(std::uint64_t seed, std::uint64_t offset, std::size_t size);

struct WorldSettings {
  Family family = Family::ipv4;  ///< of connect(); both hosts have an address of each
  std::size_t mtu = 1500;
  tcp::Config left_tcp = {};
  tcp::Config right_tcp = {};
  lab::ImpairmentSettings to_right = {};
  lab::ImpairmentSettings to_left = {};
  std::size_t memory_limit = std::size_t{256} << 20;
  Observer* left_observer = nullptr;
  Observer* right_observer = nullptr;
  std::uint64_t stream = 0;  ///< another key for another run
  Time start = Time(std::chrono::hours(1));
  Duration left_clock{};  ///< what this host's clock is ahead of the World's: moves its ISNs (4 µs each) and timestamps
  Duration right_clock{};
  lab::HostShape shape = shape_of_run();  ///< of both hosts
  /// Of hosts of several stacks: left() and right() are those that a connection between these ports belongs to.
  std::uint16_t home_left = 40001, home_right = 80;
  /// Likewise: connections of connect() may belong to any of the right one's, not to right() alone.
  bool anywhere = false;
  std::uint64_t packet_ceiling = 5'000'000;  ///< more packets than this fail the test: something answers for ever
};

/// `left` usually opens, `right` usually listens. Time moves only in run_*(). When a test leaves by an exception, the
/// last packets are written to a capture and its name is printed with the key.
class World {
 public:
  explicit World(const WorldSettings& settings = {});
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// Where the application lives, if a host is several stacks.
  Stack& left() noexcept { return left_.stacks->home(); }
  Stack& right() noexcept { return right_.stacks->home(); }
  /// All stacks of a host, home or not.
  std::span<const std::unique_ptr<Stack>> stacks(bool of_right) const noexcept {
    return (of_right ? right_ : left_).stacks->stacks();
  }
  /// Of the left one's for this remote, so that the connection belongs to left() and right(); nullopt: any will do.
  std::optional<Endpoint> port_for(const Endpoint& remote);
  /// Bytes that peers make a host hold, all its stacks together.
  std::size_t memory_used(bool of_right) const noexcept;
  const lab::HostCounts& counts(bool of_right) const noexcept { return (of_right ? right_ : left_).stacks->counts(); }
  IpAddress left_address() const noexcept { return left_.address; }
  IpAddress right_address() const noexcept { return right_.address; }
  static IpAddress left_address(Family family);
  static IpAddress right_address(Family family);
  Time now() const noexcept { return now_; }
  lab::Impairment& to_right() noexcept { return right_.link; }
  lab::Impairment& to_left() noexcept { return left_.link; }
  /// Packets that both stacks emitted.
  std::uint64_t packets() const noexcept { return packets_; }

  /// Called after each step; drives the applications of a test.
  std::function<void()> on_step;
  /// Called for each packet that a stack emits, before the link: to_right tells the direction.
  std::function<void(bool to_right, Bytes packet)> on_packet;
  /// Asked for each packet that a stack emits, after on_packet: true = the test keeps it, and the link never sees it.
  std::function<bool(bool to_right, Bytes packet)> take_packet;
  /// Brings a packet to a host after this time, past the link: a forged one, or one that take_packet kept.
  void inject(bool to_right, std::vector<std::uint8_t> packet, Duration after = {});
  /// A host loses its memory: all its connections, without a word. Its sockets must have gone before.
  void restart(bool right_host);

  /// Delivers what is due and lets both stacks act, without moving time.
  void settle();
  /// Runs for a while of virtual time.
  void run_for(Duration time);
  /// Runs until the condition holds; false when `limit` of virtual time passes first or nothing can happen any more.
  bool run_until(const std::function<bool()>& condition, Duration limit = std::chrono::minutes(10));

  /// A pair of connected sockets: first on the left. REQUIREs success.
  std::pair<tcp::Socket, tcp::Socket> connect(std::uint16_t port = 80, const tcp::OpenOptions& open = {},
                                              const tcp::ListenOptions& listen = {});

 private:
  struct Host {
    Host(const WorldSettings& settings, bool is_left);
    IpAddress address;
    Duration clock;
    std::unique_ptr<lab::Host> stacks;
    lab::Impairment link;  ///< towards this host
    BufferPool pool;
  };

  Time next_event() const;
  Time next_timeout(const Host& host) const;
  void handle_timeout(Host& host);
  void deliver(Host& host);
  void deliver_injected();
  void pull(Host& from, Host& to, bool to_right);
  Bytes remember(bool to_right, Bytes packet);
  void write_capture() const;

  WorldSettings settings_;
  Host left_;
  Host right_;
  Time now_;
  std::multimap<Time, std::pair<bool, std::vector<std::uint8_t>>> injected_;
  std::uint64_t packets_ = 0;
  std::uint16_t next_port_ = 50000;
  struct Seen {
    Time at;
    bool to_right;
    std::vector<std::uint8_t> bytes;
  };
  std::vector<Seen> seen_;  ///< the last packets, as a ring
  std::size_t seen_next_ = 0;
};

/// Sends `total` bytes of a pattern from one socket to the other and checks each byte that arrives.
class Transfer {
 public:
  Transfer(tcp::Socket& from, tcp::Socket& to, std::uint64_t total, std::uint64_t seed = 7) noexcept
      : from_(from), to_(to), total_(total), seed_(seed) {}
  /// Writes and reads what is possible now.
  void step();
  bool done() const noexcept { return received_ == total_; }
  std::uint64_t received() const noexcept { return received_; }
  bool finish_when_sent = false;

 private:
  tcp::Socket& from_;
  tcp::Socket& to_;
  std::uint64_t total_;
  std::uint64_t seed_;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  bool finished_ = false;
};

}  // namespace sluice::test
