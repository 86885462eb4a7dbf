// The golden capture of a WebSocket: our HTTP and WebSocket server over our TCP, and a client whose bytes stand here.
#pragma once

#include <cstdint>
#include <vector>

namespace sluice::test {

std::vector<std::uint8_t> record_websocket();

}  // namespace sluice::test
