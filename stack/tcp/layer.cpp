// The Layer's books: which connections have something to send, to tell or to wait for, and who may be opened.
#include "stack/tcp/layer.hpp"

#include <algorithm>

#include "stack/tcp/connection.hpp"

namespace sluice::tcp {
namespace {

// Frames that one connection may send before the next gets its turn.
constexpr unsigned kQuota = 16;
// How often, and how many at once, peers that don't read may be dropped when memory is short.
constexpr Duration kDropInterval = std::chrono::milliseconds(100);
constexpr int kDropsAtOnce = 16;
// The next port lies at most so far behind the last.
constexpr std::uint32_t kPortStep = 8;

}  // namespace

Layer::Layer(const Config& config, ip::Layer& ip, ip::Outbox& outbox, Budget& budget, const Key& key, Tracer tracer)
    : env_(config, ip, outbox, budget, key, tracer),
      tuple_hasher_(key),
      cookies_(key),
      port_steps_(key, KeyUse::ephemeral_port),
      by_tuple_(TupleHash{&tuple_hasher_}),
      by_peer_(16, ip::AddressHash{KeyedHash(key, KeyUse::hash_table)}),
      half_open_(16, TupleHash{&tuple_hasher_}),
      time_wait_(TupleHash{&tuple_hasher_}, config.maximum_time_wait) {
  for (std::uint16_t& rover : port_rovers_) rover = static_cast<std::uint16_t>(env_.jitter.u32());
}

Layer::~Layer() = default;

// --- OPEN --------------------------------------------------------------------------------------------------------

Result<Socket> Layer::connect(const Endpoint& remote, const OpenOptions& options) {
  const Result<Endpoint> local = choose_local(remote, options);
  if (!local) return local.error();
  const FourTuple tuple{*local, remote};
  if (tuple_in_use(tuple)) return Errc::address_in_use;
  if (live_ >= env_.config.maximum_connections) {
    env_.count(Counter::drop_connection_limit);
    return Errc::no_buffer_space;
  }
  Connection& connection = adopt(
      std::make_unique<Connection>(env_, tuple, options.options, options.congestion.value_or(env_.config.congestion)));
  if (options.fast_open) connection.open_fast();
  connection.open_active();
  settle(connection);
  return Socket(*this, connection.id);
}

Result<Endpoint> Layer::choose_local(const Endpoint& remote, const OpenOptions& options) {
  const IpAddress& to = remote.address;
  const bool nobody = to.is_unspecified() || to.is_multicast() || env_.ip.is_broadcast(to) || remote.port == 0;
  if (nobody) return Errc::invalid_argument;  // [9293 MUST-46]
  Endpoint local = options.local.value_or(Endpoint{IpAddress::any(to.family()), 0});
  if (local.address.family() != to.family()) return Errc::address_family;
  if (local.address.is_unspecified()) {
    const Result<IpAddress> source = env_.ip.select_source(to);  // [9293 MUST-44]
    if (!source) return source.error();
    local.address = *source;
  } else if (!env_.ip.is_local(local.address)) {
    return Errc::address_not_available;
  }
  if (!env_.ip.may_talk(local.address, to)) return Errc::network_unreachable;
  if (local.port != 0 && !hears(FourTuple{local, remote})) return Errc::address_not_available;
  if (local.port != 0) return local;
  const Result<std::uint16_t> port = choose_port(local.address, remote);
  if (!port) return port.error();
  return Endpoint{local.address, *port};
}

// RFC 6056 3.3.4: a keyed offset for each destination, and a counter shared by few of them [R6056-3.3-3]. It moves by
// a random step: who sees two ports of his own does not know how many others were taken between them [A-TCP-06].
Result<std::uint16_t> Layer::choose_port(const IpAddress& local, const Endpoint& remote) {
  const std::uint32_t range = std::uint32_t{env_.config.port_last} - env_.config.port_first + 1;
  const std::uint64_t hash = env_.port_hash(TupleBytes(FourTuple{{local, 0}, remote}).bytes());
  std::uint16_t& rover = port_rovers_[hash >> 56];
  for (std::uint32_t tries = 0; tries < range; ++tries) {
    const std::uint32_t step = (static_cast<std::uint32_t>(hash) + rover + tries) % range;
    const auto port = static_cast<std::uint16_t>(env_.config.port_first + step);
    const FourTuple tuple{{local, port}, remote};
    if (find_listener(tuple.local) || tuple_in_use(tuple)) continue;  // [R6056-3.2-2]
    if (!hears(tuple)) continue;
    rover = static_cast<std::uint16_t>(rover + tries + 1 + port_steps_.below(kPortStep));
    return port;
  }
  return Errc::address_not_available;
}

// What goes round inside the host meets no other shard.
bool Layer::hears(const FourTuple& tuple) const noexcept {
  const ip::Shard& shard = env_.ip.shard();
  return shard.owns(tuple) || env_.ip.is_local(tuple.remote.address);
}

bool Layer::tuple_in_use(const FourTuple& tuple) noexcept {
  const bool half_open = !half_open_.empty() && half_open_.contains(tuple);
  return half_open || by_tuple_.contains(tuple) || time_wait_.find(tuple) != nullptr;
}

Result<Listener> Layer::listen(const Endpoint& local, const ListenOptions& options) {
  Endpoint where = local;
  if (!where.address.is_unspecified() && !env_.ip.is_local(where.address)) return Errc::address_not_available;
  for (std::uint32_t port = env_.config.port_first; where.port == 0; ++port) {
    if (port > env_.config.port_last) return Errc::address_not_available;
    const auto candidate = static_cast<std::uint16_t>(port);
    if (!listener_by_endpoint_.contains({where.address, candidate})) where.port = candidate;
  }
  if (listener_by_endpoint_.contains(where)) return Errc::address_in_use;
  const auto [id, listener] = listeners_.emplace();
  listener.local = where;
  listener.options = options;
  listener.id = id;
  listener_by_endpoint_.emplace(where, id);
  return Listener(*this, id);
}

// --- the life of a connection in the tables ----------------------------------------------------------------------

Connection& Layer::adopt(std::unique_ptr<Connection> connection) {
  const auto [id, adopted] = connections_.adopt(std::move(connection));
  adopted.id = id;
  by_tuple_.insert(adopted);
  ++live_;
  if (env_.config.maximum_from_peer > 0) ++by_peer_[adopted.tuple().remote.address];
  return adopted;
}

// After every call into a connection: act on the flags that it raised.
void Layer::settle(Connection& connection) {
  if (env_.narrowed) tell_narrowed();
  const bool opened = connection.syn_acknowledged() || connection.state() == State::closed;
  if (connection.fast_open_pending && opened) leave_fast_open_queue(connection);
  if (!connection.retired) {
    if (connection.state() == State::time_wait && env_.config.compact_time_wait)
      into_time_wait(connection);
    else if (connection.state() == State::closed)
      retire(connection);
  }
  if (connection.retired) {
    if (connection.detached()) return forget(connection);
  } else {
    if (connection.wants_transmit()) push_ready(connection);
    if (connection.starved()) push_starved(connection);
    timers_.arm(connection, connection.next_deadline());
  }
  const bool awaits_accept = connection.listener().generation != 0;
  if (connection.has_readiness() && !awaits_accept && !connection.detached()) push_event(connection);
}

void Layer::into_time_wait(Connection& connection) {
  env_.count(Counter::time_wait_entered);
  flush_to_outbox(connection);  // the ACK of the peer's FIN
  if (time_wait_.insert(connection.tuple(), connection.freeze_time_wait())) env_.count(Counter::time_wait_recycled);
  retire(connection);
}

// No segment finds it any more; what it received can still be read.
void Layer::retire(Connection& connection) noexcept {
  connection.retired = true;
  by_tuple_.erase(connection);
  --live_;
  if (ListenerState* listener = listeners_.find(connection.origin())) --listener->connections;
  const auto peer = by_peer_.find(connection.tuple().remote.address);
  if (peer != by_peer_.end() && --peer->second == 0) by_peer_.erase(peer);
  timers_.remove(connection);
  if (last_found_ == &connection) last_found_ = nullptr;
}

void Layer::forget(Connection& connection) {
  unlink(connection);
  connections_.erase(connection.id);
}

void Layer::close(SlotId id) noexcept {
  Connection* connection = find(id);
  if (!connection) return;
  connection->detach();
  settle(*connection);
}

void Layer::close_listener(SlotId id) noexcept {
  ListenerState* listener = listeners_.find(id);
  if (!listener) return;
  listener_by_endpoint_.erase(listener->local);
  while (!listener->ready.empty()) {
    Connection* waiting = find(listener->ready.front());
    listener->ready.pop_front();
    if (!waiting) continue;
    waiting->set_listener({});
    waiting->abort();
    waiting->detach();
    settle(*waiting);
  }
  std::erase_if(half_open_, [id](const auto& entry) { return entry.second.listener == id; });
  ListenerState** link = &listener_events_;
  while (*link && *link != listener) link = &(*link)->next_event;
  if (*link) *link = listener->next_event;
  listeners_.erase(id);
}

Result<Socket> Layer::accept(SlotId id) {
  ListenerState* listener = listeners_.find(id);
  if (!listener) return Errc::stale_handle;
  if (listener->ready.empty()) {
    listener->ready.release();
    return Errc::would_block;
  }
  const SlotId accepted = listener->ready.front();
  listener->ready.pop_front();
  Connection* connection = find(accepted);
  connection->set_listener({});
  settle(*connection);
  return Socket(*this, accepted);
}

// --- time and output ---------------------------------------------------------------------------------------------

void Layer::handle_timeouts() {
  for (unsigned visits = 0; visits < kTimersAtOnce; ++visits) {
    Connection* const connection = timers_.pop_due(env_.now);
    if (!connection) break;
    if (connection->next_deadline() <= env_.now) connection->handle_timeouts();
    settle(*connection);
  }
  half_open_timeouts();
  time_wait_.expire(env_.now);
  drop_stalled();
}

Time Layer::next_timeout() const noexcept {
  const Time half_open = half_open_turns_.empty() ? kNever : half_open_turns_.front().due;
  return std::min({timers_.next(), half_open, time_wait_.next_deadline()});
}

// Round robin over the connections that have something to send; nothing else is looked at.
void Layer::poll_transmit(FrameSink& sink) {
  while (Connection* connection = ready_head_) {
    const bool accepted = connection->transmit(sink, kQuota);
    if (!accepted) return settle(*connection);
    pop_ready();
    settle(*connection);
  }
}

void Layer::push_ready(Connection& connection) noexcept {
  if (connection.in_ready_list) return;
  connection.in_ready_list = true;
  connection.next_ready = nullptr;
  (ready_tail_ ? ready_tail_->next_ready : ready_head_) = &connection;
  ready_tail_ = &connection;
}

Connection* Layer::pop_ready() noexcept {
  Connection* connection = ready_head_;
  ready_head_ = connection->next_ready;
  if (!ready_head_) ready_tail_ = nullptr;
  connection->in_ready_list = false;
  return connection;
}

// --- events ------------------------------------------------------------------------------------------------------

void Layer::push_event(Connection& connection) noexcept {
  if (connection.in_event_list) return;
  connection.in_event_list = true;
  connection.next_event = nullptr;
  (event_tail_ ? event_tail_->next_event : event_head_) = &connection;
  event_tail_ = &connection;
}

void Layer::push_event(ListenerState& listener) noexcept {
  if (listener.in_event_list) return;
  listener.in_event_list = true;
  listener.next_event = listener_events_;
  listener_events_ = &listener;
}

std::optional<Layer::News> Layer::poll_event() {
  if (ListenerState* listener = listener_events_) {
    listener_events_ = listener->next_event;
    listener->in_event_list = false;
    return News{true, listener->id, Readiness::readable};
  }
  while (Connection* connection = first_with_news()) {
    event_head_ = connection->next_event;
    if (!event_head_) event_tail_ = nullptr;
    connection->in_event_list = false;
    if (connection->detached()) continue;  // its handle was closed meanwhile: there is nobody to tell
    return News{false, connection->id, connection->take_readiness()};
  }
  return std::nullopt;
}

Connection* Layer::first_with_news() {
  if (!event_head_) feed_starved();
  return event_head_;
}

void Layer::push_starved(Connection& connection) {
  if (connection.in_starved_list) return;
  connection.in_starved_list = true;
  starved_.push_back(connection.id);
}

// RFC 6429 4: a closed window is put up with as long as there is memory. Then who has stood still longest goes first.
void Layer::drop_stalled() {
  if (!env_.memory.budget.under_pressure() || env_.now < next_drop_at_) return;
  next_drop_at_ = env_.now + kDropInterval;
  for (int i = 0; i < kDropsAtOnce && env_.memory.budget.under_pressure(); ++i) {
    Connection* stalled = longest_stalled();
    if (!stalled) return;
    stalled->drop_stalled();
    settle(*stalled);
  }
}

Connection* Layer::longest_stalled() const noexcept {
  Connection* longest = nullptr;
  Time since = env_.now - env_.config.stall_patience;
  connections_.for_each([&](SlotId, Connection& one) {
    if (one.retired || one.stalled_since() > since) return;
    since = one.stalled_since();
    longest = &one;
  });
  return longest;
}

void Layer::abort_all(const IpAddress& local) {
  std::vector<Connection*> doomed;
  connections_.for_each([&](SlotId, Connection& one) {
    if (!one.retired && one.tuple().local.address == local) doomed.push_back(&one);
  });
  for (Connection* const connection : doomed) {
    connection->abort();
    settle(*connection);
  }
}

void Layer::tell_narrowed() {
  const IpAddress host = *std::exchange(env_.narrowed, std::nullopt);
  connections_.for_each([&](SlotId, Connection& one) {
    if (!one.retired && one.tuple().remote.address == host) one.path_changed();
  });
}

// One after the other and only when nothing else is to tell, so that each takes its part before the next is asked. What
// is free by then is enough for a block at least: nobody is told in vain, and so nobody asks for ever.
void Layer::feed_starved() {
  const std::size_t worth =
      std::clamp(env_.memory.budget.limit() / 8, BufferPool::kClasses.front(), BufferPool::kClasses.back());
  while (!event_head_ && !starved_.empty() && env_.memory.budget.room() >= worth) {
    Connection* connection = connections_.find(starved_.front());
    starved_.pop_front();
    if (starved_.empty()) starved_.release();
    if (!connection) continue;
    connection->in_starved_list = false;
    connection->feed();
    settle(*connection);
  }
}

// A connection that goes away while it stands in a list: rare, so a walk is good enough.
void Layer::unlink(Connection& connection) noexcept {
  const auto remove = [&connection](Connection*& head, Connection*& tail, Connection* Connection::*next) {
    Connection* before = nullptr;
    for (Connection* at = head; at; before = at, at = at->*next) {
      if (at != &connection) continue;
      (before ? before->*next : head) = at->*next;
      if (tail == at) tail = before;
      return;
    }
  };
  if (connection.in_ready_list) remove(ready_head_, ready_tail_, &Connection::next_ready);
  if (connection.in_event_list) remove(event_head_, event_tail_, &Connection::next_event);
}

// --- listings ----------------------------------------------------------------------------------------------------

Info Layer::describe(const Connection& connection) { return connection.status(); }

TimerEntry& Layer::timer_of(Connection& connection) noexcept { return connection.timer; }

Info Layer::describe(const ListenerState& listener) {
  Info info;
  info.state = State::listen;
  info.local = listener.local;
  info.unread = listener.ready.size();
  return info;
}

Info Layer::describe(const FourTuple& tuple, State state) {
  Info info;
  info.state = state;
  info.local = tuple.local;
  info.remote = tuple.remote;
  return info;
}

}  // namespace sluice::tcp
