// The client of the device bench: a plain program on the kernel's sockets, the same for every system that it measures.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <string>

namespace sluice::bench {

inline constexpr std::uint16_t kEcho = 7, kDiscard = 9, kSource = 19;

// One thread. Each function connects to an IPv4 address, measures for `seconds`, and throws std::runtime_error when it
// can't connect or when the other end stands still for kPatience seconds.
inline constexpr int kPatience = 5;

/// Where, and what a socket that goes there needs. Answers the descriptor.
int kernel_socket(const char* address, std::uint16_t port, sockaddr_in& to);

/// Connects within kPatience seconds, and that was all.
void probe(const char* address, std::uint16_t port);

/// Gbit/s of text sent into the discard service, until its FIN says that everything arrived.
double bulk_in(const char* address, double seconds);

/// Gbit/s of text that the source service sends. Throws when it is not bulk_block().
double bulk_out(const char* address, double seconds);

struct RoundTrips {
  double p50 = 0;  ///< microseconds
  double p99 = 0;
};
/// One byte to the echo service and back, again and again.
RoundTrips ping_pong(const char* address, double seconds);

/// Connections a second to the discard service: opened, closed, and closed by the other end. `parallel` at once.
double connections(const char* address, int parallel, double seconds);

/// Gbit/s of a file's bytes by HTTP on port 80, over one connection on which the next request is always under way.
double http_bulk(const char* address, const std::string& path, double seconds);

}  // namespace sluice::bench
