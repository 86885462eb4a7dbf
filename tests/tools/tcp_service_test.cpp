// How the services of `serve` treat their connections.
#include <doctest/doctest.h>

#include <memory>
#include <utility>
#include <vector>

#include "tests/tun/twins.hpp"
#include "tools/echo_service.hpp"
#include "tools/tcp_service.hpp"

namespace sluice::tools {
namespace {

TEST_CASE("the small end of a large answer does not wait for the ACK of what went before") {
  tun::Twins twins;
  TcpService echo(twins.server, 7,
                  [](tcp::Socket socket) { return std::make_unique<EchoConnection>(std::move(socket)); });
  tcp::OpenOptions options;
  options.options.no_delay = true;
  auto client = twins.client_stack.connect({*IpAddress::parse("10.0.0.1"), 7}, options);
  REQUIRE(client);
  REQUIRE(twins.run_until([&] { return client->writable() > 0; }));
  const Time start = tun::Twins::time;
  const std::vector<std::uint8_t> text(1460 + 540);  // a full segment, whose ACK the client delays, and a small one
  for (int round = 0; round < 20; ++round) {
    REQUIRE(client->write(text));
    REQUIRE(twins.run_until([&] { return client->readable() == text.size(); }));
    while (client->readable() > 0) client->consume(client->peek().size());
  }
  CHECK(tun::Twins::time - start < std::chrono::milliseconds(1));
}

}  // namespace
}  // namespace sluice::tools
