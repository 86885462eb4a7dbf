// What each interface does on its own account; see interface.hpp.
#include "stack/interface.hpp"

#include <algorithm>
#include <utility>

#include "stack/ip/outbox_sink.hpp"
#include "stack/wire/icmpv6.hpp"
#include "stack/wire/mld.hpp"

namespace sluice {

Interface::Interface(InterfaceNumber number, const InterfaceConfig& config, const host::MembershipSettings& membership,
                     ip::Layer& ip, tcp::Layer& tcp, const Key& key, Tracer tracer)
    : number_(number), ip_(ip), igmp_(Family::ipv4, membership, key), mld_(Family::ipv6, membership, key) {
  if (!config.link) return;
  link_.emplace(*config.link, number, ip, outbox_, key, tracer);
  if (config.host) configurator_.emplace(*config.host, ip, *link_, tcp, outbox_, key);
}

void Interface::wake(Time now) {
  if (configurator_ && !std::exchange(up_, true)) configurator_->link_up(now);
}

std::optional<Packet> Interface::receive(Packet frame, Time now) {
  frame.interface = number_;
  if (!link_) return frame;
  wake(now);
  ip::Link::Arrived arrived = link_->receive(std::move(frame), now);
  if (arrived.arp && configurator_) configurator_->receive(*arrived.arp, now);
  return std::move(arrived.packet);
}

bool Interface::receive_udp(const ip::Datagram& datagram, Time now) {
  return configurator_ && configurator_->receive(datagram, now);
}

void Interface::receive_signal(const ip::Datagram& datagram, Time now) {
  if (datagram.protocol == ip::Protocol::igmp) return igmp_.receive(datagram, now);
  if (datagram.protocol != ip::Protocol::icmpv6) return;
  const std::uint8_t type = datagram.payload()[0];
  if (wire::mld::is_mld(type)) mld_.receive(datagram, now);
  if (!wire::icmpv6::is_discovery(type) || !link_) return;
  const ip::Link::Discovery message = link_->receive_discovery(datagram, now);
  if (configurator_) configurator_->receive(message, datagram.source, now);
}

void Interface::handle_timeout(Time now) {
  wake(now);
  if (link_) link_->handle_timeout(now);
  if (configurator_) configurator_->handle_timeout(now);
  report_groups(now);
}

Time Interface::next_timeout() const noexcept {
  const Time link = link_ ? link_->next_timeout() : kNever;
  const Time host = !configurator_ ? kNever : up_ ? configurator_->next_timeout() : Time::min();
  return std::min({link, host, igmp_.next_timeout(), mld_.next_timeout()});
}

IpAddress Interface::report_source(Family family) const noexcept {
  for (const ip::OwnAddress& own : ip_.addresses().all()) {
    const IpAddress& address = own.prefix.address;
    const bool usable = own.interface == number_ && own.state != ip::AddressState::tentative;
    if (usable && address.family() == family && (address.is_v4() || address.is_link_local())) return address;
  }
  return IpAddress::any(family);
}

void Interface::report_groups(Time now) {
  ip::Groups& groups = ip_.groups(number_);
  while (const std::optional<IpAddress> group = groups.take_changed())
    (group->is_v4() ? igmp_ : mld_).change(*group, groups.merged(*group), now);
  ip::OutboxSink sink(outbox_);
  if (igmp_.next_timeout() <= now) igmp_.poll_transmit(report_source(Family::ipv4), now, sink);
  if (mld_.next_timeout() <= now) mld_.poll_transmit(report_source(Family::ipv6), now, sink);
}

void Interface::drain(Time now, FrameSink& device) {
  wake(now);
  report_groups(now);
  flush(now, device);
}

void Interface::flush(Time now, FrameSink& device) {
  if (link_) link_->drain(device);
  SinkOf by_link([&](const Frame& packet) noexcept { return transmit(packet, device, now); });
  outbox_.drain(by_link);
  if (link_) link_->drain(device);
}

bool Interface::transmit(const Frame& packet, FrameSink& device, Time now) {
  return link_ ? link_->transmit(packet, device, now) : device.accept(packet);
}

void Interface::settle(Time now) {
  while (const std::optional<IpAddress> router = link_ ? link_->poll_lost_router() : std::nullopt)
    if (configurator_) configurator_->router_lost(*router, now);
}

}  // namespace sluice
