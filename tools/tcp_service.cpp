// Accepts, pumps, and keeps one lazy alarm a connection.
#include "tools/tcp_service.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "tun/error.hpp"

namespace sluice::tools {
namespace {

tcp::ListenOptions listen_options() {
  tcp::ListenOptions options;
  options.backlog = 1024;
  // Answers leave in as few writes as there are: to hold back their small end would only wait for a delayed ACK.
  options.options.no_delay = true;
  // A peer that vanished without a word must not be remembered for ever.
  options.options.keep_alive = {.on = true, .idle = std::chrono::minutes(5), .interval = std::chrono::seconds(30)};
  return options;
}

SocketId name_of(SlotId id) { return {SocketKind::tcp, id}; }

}  // namespace

TcpService::TcpService(tun::EventLoop& loop, std::uint16_t port, Make make) : loop_(loop), make_(std::move(make)) {
  auto listener = loop.stack().listen({IpAddress::any(Family::ipv6), port}, listen_options());
  if (!listener)
    throw tun::Error(listener.error(),
                     fmt::format("cannot listen on TCP port {}: {}", port, describe(listener.error())));
  listener_ = std::move(*listener);
  loop_.on(listener_, [this](Readiness) { accept(); });
}

TcpService::~TcpService() {
  if (listener_) loop_.off({SocketKind::tcp_listener, listener_.id()});
  for (auto& [key, served] : served_) {
    loop_.off(name_of({static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)}));
    loop_.cancel(served.alarm);
  }
  const auto last = std::exchange(served_, {});  // one that ends may wake others: none is found
}

void TcpService::accept() {
  while (auto socket = listener_.accept()) {
    const SlotId id = socket->id();
    ++accepted_;
    Served& served = served_[key_of(id)];
    served.connection = make_(std::move(*socket));
    served.connection->wake_by([this, id] { wake(id); });
    loop_.on(name_of(id), [this, id](Readiness) { pump(id); });
    pump(id);
  }
}

void TcpService::pump(SlotId id) {
  const auto found = served_.find(key_of(id));
  if (found == served_.end()) return;
  found->second.woken = false;
  if (found->second.connection->pump(loop_.now())) return arm(id, found->second);
  loop_.off(name_of(id));
  loop_.cancel(found->second.alarm);
  const auto ended = served_.extract(found);  // its end may wake others, which are looked for
}

void TcpService::wake(SlotId id) {
  const auto found = served_.find(key_of(id));
  if (found == served_.end() || std::exchange(found->second.woken, true)) return;
  loop_.defer([this, id, alive = std::weak_ptr<const void>(alive_)] {
    if (!alive.expired()) pump(id);
  });
}

/// A deadline that moves later touches nothing: the alarm rings early once and is set anew.
void TcpService::arm(SlotId id, Served& served) {
  const Time due = served.connection->next_timeout();
  if (due >= served.alarm.when) return;
  loop_.cancel(served.alarm);
  served.alarm = loop_.at(due, [this, id] {
    const auto found = served_.find(key_of(id));
    if (found == served_.end()) return;
    found->second.alarm = {};
    pump(id);
  });
}

void TcpService::shut_down() {
  if (listener_) loop_.off({SocketKind::tcp_listener, listener_.id()});
  listener_.close();
  std::vector<SlotId> ids;
  for (const auto& [key, served] : served_)
    ids.push_back({static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)});
  for (const SlotId id : ids) {
    served_.at(key_of(id)).connection->shut_down();
    pump(id);
  }
}

}  // namespace sluice::tools
