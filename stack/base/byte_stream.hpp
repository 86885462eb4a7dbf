// The one shape of a connected stream that http, tls and ws stand on, whatever carries it.
#pragma once

#include <concepts>
#include <cstddef>

#include "stack/base/bytes.hpp"
#include "stack/base/result.hpp"

namespace sluice {

/// What a socket can do now. A mask: an event says "look again", never how often something happened.
enum class Readiness : std::uint8_t {
  none = 0,
  readable = 1,     ///< bytes, datagrams or connections to accept wait, or the stream ended
  writable = 2,     ///< room to write
  peer_closed = 4,  ///< the peer sent FIN: after the bytes that wait comes the end
  failed = 8,       ///< error() says why; nothing more will come
  urgent = 16,      ///< the urgent mark appeared or moved (RFC 9293 3.8.5)
  connected = 32,   ///< the handshake ended well
};
constexpr Readiness operator|(Readiness a, Readiness b) noexcept {
  return static_cast<Readiness>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr Readiness operator&(Readiness a, Readiness b) noexcept {
  return static_cast<Readiness>(static_cast<unsigned>(a) & static_cast<unsigned>(b));
}
constexpr Readiness& operator|=(Readiness& a, Readiness b) noexcept { return a = a | b; }
constexpr bool any(Readiness mask) noexcept { return mask != Readiness::none; }

/// A reliable stream of bytes in both directions, never blocking.
/// - peek(): the first contiguous run of received bytes, mutable and owned by the reader until consume(); empty = not
/// now.
/// - consume(n): the reader is done with the first n bytes. REQUIRES n <= peek().size().
/// - at_eof(): the peer finished and everything is consumed.
/// - write(pieces): takes as many bytes as fit, in order, and says how many; 0 = not now.
/// - writable(): how many bytes write() would take now.
/// - finish(): no more bytes from us (FIN after what is queued); reading goes on.
/// - abort(): drop the connection at once (RST).
/// - error(): why the stream failed, or Errc::none.
template <class S>
concept ByteStream = requires(S stream, const S& view, Gather pieces, std::size_t count) {
  { stream.peek() } -> std::same_as<MutableBytes>;
  { stream.consume(count) } -> std::same_as<void>;
  { view.at_eof() } -> std::same_as<bool>;
  { stream.write(pieces) } -> std::same_as<Result<std::size_t>>;
  { view.writable() } -> std::same_as<std::size_t>;
  { stream.finish() } -> std::same_as<void>;
  { stream.abort() } -> std::same_as<void>;
  { view.error() } -> std::same_as<Errc>;
};

}  // namespace sluice
