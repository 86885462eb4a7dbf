// A TCP echo server on a stack of its own, with coroutines: nc 10.9.0.2 7 talks to it.
#include <array>
#include <csignal>
#include <cstdio>

#include "tun/coroutines.hpp"
#include "tun/error.hpp"
#include "tun/open.hpp"

using namespace sluice;

tun::Task<> echo(tun::Stream stream) {
  std::array<std::uint8_t, 16384> room;
  for (;;) {
    const auto count = co_await stream.read(room);
    if (!count || *count == 0) break;
    if (!co_await stream.write_all(Bytes(room).first(*count))) break;
  }
}

tun::Task<> serve(tun::EventLoop& loop, tun::Acceptor acceptor) {
  while (auto stream = co_await acceptor.accept()) tun::spawn(loop, echo(std::move(*stream)));
}

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
  if (!listener) return 1;
  tun::spawn(loop, serve(loop, tun::Acceptor(loop, std::move(*listener))));
  std::printf("echo on 10.9.0.2 port 7, through %s\n", device->name().c_str());
  std::fflush(stdout);
  return loop.run() ? 0 : 1;
} catch (const tun::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
