// The smallest stranger: opens a connection on a stack of its own and looks at the SYN that comes out.
#include <cstdio>

#include "stack/stack.hpp"

int main() {
  sluice::Config config;
  config.ip.addresses = {*sluice::Prefix::parse("192.0.2.1/24")};
  sluice::Stack stack(config);

  const auto socket = stack.connect(*sluice::Endpoint::parse("192.0.2.2:80"));
  std::size_t frames = 0;
  sluice::SinkOf sink([&](const sluice::Frame& frame) noexcept {
    std::printf("%zu bytes\n", frame.size());
    ++frames;
    return true;
  });
  stack.poll_transmit(sluice::Time{}, sink);
  return socket.has_value() && frames == 1 ? 0 : 1;
}
