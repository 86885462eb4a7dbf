// The facade: packets and time in, packets and readiness out, sockets on top. One Stack is one host on one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "stack/base/budget.hpp"
#include "stack/base/byte_stream.hpp"
#include "stack/base/counters.hpp"
#include "stack/base/packet.hpp"
#include "stack/base/random.hpp"
#include "stack/base/result.hpp"
#include "stack/base/ring.hpp"
#include "stack/base/time.hpp"
#include "stack/base/trace.hpp"
#include "stack/interface.hpp"
#include "stack/ip/echo.hpp"
#include "stack/ip/layer.hpp"
#include "stack/ip/loopback.hpp"
#include "stack/tcp/layer.hpp"
#include "stack/tcp/socket.hpp"
#include "stack/udp/layer.hpp"
#include "stack/udp/socket.hpp"

namespace sluice {

struct Config {
  Key key{};      ///< all randomness follows from it: draw it from getrandom, or fix it in tests
  ip::Config ip;  ///< with the addresses and the MTU of the first interface
  /// Of the first interface, as in InterfaceConfig.
  std::optional<ip::LinkSettings> link = std::nullopt;
  std::optional<host::ConfiguratorSettings> host = std::nullopt;
  std::vector<InterfaceConfig> more_interfaces = {};  ///< numbered from 1 on; fewer than 254
  tcp::Config tcp;
  std::size_t udp_maximum_frame = 0;  ///< bytes of IP packet in a row of datagrams that every device cuts; 0 = never
  host::MembershipSettings membership = {};           ///< for both families; the MTU is each interface's own
  std::size_t memory_limit = std::size_t{256} << 20;  ///< bytes that peers can make the stack hold, in all
  Observer* observer = nullptr;                       ///< outlives the stack
};

enum class SocketKind : std::uint8_t { tcp, tcp_listener, udp };

/// `host` as one of several stacks that share its addresses and its key: each gets its part of the limits. A packet
/// that comes to the wrong one waits there for poll_stray(). REQUIRES one interface, without a link; number < count.
Config shard_of(Config host, ip::ShardSettings shard);

enum class ShardCounter : std::uint8_t {
  strays,            ///< packets that came here and belong to another shard
  drop_strays_full,  ///< of them, those that nobody fetched in time
  count,
};
std::string_view name(ShardCounter counter) noexcept;

/// A packet on its way to the shard that it belongs to.
struct Stray {
  std::uint8_t owner = 0;
  Packet packet;
};

/// Names a socket of a stack; goes stale with it.
struct SocketId {
  SocketKind kind = SocketKind::tcp;
  SlotId slot;
  friend constexpr bool operator==(const SocketId&, const SocketId&) noexcept = default;
};

struct Event {
  SocketId socket;
  Readiness ready = Readiness::none;
};

/// An ICMP error about something that we sent. Of other protocols than TCP and UDP the ports are 0.
struct IcmpReport {
  ip::IcmpKind kind = ip::IcmpKind::unknown;
  std::uint8_t code = 0;  ///< of the error, by its family
  IpAddress reporter;
  ip::Protocol protocol = ip::Protocol::tcp;
  Endpoint local;   ///< the quoted packet's source: us
  Endpoint remote;  ///< and where it went
};

/// The verbs, in any order and as often as one likes; an extra call is harmless. `now` never goes backwards; calls on
/// sockets happen at the latest time that the stack was told. Not thread-safe: one thread owns a Stack and its sockets.
class Stack {
 public:
  explicit Stack(const Config& config);
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  /// Takes a batch of packets from the device of an interface; each begins with an IP header, or on a link with an
  /// Ethernet header. The ACKs that they cause leave by the next poll_transmit(), after the whole batch [9293 MUST-59].
  void receive(std::span<Packet> batch, Time now, InterfaceNumber interface = 0);
  /// Acts on what is due, at most on a thousand connections at a time: of more, next_timeout() is still due.
  void handle_timeout(Time now);
  /// When handle_timeout() wants to be called next; kNever = no timer runs.
  Time next_timeout() const noexcept;
  /// Offers frames until nothing is left to send or a sink is full. One sink for each interface, in their order. What
  /// the host says to itself goes round inside: it arrives by the next handle_timeout(), which is due at once.
  void poll_transmit(Time now, std::span<FrameSink* const> sinks);
  /// The same for a host of one interface.
  void poll_transmit(Time now, FrameSink& sink);
  /// The next socket whose readiness changed. One coalesced mask a socket, never a growing queue.
  std::optional<Event> poll_event();

  /// Opens a connection (RFC 9293 3.10.1, active OPEN); readiness `connected` or `failed` tells the outcome.
  Result<tcp::Socket> connect(const Endpoint& remote, const tcp::OpenOptions& options = {});
  Result<tcp::Listener> listen(const Endpoint& local, const tcp::ListenOptions& options = {});
  Result<udp::Socket> bind_udp(const Endpoint& local, const udp::Options& options = {});

  /// Asks a host for an echo; see ip::Echo::send() for the errors.
  Result<void> send_echo(const ip::EchoRequest& request) { return echo_.send(request, now_); }
  /// The next answer to what send_echo() asked.
  std::optional<ip::EchoAnswer> poll_echo() noexcept { return echo_.poll(); }
  const ip::Echo& echo() const noexcept { return echo_; }

  /// From now on ICMP errors are kept for poll_error(), beside what transports make of them: for tools that show a
  /// path. What a quote claims to be ours is not checked against any connection.
  void keep_errors() noexcept { keeps_errors_ = true; }
  /// The oldest of the last kMaximumReports that nobody fetched.
  std::optional<IcmpReport> poll_error() { return reports_.take_front(); }
  static constexpr std::size_t kMaximumReports = 256;

  /// The next packet for another shard of this host, in the order of their coming. Its memory is this stack's thread's:
  /// the owner gets a copy, by receive().
  std::optional<Stray> poll_stray() noexcept { return strays_.take_front(); }
  bool has_strays() const noexcept { return !strays_.empty(); }
  const Counters<ShardCounter>& shard_counters() const noexcept { return shard_counters_; }
  /// So many may wait; a loop fetches them in the turn in which they came.
  static constexpr std::size_t kMaximumStrays = 256;

  ip::Layer& ip() noexcept { return ip_; }
  std::size_t interface_count() const noexcept { return interfaces_.size(); }
  /// REQUIRES number < interface_count(), as do all that follow.
  Interface& interface(InterfaceNumber number) noexcept { return *interfaces_[number]; }
  ip::Link* link(InterfaceNumber number = 0) noexcept { return interface(number).link(); }
  /// Of a host that configures itself; else nullptr.
  host::Configurator* configurator(InterfaceNumber number = 0) noexcept { return interface(number).configurator(); }
  const ip::Loopback& loopback() const noexcept { return loopback_; }
  tcp::Layer& tcp() noexcept { return tcp_; }
  udp::Layer& udp() noexcept { return udp_; }
  /// What tells routers of the multicast groups of this family: IGMP or MLD.
  const host::Membership& membership(Family family, InterfaceNumber number = 0) const noexcept {
    return interfaces_[number]->membership(family);
  }
  const Budget& memory() const noexcept { return memory_; }

 private:
  void advance(Time now) noexcept;
  void add_interface(InterfaceNumber number, const InterfaceConfig& interface, const Config& config);
  void sort(Packet packet);
  void receive_packet(Packet packet, bool in_pieces = false);
  bool is_stray(ip::Received& received);
  void put_aside(std::uint8_t owner, Packet packet);
  void receive_udp(ip::Datagram datagram);
  void receive_signal(const ip::Datagram& datagram);
  void receive_error(const ip::IcmpError& error);
  void keep(const ip::IcmpError& error);
  void transmit(FrameSink& sink);

  Budget memory_;
  ip::Outbox outbox_;
  ip::Layer ip_;
  ip::Echo echo_;
  udp::Layer udp_;
  tcp::Layer tcp_;
  std::vector<std::unique_ptr<Interface>> interfaces_;
  ip::Loopback loopback_;
  Ring<Stray> strays_;
  Counters<ShardCounter> shard_counters_;
  bool keeps_errors_ = false;
  Ring<IcmpReport> reports_;
  Time now_{};
};

}  // namespace sluice
