// The facade's verbs: each hands its work to the layers in the order of a packet's way.
#include "stack/stack.hpp"

#include <algorithm>
#include <utility>

#include "stack/ip/outbox_sink.hpp"
#include "stack/wire/icmpv6.hpp"
#include "stack/wire/mld.hpp"

namespace sluice {
namespace {

host::MembershipSettings membership_settings(const Config& config) {
  host::MembershipSettings settings = config.membership;
  settings.mtu = config.ip.mtu;
  return settings;
}

}  // namespace

Stack::Stack(const Config& config)
    : memory_(config.memory_limit),
      ip_(config.ip, config.key, outbox_, memory_, Tracer(config.observer)),
      echo_(ip_, outbox_, Tracer(config.observer)),
      udp_(ip_, config.key, memory_, Tracer(config.observer)),
      tcp_(config.tcp, ip_, outbox_, memory_, config.key, Tracer(config.observer)),
      igmp_(Family::ipv4, membership_settings(config), config.key),
      mld_(Family::ipv6, membership_settings(config), config.key) {
  if (!config.link) return;
  link_.emplace(*config.link, ip_, outbox_, config.key, Tracer(config.observer));
  if (config.host) configurator_.emplace(*config.host, ip_, *link_, tcp_, outbox_, config.key);
}

Stack::~Stack() = default;

void Stack::advance(Time now) noexcept {
  now_ = std::max(now_, now);
  tcp_.set_time(now_);
  if (configurator_ && !std::exchange(up_, true)) configurator_->link_up(now_);
}

void Stack::receive(std::span<Packet> batch, Time now) {
  advance(now);
  for (Packet& packet : batch) {
    if (link_)
      receive_frame(std::move(packet));
    else
      receive_packet(std::move(packet));
  }
}

void Stack::receive_frame(Packet frame) {
  ip::Link::Arrived arrived = link_->receive(std::move(frame), now_);
  if (arrived.packet) receive_packet(std::move(*arrived.packet));
  if (arrived.arp && configurator_) configurator_->receive(*arrived.arp, now_);
}

void Stack::receive_packet(Packet packet) {
  ip::Received received = ip_.receive(std::move(packet), now_);
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
  if (configurator_ && configurator_->receive(datagram, now_)) return;
  udp_.receive(std::move(datagram), now_);
}

void Stack::receive_signal(const ip::Datagram& datagram) {
  if (datagram.protocol == ip::Protocol::igmp) return igmp_.receive(datagram, now_);
  const std::uint8_t type = datagram.payload()[0];
  if (datagram.protocol == ip::Protocol::icmp || type == wire::icmpv6::kEchoReply) return echo_.receive(datagram, now_);
  if (datagram.protocol != ip::Protocol::icmpv6) return;
  if (wire::mld::is_mld(type)) mld_.receive(datagram, now_);
  if (!wire::icmpv6::is_discovery(type) || !link_) return;
  const ip::Link::Discovery message = link_->receive_discovery(datagram, now_);
  if (configurator_) configurator_->receive(message, datagram.source, now_);
}

void Stack::receive_error(const ip::IcmpError& error) {
  if (error.protocol == ip::Protocol::tcp)
    tcp_.icmp_error(error);
  else if (error.protocol == ip::Protocol::udp)
    udp_.icmp_error(error, now_);
  else if (error.protocol == ip::Protocol::icmp || error.protocol == ip::Protocol::icmpv6)
    echo_.icmp_error(error, now_);
}

IpAddress Stack::report_source(Family family) const noexcept {
  for (const ip::OwnAddress& own : ip_.addresses().all()) {
    const IpAddress& address = own.prefix.address;
    if (own.state == ip::AddressState::tentative || address.family() != family) continue;
    if (address.is_v4() || address.is_link_local()) return address;
  }
  return IpAddress::any(family);
}

void Stack::report_groups() {
  while (const std::optional<IpAddress> group = ip_.groups().take_changed())
    (group->is_v4() ? igmp_ : mld_).change(*group, ip_.groups().merged(*group), now_);
  ip::OutboxSink sink(outbox_);
  if (igmp_.next_timeout() <= now_) igmp_.poll_transmit(report_source(Family::ipv4), now_, sink);
  if (mld_.next_timeout() <= now_) mld_.poll_transmit(report_source(Family::ipv6), now_, sink);
}

void Stack::handle_timeout(Time now) {
  advance(now);
  ip_.handle_timeout(now_);
  if (link_) link_->handle_timeout(now_);
  if (configurator_) configurator_->handle_timeout(now_);
  tcp_.handle_timeouts();
  report_groups();
}

Time Stack::next_timeout() const noexcept {
  const Time link = link_ ? link_->next_timeout() : kNever;
  const Time host = !configurator_ ? kNever : up_ ? configurator_->next_timeout() : Time::min();
  return std::min({ip_.next_timeout(), link, host, tcp_.next_timeout(), igmp_.next_timeout(), mld_.next_timeout()});
}

void Stack::poll_transmit(Time now, FrameSink& sink) {
  advance(now);
  report_groups();
  if (!link_) return transmit(sink);
  SinkOf framed([&](const Frame& packet) noexcept { return link_->transmit(packet, sink, now_); });
  link_->drain(sink);
  transmit(framed);
  link_->drain(sink);
  while (const std::optional<ip::IcmpError> error = link_->poll_error()) receive_error(*error);
  while (const std::optional<IpAddress> router = link_->poll_lost_router())
    if (configurator_) configurator_->router_lost(*router, now_);
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
