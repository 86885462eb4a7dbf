// The hosts of a crowd, and how their time moves; see crowd.hpp.
#include "tests/support/crowd.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace sluice::test {
namespace {

/// Connections to one port of the other host: fewer than there are ephemeral ports.
constexpr std::size_t kToOnePort = 20'000;
constexpr std::uint16_t kFirstPort = 1000;
const IpAddress kListens = IpAddress::v4(10, 0, 0, 2);

Config crowded(std::uint8_t number, std::size_t connections) {
  Config config = bare_config(number);
  config.tcp.maximum_connections = connections;
  return config;
}

}  // namespace

Crowd::Crowd(const CrowdSettings& settings, Watch* watch)
    : settings_(settings),
      watch_(watch),
      connecting_(crowded(1, settings.connections)),
      listening_(crowded(2, settings.connections)) {
  opened_.reserve(settings.connections);
  accepted_.reserve(settings.connections);
}

template <class Act>
void Crowd::watched(bool listens, Act&& act) {
  if (watch_) watch_->begin(listens);
  act();
  if (watch_) watch_->end(listens);
}

/// One turn of a host as an event loop would do it; answers the packets that it took and sent.
std::size_t Crowd::turn(bool listens) {
  BareHost& host = listens ? listening_ : connecting_;
  BareHost& other = listens ? connecting_ : listening_;
  const std::size_t before = other.waiting.size();
  std::size_t taken = 0;
  watched(listens, [&] {
    taken = deliver(host, now_);
    while (const auto event = host.stack.poll_event())
      if (event->socket.kind == SocketKind::tcp_listener) accept_all();
    transmit(host, other, now_);
  });
  return taken + other.waiting.size() - before;
}

/// Only the newest port has connections that wait.
void Crowd::accept_all() {
  for (auto socket = listeners_.back().accept(); socket; socket = listeners_.back().accept())
    accepted_.push_back(std::move(*socket));
}

void Crowd::settle() {
  for (std::size_t moved = 1; moved > 0;) {
    moved = turn(false);
    moved += turn(true);
  }
}

void Crowd::open_batch(std::size_t first, std::size_t count) {
  const Endpoint to{kListens, static_cast<std::uint16_t>(kFirstPort + first / kToOnePort)};
  watched(false, [&] {
    for (std::size_t i = 0; i < count; ++i)
      if (auto socket = connecting_.stack.connect(to)) opened_.push_back(std::move(*socket));
  });
  settle();
}

std::size_t Crowd::open() {
  std::size_t done = 0;
  while (done < settings_.connections) {
    if (done % kToOnePort == 0) {
      const auto port = static_cast<std::uint16_t>(kFirstPort + done / kToOnePort);
      auto listener = listening_.stack.listen(
          {kListens, port}, {.backlog = settings_.batch, .options = {.keep_alive = settings_.keep_alive}});
      if (!listener) throw std::runtime_error("listen() was refused");
      listeners_.push_back(std::move(*listener));
    }
    const std::size_t to_this_port = kToOnePort - done % kToOnePort;
    const std::size_t count = std::min({settings_.batch, to_this_port, settings_.connections - done});
    open_batch(done, count);
    done += count;
    now_ += settings_.pause;
  }
  return std::min(opened_.size(), accepted_.size());
}

std::uint64_t Crowd::probes() noexcept { return listening_.stack.tcp().counters()[tcp::Counter::keep_alives]; }

std::uint64_t Crowd::keep_alive() {
  const std::uint64_t before = probes();
  const Time end = now_ + settings_.keep_alive.idle + settings_.keep_alive.interval;
  while (probes() - before < settings_.connections) {
    now_ = std::max(now_, std::min(listening_.stack.next_timeout(), connecting_.stack.next_timeout()));
    if (now_ > end) break;
    const std::uint64_t sent = probes();
    turn(true);
    most_at_once_ = std::max(most_at_once_, static_cast<std::size_t>(probes() - sent));
    settle();
  }
  return probes() - before;
}

}  // namespace sluice::test
