// ARP as RFC 826 describes it, heard and said.
#include <array>

#include "stack/ip/link.hpp"

namespace sluice::ip {

namespace arp = wire::arp;

void Link::send_arp(const arp::Packet& packet, const MacAddress& to) {
  std::array<std::uint8_t, wire::ethernet::kHeaderSize + wire::ethernet::kTagSize> head;
  std::array<std::uint8_t, arp::kSize> body;
  const std::size_t size = write_header(head, to, wire::ethernet::kArp);
  arp::write(body, packet);
  if (!frames_.push(Bytes(head).first(size), body)) log_.add(LinkCounter::drop_outbox_full);
}

std::optional<arp::Packet> Link::receive_arp(Bytes payload, Time now) {
  log_.add(LinkCounter::arp_in);
  const auto packet = arp::parse(payload);
  if (!packet) {
    log_.drop(LinkCounter::drop_arp_malformed, now);
    return std::nullopt;
  }
  const IpAddress& sender = packet->sender;
  const bool possible = sender.is_unspecified() || !(sender.is_invalid_source() || layer_.is_broadcast(sender));
  if (!packet->sender_mac.is_unicast() || !possible) {
    log_.drop(LinkCounter::drop_arp_sender, now);
    return std::nullopt;
  }
  if (watched_ == sender) heard_.push_latest(*packet, kMaximumNews);
  heed(*packet, now);
  return *packet;
}

/// "Packet Reception" of RFC 826. Who claims an address of ours teaches us nothing: that is a conflict.
void Link::heed(const arp::Packet& packet, Time now) {
  const bool to_us = layer_.addresses().holds(packet.target, interface_);
  const bool nobody = packet.sender.is_unspecified() || layer_.addresses().find(packet.sender);
  if (!nobody) {
    const bool known = neighbours_.knows(packet.sender);
    // A reply to us is solicited if we asked; RFC 826's merge is an advertisement that overrides [R826-2].
    const bool solicited = packet.operation == arp::Operation::reply && to_us && neighbours_.asks(packet.sender);
    if (known) {
      release(neighbours_.advertised(packet.sender, {packet.sender_mac, solicited, true, false}, now), packet.sender,
              now);
    } else if (to_us && packet.operation == arp::Operation::request) {
      release(neighbours_.solicited_by(packet.sender, packet.sender_mac, now), packet.sender, now);  // [R826-3]
    }
  }
  if (!to_us || packet.operation != arp::Operation::request) return;
  log_.add(LinkCounter::arp_replies_out);
  send_arp({.operation = arp::Operation::reply,  // [R826-4]
            .sender_mac = settings_.mac,
            .sender = packet.target,
            .target_mac = packet.sender_mac,
            .target = packet.sender},
           packet.sender_mac);
}

}  // namespace sluice::ip
