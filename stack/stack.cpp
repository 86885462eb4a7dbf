// The facade's verbs: each hands its work to the layers in the order of a packet's way.
#include "stack/stack.hpp"

#include <algorithm>
#include <cassert>
#include <type_traits>
#include <utility>

#include "stack/ip/quote.hpp"
#include "stack/wire/icmpv6.hpp"

namespace sluice {
namespace {

/// The first interface has the stack's own key; the others must not do what it does at the same moments.
Key key_of(const Config& config, InterfaceNumber number) {
  Key key = config.key;
  if (number > 0) Random(config.key, KeyUse::interface, number).fill(key);
  return key;
}

}  // namespace

std::string_view name(ShardCounter counter) noexcept {
  switch (counter) {
    case ShardCounter::strays: return "strays";
    case ShardCounter::drop_strays_full: return "drop_strays_full";
    case ShardCounter::count: break;
  }
  return "unknown";
}

Config shard_of(Config host, ip::ShardSettings shard) {
  assert(shard.number < shard.count && !host.link && host.more_interfaces.empty());
  host.ip.shard = shard;
  const auto divide = [&](auto& limit) {
    using Limit = std::remove_reference_t<decltype(limit)>;
    limit = static_cast<Limit>((limit + shard.count - 1) / shard.count);  // a limit of 0 has a meaning of its own
  };
  divide(host.memory_limit);
  divide(host.ip.reassembly_limit);
  divide(host.ip.icmp_errors_per_second);
  divide(host.ip.echo_replies_per_second);
  divide(host.tcp.maximum_half_open);
  divide(host.tcp.maximum_connections);
  divide(host.tcp.maximum_from_peer);
  divide(host.tcp.maximum_time_wait);
  divide(host.tcp.maximum_fast_open_cache);
  return host;
}

Stack::Stack(const Config& config)
    : memory_(config.memory_limit),
      ip_(config.ip, config.key, outbox_, memory_, Tracer(config.observer)),
      echo_(ip_, outbox_, Tracer(config.observer)),
      udp_(ip_, config.key, memory_, Tracer(config.observer), config.udp_maximum_frame),
      tcp_(config.tcp, ip_, outbox_, memory_, config.key, Tracer(config.observer)) {
  add_interface(0, {.addresses = {}, .mtu = config.ip.mtu, .link = config.link, .host = config.host}, config);
  for (const InterfaceConfig& interface : config.more_interfaces) {
    const InterfaceNumber number = ip_.add_interface(interface.mtu);
    for (const Prefix& prefix : interface.addresses) ip_.add_address({.prefix = prefix, .interface = number});
    add_interface(number, interface, config);
  }
}

Stack::~Stack() = default;

void Stack::add_interface(InterfaceNumber number, const InterfaceConfig& interface, const Config& config) {
  host::MembershipSettings membership = config.membership;
  membership.mtu = interface.mtu;
  interfaces_.push_back(std::make_unique<Interface>(number, interface, membership, ip_, tcp_, key_of(config, number),
                                                    Tracer(config.observer)));
}

void Stack::advance(Time now) noexcept {
  now_ = std::max(now_, now);
  tcp_.set_time(now_);
}

void Stack::receive(std::span<Packet> batch, Time now, InterfaceNumber interface) {
  advance(now);
  for (Packet& frame : batch)
    if (std::optional<Packet> packet = interfaces_[interface]->receive(std::move(frame), now_))
      sort(*std::move(packet));
}

void Stack::sort(Packet packet) {
  const ip::Shard& shard = ip_.shard();
  if (shard.count() == 1) return receive_packet(std::move(packet));
  const ip::Shard::Home home = shard.home_of(std::as_const(packet).bytes());
  if (home.shard != shard.number()) return put_aside(home.shard, std::move(packet));
  receive_packet(std::move(packet), home.in_pieces);
}

/// Fragments meet where their addresses lead; the whole may belong elsewhere, for now its ports are known.
bool Stack::is_stray(ip::Received& received) {
  Packet* packet = nullptr;
  if (auto* datagram = std::get_if<ip::Datagram>(&received))
    packet = &datagram->packet;
  else if (auto* error = std::get_if<ip::IcmpError>(&received))
    packet = &error->packet;
  if (!packet) return false;
  const std::uint8_t owner = ip_.shard().home_of(std::as_const(*packet).bytes()).shard;
  if (owner == ip_.shard().number()) return false;
  put_aside(owner, std::move(*packet));
  return true;
}

void Stack::put_aside(std::uint8_t owner, Packet packet) {
  shard_counters_.add(ShardCounter::strays);
  if (strays_.size() >= kMaximumStrays) return shard_counters_.add(ShardCounter::drop_strays_full);
  strays_.push_back({owner, std::move(packet)});
}

void Stack::receive_packet(Packet packet, bool in_pieces) {
  ip::Received received = ip_.receive(std::move(packet), now_);
  if (in_pieces && is_stray(received)) return;
  if (auto* datagram = std::get_if<ip::Datagram>(&received)) {
    if (datagram->protocol == ip::Protocol::tcp)
      tcp_.receive(std::move(*datagram));
    else if (datagram->protocol == ip::Protocol::udp)
      receive_udp(std::move(*datagram));
    else
      receive_signal(*datagram);
  } else if (const auto* error = std::get_if<ip::IcmpError>(&received)) {
    receive_error(*error);
  }
}

void Stack::receive_udp(ip::Datagram datagram) {
  const InterfaceNumber from = datagram.packet.interface;
  if (from != kLoopback && interfaces_[from]->receive_udp(datagram, now_)) return;
  udp_.receive(std::move(datagram), now_);
}

void Stack::receive_signal(const ip::Datagram& datagram) {
  const bool v4 = datagram.protocol == ip::Protocol::icmp;
  const bool v6 = datagram.protocol == ip::Protocol::icmpv6 && datagram.payload()[0] == wire::icmpv6::kEchoReply;
  if (v4 || v6) return echo_.receive(datagram, now_);
  const InterfaceNumber from = datagram.packet.interface;
  if (from != kLoopback) interfaces_[from]->receive_signal(datagram, now_);
}

void Stack::keep(const ip::IcmpError& error) {
  IcmpReport report{.kind = error.kind,
                    .code = error.code,
                    .reporter = error.reporter,
                    .protocol = error.protocol,
                    .local = {error.local, 0},
                    .remote = {error.remote, 0}};
  if (error.protocol == ip::Protocol::tcp || error.protocol == ip::Protocol::udp) {
    ByteReader ports(error.quote());
    report.local.port = ports.u16();
    report.remote.port = ports.u16();
  }
  reports_.push_latest(report, kMaximumReports);
}

void Stack::receive_error(const ip::IcmpError& error) {
  if (keeps_errors_) keep(error);
  if (error.protocol == ip::Protocol::tcp)
    tcp_.icmp_error(error);
  else if (error.protocol == ip::Protocol::udp)
    udp_.icmp_error(error, now_);
  else if (error.protocol == ip::Protocol::icmp || error.protocol == ip::Protocol::icmpv6)
    echo_.icmp_error(error, now_);
}

void Stack::handle_timeout(Time now) {
  advance(now);
  while (std::optional<Packet> packet = loopback_.take()) receive_packet(*std::move(packet));
  ip_.handle_timeout(now_);
  for (const auto& interface : interfaces_) interface->handle_timeout(now_);
  tcp_.handle_timeouts();
}

Time Stack::next_timeout() const noexcept {
  Time next = std::min(ip_.next_timeout(), tcp_.next_timeout());
  for (const auto& interface : interfaces_) next = std::min(next, interface->next_timeout());
  return loopback_.empty() ? next : std::min(next, now_);
}

void Stack::poll_transmit(Time now, FrameSink& sink) {
  FrameSink* const one = &sink;
  poll_transmit(now, {&one, 1});
}

void Stack::poll_transmit(Time now, std::span<FrameSink* const> sinks) {
  assert(sinks.size() == interfaces_.size());
  advance(now);
  for (std::size_t i = 0; i < sinks.size(); ++i) interfaces_[i]->drain(now_, *sinks[i]);
  SinkOf by_way([&](const Frame& packet) noexcept {
    const ip::Ends ends = ip::ends_of(packet.head);
    if (ip_.is_local(ends.destination)) return loopback_.accept(packet);
    const InterfaceNumber way = ip_.owner_of(ends.source);
    return interfaces_[way]->transmit(packet, *sinks[way], now_);
  });
  transmit(by_way);
  for (std::size_t i = 0; i < sinks.size(); ++i) {
    interfaces_[i]->flush(now_, *sinks[i]);
    interfaces_[i]->settle(now_);
    while (const auto error = interfaces_[i]->link() ? interfaces_[i]->link()->poll_error() : std::nullopt)
      receive_error(*error);
  }
}

void Stack::transmit(FrameSink& sink) {
  outbox_.drain(sink);
  udp_.poll_transmit(now_, sink);
  tcp_.poll_transmit(sink);
  outbox_.drain(sink);  // a connection that ended on the way left its last ACK there
}

std::optional<Event> Stack::poll_event() {
  if (const auto news = tcp_.poll_event())
    return Event{{news->listener ? SocketKind::tcp_listener : SocketKind::tcp, news->id}, news->ready};
  if (const auto news = udp_.poll_event()) return Event{{SocketKind::udp, news->first}, news->second};
  return std::nullopt;
}

Result<tcp::Socket> Stack::connect(const Endpoint& remote, const tcp::OpenOptions& options) {
  return tcp_.connect(remote, options);
}

Result<tcp::Listener> Stack::listen(const Endpoint& local, const tcp::ListenOptions& options) {
  return tcp_.listen(local, options);
}

Result<udp::Socket> Stack::bind_udp(const Endpoint& local, const udp::Options& options) {
  return udp_.bind(local, options);
}

}  // namespace sluice
