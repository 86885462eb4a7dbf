// Bytes go out again in the very buffers in which they came.
#include "tools/echo_service.hpp"

#include <fmt/format.h>

#include <array>
#include <span>
#include <utility>

#include "tun/error.hpp"

namespace sluice::tools {

bool EchoConnection::pump(Time) {
  for (Slice bytes = socket_.peek_slice(); !bytes.empty(); bytes = socket_.peek_slice()) {
    const Result<std::size_t> written = socket_.write(bytes);
    if (!written) return false;
    if (*written == 0) return true;
    socket_.consume(*written);
  }
  return !ending_ && !socket_.at_eof() && socket_.error() == Errc::none;
}

bool DiscardConnection::pump(Time) {
  for (std::size_t size = socket_.peek().size(); size > 0; size = socket_.peek().size()) socket_.consume(size);
  return !ending_ && !socket_.at_eof() && socket_.error() == Errc::none;
}

UdpEcho::UdpEcho(tun::EventLoop& loop, std::uint16_t port) : loop_(loop), port_(port) {
  auto socket = loop.stack().bind_udp({IpAddress::any(Family::ipv6), port}, {.rows = true});
  if (!socket)
    throw tun::Error(socket.error(), fmt::format("cannot bind UDP port {}: {}", port, describe(socket.error())));
  socket_ = std::move(*socket);
  loop_.on(socket_, [this](Readiness) { pump(); });
}

UdpEcho::~UdpEcho() { shut_down(); }

void UdpEcho::shut_down() {
  if (!socket_) return;
  loop_.off({SocketKind::udp, socket_.id()});
  socket_.close();
}

void UdpEcho::pump() {
  while (send_pending() && refill()) {
  }
}

/// False: no room now, go on when the socket is writable.
bool UdpEcho::send_pending() {
  while (sent_ < pending_.size()) {
    const Result<std::size_t> sent = socket_.send(std::span(pending_).subspan(sent_));
    if (sent && *sent == 0) return false;
    if (sent) echoed_ += *sent;
    if (!sent && std::exchange(pending_[sent_].dont_fragment, false) == true) continue;
    sent_ += sent ? *sent : 1;  // what can't be sent is dropped, as the network would
  }
  pending_.clear();
  sent_ = 0;
  return true;
}

/// False: nothing waits.
bool UdpEcho::refill() {
  std::array<udp::Received, 32> batch;
  const Result<std::size_t> count = socket_.receive(batch);
  if (!count) return true;  // an ICMP error about an earlier echo, told once
  for (udp::Received& one : std::span(batch).first(*count)) {
    // Two echoes that know each other would never stop.
    if (one.from.port == port_) continue;
    const bool ours = loop_.stack().ip().is_local(one.local.unmapped());
    pending_.push_back({.to = one.from,
                        .local = ours ? std::optional(one.local) : std::nullopt,
                        .dont_fragment = one.gso_size != 0,  // what came in fragments goes back so; a row came whole
                        .gso_size = one.gso_size,
                        .data = std::move(one.data)});
  }
  return *count > 0;
}

}  // namespace sluice::tools
