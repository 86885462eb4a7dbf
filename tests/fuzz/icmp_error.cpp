// ICMP errors with any quote, down to the UDP socket and the path MTU that they may or may not touch.
// Input: family, type, code, the 32 bits behind the checksum, then the quote.
#include "stack/udp/layer.hpp"
#include "tests/fuzz/ip_input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  using namespace sluice::fuzz;
  Input input(data, size);
  BufferPool pool;
  Budget budget(1u << 20);
  ip::Outbox outbox;
  ip::Layer layer(config(), Key{}, outbox, budget, {});
  udp::Layer udp(layer, Key{}, budget, {});
  const Time now = Time{} + std::chrono::hours(1);

  const bool v4 = input.u8() % 2 == 0;
  udp::Socket socket = *udp.bind({IpAddress::any(v4 ? Family::ipv4 : Family::ipv6), 4000});
  const Endpoint peer{v4 ? kPeer4 : kPeer6, 7};
  require(socket.connect(peer).has_value());
  require(socket.send_to(peer, Octets(100)).has_value());
  JudgingSink sink;
  udp.poll_transmit(now, sink);

  Octets packet(v4 ? 20 : 40);
  packet[0] = v4 ? 0x45 : 0x60;
  packet[v4 ? 9 : 6] = v4 ? 1 : 58;
  const Octets head = {input.u8(), input.u8(), 0, 0, input.u8(), input.u8(), input.u8(), input.u8()};
  packet.insert(packet.end(), head.begin(), head.end());
  const Octets quote = input.rest();
  packet.insert(packet.end(), quote.begin(), quote.end());
  if (packet.size() > 65535) return 0;
  mend(packet, Mend::addresses | Mend::lengths | Mend::checksums);

  const ip::Received received = layer.receive(Packet::copy_of(pool, packet), now);
  const auto* const error = std::get_if<ip::IcmpError>(&received);
  if (!error) return 0;
  require(error->quote().size() >= 8);
  require(layer.is_local(error->local));
  udp.icmp_error(*error, now);
  require(layer.path_mtu(peer.address) >= (v4 ? 552 : 1280));
  require(layer.path_mtu(peer.address) <= 1500);
  udp::Received slot;
  const bool told = !socket.receive({&slot, 1}).has_value();
  const bool about_us = error->protocol == ip::Protocol::udp && error->remote == peer.address;
  require(!told || about_us);
  return 0;
}
