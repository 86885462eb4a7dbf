// A TCP and UDP echo server on a stack of its own, with callbacks: nc 10.9.0.2 7 and nc -u 10.9.0.2 7 talk to it.
#include <csignal>
#include <cstdio>
#include <memory>

#include "tun/error.hpp"
#include "tun/event_loop.hpp"
#include "tun/open.hpp"

using namespace sluice;

namespace {

/// Sends back what waits, as far as there is room. False when the connection has nothing more to do.
bool echo(tcp::Socket& socket) {
  for (MutableBytes bytes = socket.peek(); !bytes.empty(); bytes = socket.peek()) {
    const Result<std::size_t> count = socket.write(bytes);
    if (!count) return false;
    if (*count == 0) return true;  // full: the handler is called again when there is room
    socket.consume(*count);
  }
  return !socket.at_eof() && socket.error() == Errc::none;
}

/// The loop keeps the socket until the connection ends or the program stops.
void serve(tun::EventLoop& loop, tcp::Socket accepted) {
  const auto kept = std::make_shared<tcp::Socket>(std::move(accepted));
  loop.keep(kept);
  loop.on(*kept, [&loop, socket = kept.get()](Readiness) {
    if (echo(*socket)) return;
    loop.off(*socket);
    loop.drop(socket);
  });
}

void echo_datagrams(udp::Socket& socket) {
  udp::Received datagram;
  for (auto count = socket.receive({&datagram, 1}); count && *count == 1; count = socket.receive({&datagram, 1}))
    (void)socket.send_to(datagram.from, datagram.data.bytes());  // no room: lost, as datagrams may be
}

}  // namespace

int main(int argc, char** argv) try {
  const tun::AddressPair addresses{*Prefix::parse("10.9.0.2/24"), *IpAddress::parse("10.9.0.1")};
  const auto device = tun::open_tun({.name = argc > 1 ? argv[1] : "echo%d", .addresses = {addresses}});
  Config config;
  config.key = tun::random_key();
  config.ip.addresses = {addresses.local};
  config.ip.mtu = device->mtu();
  Stack stack(config);
  tun::EventLoop loop(stack, *device);
  loop.stop_on({SIGINT, SIGTERM});

  auto listener = stack.listen({addresses.local.address, 7});
  auto datagrams = stack.bind_udp({addresses.local.address, 7});
  if (!listener || !datagrams) return 1;
  loop.on(*listener, [&](Readiness) {
    while (auto socket = listener->accept()) serve(loop, std::move(*socket));
  });
  loop.on(*datagrams, [&](Readiness) { echo_datagrams(*datagrams); });
  loop.on_stop([&] { listener->close(); });
  std::printf("echo on 10.9.0.2 port 7, through %s\n", device->name().c_str());
  std::fflush(stdout);
  return loop.run() ? 0 : 1;
} catch (const tun::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
