// Binding, events and the life of UDP sockets; receive.cpp and transmit.cpp move the datagrams.
#include "stack/udp/layer.hpp"

#include "stack/udp/layer_state.hpp"

namespace sluice::udp {

Layer::Layer(ip::Layer& ip, const Key& key, Budget& budget, Tracer tracer, std::size_t maximum_frame)
    : state_(std::make_unique<State>(ip, key, budget, tracer, maximum_frame)) {}

Layer::~Layer() {
  state_->sockets.for_each(
      [&](SlotId, BoundSocket& socket) { state_->budget.release(socket.waiting_bytes + socket.departing_bytes); });
}

const Counters<Counter>& Layer::counters() const noexcept { return state_->log.counters; }

Result<Socket> Layer::bind(const Endpoint& local, const Options& options) {
  if (options.dscp > 63) return Errc::invalid_argument;
  if (local.address.is_v4_mapped() && !options.dual_stack) return Errc::invalid_argument;
  Endpoint bound{local.address.unmapped(), local.port};
  const bool wildcard = bound.address.is_unspecified();
  if (!wildcard && !bound.address.is_multicast() && !state_->ip.is_local(bound.address))
    return Errc::address_not_available;
  if (bound.port == 0) {
    const std::optional<std::uint16_t> port = state_->demux.pick_port(bound.address);
    if (!port) {
      state_->log.add(Counter::ports_exhausted);
      return Errc::address_not_available;
    }
    bound.port = *port;
  }
  if (!state_->demux.is_free(bound, options)) return Errc::address_in_use;
  const auto [id, socket] = state_->sockets.emplace();
  socket.id = id;
  socket.bound = socket.local = bound;
  socket.speaks_v6 = local.address.is_v6();
  socket.options = options;
  state_->demux.add(socket);
  return Socket(*this, id);
}

std::size_t Layer::path_mtu(const IpAddress& to) const noexcept { return state_->ip.path_mtu(to); }

Result<InterfaceNumber> Layer::interface_with(const IpAddress& address) const noexcept {
  if (!state_->ip.is_local(address)) return Errc::address_not_available;
  return state_->ip.owner_of(address);
}

bool Layer::wants_transmit() const noexcept { return !state_->transmitting.empty(); }

std::optional<std::pair<SlotId, Readiness>> Layer::poll_event() {
  if (state_->ready.empty()) return std::nullopt;
  BoundSocket& socket = state_->ready.pop_front();
  return std::pair(socket.id, std::exchange(socket.ready, Readiness::none));
}

BoundSocket* Layer::State::find(SlotId id) const noexcept {
  BoundSocket* const socket = sockets.find(id);
  return socket && !socket->closed ? socket : nullptr;
}

void Layer::State::raise(BoundSocket& socket, Readiness what) noexcept {
  if (socket.closed) return;
  socket.ready |= what;
  ready.push_back(socket);
}

void Layer::State::fail(BoundSocket& socket, Errc error) noexcept {
  socket.error = error;
  raise(socket, Readiness::readable);
}

Result<void> Layer::State::connect(BoundSocket& socket, const Endpoint& remote) {
  Result<Endpoint> to = destination_of(socket, {.to = remote});
  if (!to) return to.error();
  Endpoint local = socket.bound;
  if (!is_source(local.address)) {
    const Result<IpAddress> source = ip.select_source(to->address);
    if (!source) return source.error();
    local.address = *source;
  }
  if (!ip.may_talk(local.address, to->address)) return Errc::network_unreachable;
  const FourTuple pair{local, *to};
  const bool unchanged = socket.remote == *to && socket.local == local;
  if (!unchanged && !demux.is_free(pair)) return Errc::address_in_use;
  demux.remove(socket);
  socket.local = local;
  socket.remote = *to;
  demux.add(socket);
  // What others sent before must not pass for this peer's.
  const Endpoint peer = socket.spelled(*to);
  for (std::size_t i = socket.waiting.size(); i-- > 0;) {
    if (socket.waiting[i].received.from == peer) continue;
    socket.waiting_bytes -= socket.waiting[i].charge;
    budget.release(socket.waiting[i].charge);
    socket.waiting.erase(i);
  }
  return {};
}

void Layer::State::forget_waiting(BoundSocket& socket) noexcept {
  budget.release(socket.waiting_bytes);
  socket.waiting_bytes = 0;
  socket.waiting.clear();
}

void Layer::State::close(BoundSocket& socket) noexcept {
  forget_waiting(socket);
  demux.remove(socket);
  ready.remove(socket);
  for (std::size_t i = 0; i < ip.interface_count(); ++i)
    ip.groups(static_cast<InterfaceNumber>(i)).leave_all(socket.id);
  socket.closed = true;
  if (socket.departing.empty()) sockets.erase(socket.id);
}

}  // namespace sluice::udp
