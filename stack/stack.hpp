// The facade: packets and time in, packets and readiness out, sockets on top. One Stack is one host on one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "stack/base/budget.hpp"
#include "stack/base/byte_stream.hpp"
#include "stack/base/packet.hpp"
#include "stack/base/random.hpp"
#include "stack/base/result.hpp"
#include "stack/base/time.hpp"
#include "stack/base/trace.hpp"
#include "stack/host/configurator.hpp"
#include "stack/host/membership.hpp"
#include "stack/ip/echo.hpp"
#include "stack/ip/layer.hpp"
#include "stack/ip/link.hpp"
#include "stack/tcp/layer.hpp"
#include "stack/tcp/socket.hpp"
#include "stack/udp/layer.hpp"
#include "stack/udp/socket.hpp"

namespace sluice {

struct Config {
  Key key{};  ///< all randomness follows from it: draw it from getrandom, or fix it in tests
  ip::Config ip;
  std::optional<ip::LinkSettings> link = std::nullopt;  ///< packets are Ethernet frames; none: they begin with IP
  /// On a link: the host gets its addresses itself, and looks whether they are its alone. None: ip.addresses are used
  /// as they are, without a question.
  std::optional<host::ConfiguratorSettings> host = std::nullopt;
  tcp::Config tcp;
  host::MembershipSettings membership = {};           ///< for both families; the MTU is that of ip
  std::size_t memory_limit = std::size_t{256} << 20;  ///< bytes that peers can make the stack hold, in all
  Observer* observer = nullptr;                       ///< outlives the stack
};

enum class SocketKind : std::uint8_t { tcp, tcp_listener, udp };

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

/// The verbs, in any order and as often as one likes; an extra call is harmless. `now` never goes backwards; calls on
/// sockets happen at the latest time that the stack was told. Not thread-safe: one thread owns a Stack and its sockets.
class Stack {
 public:
  explicit Stack(const Config& config);
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  /// Takes a batch of packets from the device; each begins with an IP header, or on a link with an Ethernet header. The
  /// ACKs that they cause leave by the next poll_transmit(), after the whole batch [9293 MUST-59].
  void receive(std::span<Packet> batch, Time now);
  void handle_timeout(Time now);
  /// When handle_timeout() wants to be called next; kNever = no timer runs.
  Time next_timeout() const noexcept;
  /// Offers frames until nothing is left to send or the sink is full.
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

  ip::Layer& ip() noexcept { return ip_; }
  ip::Link* link() noexcept { return link_ ? &*link_ : nullptr; }
  /// Of a host that configures itself; else nullptr.
  host::Configurator* configurator() noexcept { return configurator_ ? &*configurator_ : nullptr; }
  tcp::Layer& tcp() noexcept { return tcp_; }
  udp::Layer& udp() noexcept { return udp_; }
  /// What tells routers of the multicast groups of this family: IGMP or MLD.
  const host::Membership& membership(Family family) const noexcept { return family == Family::ipv4 ? igmp_ : mld_; }
  const Budget& memory() const noexcept { return memory_; }

 private:
  void advance(Time now) noexcept;
  void receive_frame(Packet frame);
  void receive_packet(Packet packet);
  void receive_udp(ip::Datagram datagram);
  void receive_signal(const ip::Datagram& datagram);
  void receive_error(const ip::IcmpError& error);
  void transmit(FrameSink& sink);
  /// Takes over what the sockets changed, and puts due reports into the outbox.
  void report_groups();
  /// Where reports come from; the unspecified address when there is none that fits.
  IpAddress report_source(Family family) const noexcept;

  Budget memory_;
  ip::Outbox outbox_;
  ip::Layer ip_;
  std::optional<ip::Link> link_;
  ip::Echo echo_;
  udp::Layer udp_;
  tcp::Layer tcp_;
  std::optional<host::Configurator> configurator_;
  bool up_ = false;
  host::Membership igmp_;
  host::Membership mld_;
  Time now_{};
};

}  // namespace sluice
