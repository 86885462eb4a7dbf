// Buffers of a given size, for conversations that are kept: their windows say nothing of how buffers grow.
#pragma once

#include "stack/tcp/options.hpp"

namespace sluice::test {

inline constexpr tcp::Options kFixedBuffers{.send_buffer = 256 * 1024, .receive_buffer = 256 * 1024};

}  // namespace sluice::test
