// One IP layer on virtual time, with libtins on the other end of the wire.
#pragma once

#include <tins/tins.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "stack/base/checksum.hpp"
#include "stack/ip/layer.hpp"

namespace sluice::ip {

using Octets = std::vector<std::uint8_t>;

inline Octets operator+(Octets left, const Octets& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

inline Octets octets(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

/// Bytes that say where they stand, so that a shifted or repeated run is noticed.
inline Octets pattern(std::size_t size) {
  Octets bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  return bytes;
}

inline IpAddress ip(const char* text) { return *IpAddress::parse(text); }

inline const IpAddress kOur4 = ip("10.0.0.1");
inline const IpAddress kPeer4 = ip("10.0.0.2");
inline const IpAddress kOur6 = ip("fd00::1");
inline const IpAddress kPeer6 = ip("fd00::2");

inline Config test_config() {
  return {.addresses = {*Prefix::parse("10.0.0.1/24"), *Prefix::parse("fd00::1/64"), *Prefix::parse("fe80::1/64")}};
}

/// Collects frames as packets; `room` of them, then it is full.
class Wire final : public FrameSink {
 public:
  bool accept(const Frame& frame) noexcept override {
    if (packets.size() >= room) return false;
    packets.push_back(octets(frame.head));
    for (const Slice& piece : frame.body) packets.back() = packets.back() + octets(piece.bytes());
    return true;
  }

  std::vector<Octets> packets;
  std::size_t room = ~std::size_t{0};
};

/// Remembers the reasons of drops that an observer is told.
class DropWatcher final : public Observer {
 public:
  void on_event(const TraceEvent& event) noexcept override {
    for (const TraceField& field : event.fields)
      if (field.key == "reason") reasons.emplace_back(field.text);
  }
  std::vector<std::string> reasons;
};

class Host {
 public:
  explicit Host(Config config = test_config(), std::size_t memory = 64u << 20, std::size_t outbox_limit = 1u << 20)
      : budget(memory), outbox(outbox_limit), layer(std::move(config), Key{1}, outbox, budget, Tracer(&watcher)) {}

  Received in(const Octets& packet) { return layer.receive(Packet::copy_of(pool, packet), now); }
  Received in(Tins::PDU& pdu) { return in(pdu.serialize()); }
  /// The datagram that `packet` turns out to be; an empty one when it is none.
  Datagram datagram(const Octets& packet) {
    Received received = in(packet);
    Datagram* const found = std::get_if<Datagram>(&received);
    return found ? std::move(*found) : Datagram{};
  }
  std::optional<IcmpError> error(const Octets& packet) {
    Received received = in(packet);
    IcmpError* const found = std::get_if<IcmpError>(&received);
    return found ? std::optional(std::move(*found)) : std::nullopt;
  }
  bool is_dropped(const Octets& packet) { return std::holds_alternative<std::monostate>(in(packet)); }

  /// What waits in the outbox.
  std::vector<Octets> out() {
    Wire wire;
    outbox.drain(wire);
    return std::move(wire.packets);
  }
  void wait(Duration duration) {
    now += duration;
    layer.handle_timeout(now);
  }
  std::uint64_t count(Counter counter) const { return layer.counters()[counter]; }

  BufferPool pool;
  Budget budget;
  Outbox outbox;
  DropWatcher watcher;
  Layer layer;
  Time now = Time{} + std::chrono::hours(1);
};

/// Changes a byte of an IPv4 header and mends the checksum, so that only this one thing is wrong.
inline Octets patched(Octets packet, std::size_t at, std::uint8_t value) {
  packet.at(at) = value;
  packet[10] = packet[11] = 0;
  const std::size_t size = std::min<std::size_t>((packet[0] & 0xfu) * 4, packet.size());
  ByteWriter(MutableBytes(packet).subspan(10)).u16(internet_checksum(Bytes(packet).first(size)));
  return packet;
}

inline Octets udp4(const char* from = "10.0.0.2", const char* to = "10.0.0.1", const Octets& data = pattern(20)) {
  Tins::IP packet(to, "10.0.0.2");
  Tins::PDU& pdu = packet /= Tins::UDP(7, 4000) / Tins::RawPDU(data.data(), static_cast<std::uint32_t>(data.size()));
  Octets bytes = pdu.serialize();
  // libtins would replace 0.0.0.0 by an address of the machine.
  ByteWriter(MutableBytes(bytes).subspan(12)).bytes(ip(from).bytes());
  return patched(bytes, 8, 64);
}

inline Octets udp6(const char* from = "fd00::2", const char* to = "fd00::1", const Octets& data = pattern(20)) {
  Tins::IPv6 packet(to, "fd00::2");
  Tins::PDU& pdu = packet /= Tins::UDP(7, 4000) / Tins::RawPDU(data.data(), static_cast<std::uint32_t>(data.size()));
  Octets bytes = pdu.serialize();
  ByteWriter(MutableBytes(bytes).subspan(8)).bytes(ip(from).bytes());
  return bytes;
}

/// An IPv6 packet from the peer to us, of any content.
inline Octets packet6(std::uint8_t next_header, const Octets& payload, const IpAddress& to = kOur6,
                      const IpAddress& from = kPeer6) {
  Octets packet = {0x60, 0, 0, 0, 0, 0, next_header, 64};
  packet = packet + octets(from.bytes()) + octets(to.bytes()) + payload;
  ByteWriter(MutableBytes(packet).subspan(4)).u16(static_cast<std::uint16_t>(payload.size()));
  return packet;
}

/// The same for IPv4, without options.
inline Octets packet4(std::uint8_t protocol, const Octets& payload, const IpAddress& to = kOur4,
                      const IpAddress& from = kPeer4) {
  Octets packet = {0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0};
  packet = packet + octets(from.bytes()) + octets(to.bytes()) + payload;
  ByteWriter(MutableBytes(packet).subspan(2)).u16(static_cast<std::uint16_t>(packet.size()));
  return patched(std::move(packet), 8, 64);
}

struct FragmentSpec {
  std::size_t offset = 0;  ///< bytes
  std::size_t size = 0;
  bool more = true;
  std::uint32_t id = 1;
};

/// A piece of the transport bytes `whole` as an IPv4 fragment.
inline Octets fragment4(const Octets& whole, const FragmentSpec& spec, std::uint8_t protocol = 17) {
  Octets packet = packet4(protocol, octets(Bytes(whole).subspan(spec.offset, spec.size)));
  ByteWriter(MutableBytes(packet).subspan(4)).u16(static_cast<std::uint16_t>(spec.id));
  ByteWriter(MutableBytes(packet).subspan(6))
      .u16(static_cast<std::uint16_t>(spec.offset / 8 | (spec.more ? 0x2000u : 0u)));
  return patched(std::move(packet), 8, 64);
}

inline Octets fragment_header(std::uint8_t next_header, const FragmentSpec& spec) {
  Octets header(8);
  ByteWriter writer(header);
  writer.u8(next_header);
  writer.u8(0);
  writer.u16(static_cast<std::uint16_t>(spec.offset | (spec.more ? 1u : 0u)));
  writer.u32(spec.id);
  return header;
}

/// The same as an IPv6 fragment.
inline Octets fragment6(const Octets& whole, const FragmentSpec& spec, std::uint8_t next_header = 17) {
  return packet6(44, fragment_header(next_header, spec) + octets(Bytes(whole).subspan(spec.offset, spec.size)));
}

}  // namespace sluice::ip
