// The facade's verbs: each hands its work to the layers in the order of a packet's way.
#include "stack/stack.hpp"

#include <algorithm>
#include <utility>

namespace sluice {

Stack::Stack(const Config& config)
    : memory_(config.memory_limit),
      ip_(config.ip, config.key, outbox_, memory_, Tracer(config.observer)),
      udp_(ip_, config.key, memory_, Tracer(config.observer)),
      tcp_(config.tcp, ip_, outbox_, memory_, config.key, Tracer(config.observer)) {}

Stack::~Stack() = default;

void Stack::advance(Time now) noexcept {
  now_ = std::max(now_, now);
  tcp_.set_time(now_);
}

void Stack::receive(std::span<Packet> batch, Time now) {
  advance(now);
  for (Packet& packet : batch) {
    ip::Received received = ip_.receive(std::move(packet), now_);
    if (auto* datagram = std::get_if<ip::Datagram>(&received)) {
      if (datagram->protocol == ip::Protocol::tcp)
        tcp_.receive(std::move(*datagram));
      else if (datagram->protocol == ip::Protocol::udp)
        udp_.receive(std::move(*datagram), now_);
    } else if (const auto* error = std::get_if<ip::IcmpError>(&received)) {
      if (error->protocol == ip::Protocol::tcp)
        tcp_.icmp_error(*error);
      else if (error->protocol == ip::Protocol::udp)
        udp_.icmp_error(*error, now_);
    }
  }
}

void Stack::handle_timeout(Time now) {
  advance(now);
  ip_.handle_timeout(now_);
  tcp_.handle_timeouts();
}

Time Stack::next_timeout() const noexcept { return std::min(ip_.next_timeout(), tcp_.next_timeout()); }

void Stack::poll_transmit(Time now, FrameSink& sink) {
  advance(now);
  outbox_.drain(sink);
  udp_.poll_transmit(now_, sink);
  tcp_.poll_transmit(sink);
  outbox_.drain(sink);  // a connection that ended on the way left its last ACK there
}

std::optional<Event> Stack::poll_event() {
  if (const auto news = tcp_.poll_event())
    return Event{{news->listener ? SocketKind::tcp_listener : SocketKind::tcp, news->id}, news->ready};
  if (const auto news = udp_.poll_event()) return Event{{SocketKind::udp, news->first}, news->second};
  return std::nullopt;
}

Result<tcp::Socket> Stack::connect(const Endpoint& remote, const tcp::OpenOptions& options) {
  return tcp_.connect(remote, options);
}

Result<tcp::Listener> Stack::listen(const Endpoint& local, const tcp::ListenOptions& options) {
  return tcp_.listen(local, options);
}

Result<udp::Socket> Stack::bind_udp(const Endpoint& local, const udp::Options& options) {
  return udp_.bind(local, options);
}

}  // namespace sluice
