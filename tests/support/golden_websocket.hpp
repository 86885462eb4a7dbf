// The golden capture of a WebSocket: our HTTP and WebSocket server over our TCP, and a client whose bytes stand here.
#pragma once

#include <cstdint>
#include <vector>

namespace sluice::test {

std::vector<std::uint8_t> record_websocket();
/// Binary, and text in two frames with a Ping between.
std::vector<std::uint8_t> record_websocket_binary();

}  // namespace sluice::test
