// UDP sockets under any order of calls and datagrams.
// Input: a row of operations, each a byte and what it needs.
#include "stack/udp/layer.hpp"
#include "tests/fuzz/ip_input.hpp"

namespace {

using namespace sluice;
using namespace sluice::fuzz;

/// Few addresses and ports, so that operations meet.
Endpoint pick_endpoint(std::uint8_t choice) {
  const std::array<IpAddress, 8> addresses = {IpAddress::any(Family::ipv4),
                                              IpAddress::any(Family::ipv6),
                                              kOur4,
                                              kOur6,
                                              kPeer4,
                                              kPeer6,
                                              kPeer4.mapped(),
                                              kOur4.mapped()};
  return {addresses[choice % 8], static_cast<std::uint16_t>(choice / 8 % 4)};
}

struct World {
  BufferPool pool;
  Budget budget{50'000};
  ip::Outbox outbox;
  ip::Layer ip{config(), Key{}, outbox, budget, {}};
  udp::Layer udp{ip, Key{}, budget, {}};
  Time now = Time{} + std::chrono::hours(1);
  std::array<udp::Socket, 4> sockets;

  void in(Octets packet, std::uint8_t what) {
    mend(packet, what);
    Packet taken = Packet::copy_of(pool, packet);
    taken.gso_size = what & 0x80 ? 100 : 0;
    ip::Received received = ip.receive(std::move(taken), now);
    if (auto* const datagram = std::get_if<ip::Datagram>(&received)) udp.receive(std::move(*datagram), now);
    if (auto* const error = std::get_if<ip::IcmpError>(&received)) udp.icmp_error(*error, now);
  }

  void send(udp::Socket& socket, Input& input) {
    udp::Outgoing outgoing;
    const std::uint8_t flags = input.u8();
    if (flags & 1) outgoing.to = pick_endpoint(input.u8());
    if (flags & 2) outgoing.local = pick_endpoint(input.u8()).address;
    if (flags & 4) outgoing.dont_fragment = (flags & 8) != 0;
    if (flags & 16) outgoing.gso_size = input.u16();
    if (flags & 32) outgoing.dscp = input.u8();
    if (flags & 64) outgoing.hop_limit = input.u8();
    outgoing.data = Slice::copy_of(Octets(input.u16()));
    (void)socket.send({&outgoing, 1});
  }

  void receive(udp::Socket& socket) {
    std::array<udp::Received, 3> batch;
    const auto count = socket.receive(batch);
    if (!count) return;
    for (std::size_t i = 0; i < *count; ++i) require(batch[i].data.size() <= 65535);
  }

  void step(Input& input) {
    const std::uint8_t operation = input.u8();
    udp::Socket& socket = sockets[operation / 16 % 4];
    switch (operation % 16) {
      case 0:
      case 1:
        if (auto bound = udp.bind(pick_endpoint(input.u8()), {.receive_buffer = 10'000,
                                                              .send_buffer = 20'000,
                                                              .dont_fragment = operation % 2 == 0,
                                                              .dual_stack = operation < 128}))
          socket = *std::move(bound);
        break;
      case 2: (void)socket.connect(pick_endpoint(input.u8())); break;
      case 3: socket.close(); break;
      case 4:
      case 5: send(socket, input); break;
      case 6: receive(socket); break;
      case 7: (void)udp.poll_event(); break;
      case 8: {
        JudgingSink sink;
        sink.room = input.u8() % 8;
        udp.poll_transmit(now, sink);
        break;
      }
      case 9: ip.lower_path_mtu(pick_endpoint(input.u8()).address, input.u16(), 1500, now); break;
      default: in(input.take(input.u16() % 2048), operation | Mend::checksums); break;
    }
    require(budget.used() <= budget.limit());
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  World world;
  while (!input.empty()) world.step(input);
  for (udp::Socket& socket : world.sockets) socket.close();
  JudgingSink sink;
  world.outbox.drain(sink);
  world.udp.poll_transmit(world.now, sink);
  require(!world.udp.wants_transmit());
  world.ip.handle_timeout(world.now + std::chrono::minutes(1));
  require(world.budget.used() == 0);
  return 0;
}
