// The kernel's struct tcp_info, filled from what our connections tell about themselves.
#pragma once

#include <cstddef>

#include "stack/base/bytes.hpp"
#include "stack/posix/answer.hpp"
#include "stack/tcp/socket.hpp"

namespace sluice::posix {

/// What TCP_INFO answers for this connection. Times are microseconds, windows segments; what the stack doesn't know
/// is 0.
Answer put_tcp_info(const tcp::Socket& socket, MutableBytes room, std::size_t& length) noexcept;
/// The same for a socket without a connection; `waiting` of `backlog` connections wait where it listens.
Answer put_tcp_info(bool listening, std::size_t waiting, std::size_t backlog, MutableBytes room,
                    std::size_t& length) noexcept;

}  // namespace sluice::posix
