// The turn: packets, timers, handlers, frames.
#include "tun/event_loop.hpp"

#include <algorithm>
#include <cassert>

#include "tun/error.hpp"

namespace sluice::tun {
namespace {

/// Events told in one turn before frames leave again.
constexpr int kEventsPerTurn = 4096;

}  // namespace

// --- sockets and their handlers

EventLoop::Entry& EventLoop::entry_of(SocketId socket) {
  auto& entries = entries_[static_cast<std::size_t>(socket.kind)];
  if (socket.slot.index >= entries.size()) entries.resize(socket.slot.index + std::size_t{1});
  Entry& entry = entries[socket.slot.index];
  if (entry.generation == socket.slot.generation) return entry;
  {
    const std::uint32_t serial = entry.serial + 1;
    const Entry stale = std::exchange(entry, Entry{socket.slot.generation, serial, Readiness::none, nullptr});
  }
  return entry_of(socket);  // what died with the stale handler may have changed the table
}

EventLoop::Entry* EventLoop::find(SocketId socket) noexcept {
  auto& entries = entries_[static_cast<std::size_t>(socket.kind)];
  if (socket.slot.index >= entries.size()) return nullptr;
  Entry& entry = entries[socket.slot.index];
  return entry.generation == socket.slot.generation ? &entry : nullptr;
}

void EventLoop::on(SocketId socket, Handler handler) {
  Entry& entry = entry_of(socket);
  const Handler replaced = std::exchange(entry.handler, std::move(handler));
  ++entry.serial;
  const Readiness untold = std::exchange(entry.untold, Readiness::none);
  if (any(untold)) defer([this, socket, untold] { tell({socket, untold}); });
}

void EventLoop::off(SocketId socket) noexcept {
  Entry* entry = find(socket);
  if (!entry) return;
  ++entry->serial;
  const Handler forgotten = std::exchange(entry->handler, nullptr);
}

/// The handler moves out of the table while it runs: it may replace itself, and the table may grow.
void EventLoop::tell(const Event& event) {
  Entry& entry = entry_of(event.socket);
  if (!entry.handler) {
    entry.untold |= event.ready;
    return;
  }
  const std::uint32_t serial = entry.serial;
  Handler running = std::exchange(entry.handler, nullptr);
  running(event.ready);
  Entry* after = find(event.socket);
  if (after && after->serial == serial) after->handler = std::move(running);
}

// --- alarms, calls, things kept

EventLoop::Alarm EventLoop::at(Time when, std::function<void()> call) {
  const Alarm alarm{std::max(when, now_), ++alarm_number_};
  alarms_.emplace(alarm, std::move(call));
  return alarm;
}

void EventLoop::keep(std::shared_ptr<void> object) {
  const void* key = object.get();
  kept_.emplace(key, std::move(object));
}

// --- a turn

Result<void> EventLoop::run() {
  Result<void> result = turn();
  while (result && !finished()) {
    wait(Duration::max());
    result = step();
  }
  forget_handlers();  // sockets that they still hold send their FIN on the way out
  frames_out();
  return result;
}

void EventLoop::forget_handlers() noexcept {
  for (auto& entries : entries_) const auto gone = std::exchange(entries, {});
}

Result<void> EventLoop::turn(Duration longest) {
  begin_turn();
  frames_out();  // what was written since the last turn
  wait(longest);
  return step();
}

void EventLoop::begin_turn() noexcept {
  now_ = settings_.clock();
  for (const Port& port : ports_) port.device->begin_turn(now_);
}

Result<void> EventLoop::step() {
  ++turns_;
  begin_turn();
  for (Port& port : ports_) packets_in(port);
  stack_.handle_timeout(now_);
  dispatch();
  frames_out();
  for (const Port& port : ports_)
    if (port.device->error() != Errc::none) return port.device->error();
  return {};
}

void EventLoop::packets_in(Port& port) {
  Device& device = *port.device;
  const bool due = port.ready || port.more || device.fd() < 0 || device.next_timeout() <= now_;
  if (!due) return;
  port.more = device.receive_batch(batch_);
  if (!batch_.empty()) {
    stack_.receive(batch_, now_, static_cast<InterfaceNumber>(&port - ports_.data()));
    last_work_ = now_;
  }
  batch_.clear();
}

void EventLoop::dispatch() {
  call_watches();
  call_posted();
  if (on_strays_ && stack_.has_strays()) on_strays_();
  call_alarms();
  tell_events();
  call_deferred();
  // What deferred calls caused in the stack is told now, so that its answers leave with this turn.
  tell_events();
  if (stops_ > 0 && !stop_begun_) begin_stop();  // after what came with the same turn
}

void EventLoop::call_watches() {
  const std::vector<Ready> ready = std::exchange(ready_, {});
  for (const Ready& one : ready) {
    const auto found = watches_.find(one.fd);
    if (found == watches_.end()) continue;
    const std::shared_ptr<Watch> watch = found->second;  // may unwatch itself
    watch->handler(one.mask);
  }
}

void EventLoop::call_posted() {
  std::vector<std::function<void()>> calls;
  {
    const std::lock_guard lock(posted_mutex_);
    calls.swap(posted_);
  }
  for (auto& call : calls) call();
}

void EventLoop::call_deferred() {
  // Calls deferred by these wait for the next turn: nobody can keep this one from ending.
  const std::vector<std::function<void()>> calls = std::exchange(deferred_, {});
  for (const auto& call : calls) call();
}

void EventLoop::call_alarms() {
  const std::uint64_t newest = alarm_number_;  // those set while others ring wait for the next turn
  while (!alarms_.empty() && alarms_.begin()->first <= Alarm{now_, newest}) {
    const auto ringing = alarms_.extract(alarms_.begin());
    ringing.mapped()();
  }
}

void EventLoop::tell_events() {
  if (on_icmp_error_)
    while (const std::optional<IcmpReport> report = stack_.poll_error()) on_icmp_error_(*report);
  for (int told = 0; told < kEventsPerTurn; ++told) {
    const std::optional<Event> event = next_event_ ? std::exchange(next_event_, std::nullopt) : stack_.poll_event();
    if (!event) break;
    tell(*event);
  }
  if (on_arp_ && stack_.link())
    while (const std::optional<wire::arp::Packet> packet = stack_.link()->poll_arp()) on_arp_(*packet);
  while (on_echo_ && stack_.echo().has_answers()) on_echo_(*stack_.poll_echo());
  if (on_host_) tell_host_events();
}

void EventLoop::tell_host_events() {
  for (std::size_t i = 0; i < stack_.interface_count(); ++i) {
    host::Configurator* const configurator = stack_.configurator(static_cast<InterfaceNumber>(i));
    while (const std::optional<host::HostEvent> event = configurator ? configurator->poll_event() : std::nullopt)
      on_host_(*event);
  }
}

void EventLoop::frames_out() {
  stack_.poll_transmit(now_, sinks_);
  for (const Port& port : ports_) port.device->flush();
  if (!next_event_) next_event_ = stack_.poll_event();  // what sending itself brought to light
}

// --- the end

void EventLoop::stop() noexcept { ++stops_; }

void EventLoop::begin_stop() {
  stop_begun_ = true;
  stop_deadline_ = now_ + settings_.drain;
  while (!at_stop_.empty()) {
    const std::function<void()> call = std::move(at_stop_.back());
    at_stop_.pop_back();
    call();
  }
  const auto kept = std::exchange(kept_, {});
}

bool EventLoop::finished() const noexcept {
  if (!stop_begun_) return false;
  return stops_ > 1 || now_ >= stop_deadline_ || stack_.tcp().connection_count() == 0;
}

Time EventLoop::deadline() const noexcept {
  const Time alarm = alarms_.empty() ? kNever : alarms_.begin()->first.when;
  Time next = std::min({stack_.next_timeout(), alarm, stop_deadline_});
  for (const Port& port : ports_) next = std::min(next, port.device->next_timeout());
  return next;
}

EventLoop::~EventLoop() {
  // Things kept may hold sockets whose destructors call off(): first them, then the tables.
  { const auto kept = std::exchange(kept_, {}); }
  alive_.reset();
  { const auto calls = std::exchange(deferred_, {}); }
  { const auto alarms = std::exchange(alarms_, {}); }
  forget_handlers();
  { const auto watches = std::exchange(watches_, {}); }
  { const auto calls = std::exchange(at_stop_, {}); }
  { const auto calls = std::exchange(posted_, {}); }
  restore_signals();
}

}  // namespace sluice::tun
