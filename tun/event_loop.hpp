// Where a stack meets the world: one thread, its devices, one clock read a turn.
#pragma once

#include <poll.h>
#include <signal.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "stack/stack.hpp"
#include "tun/clock.hpp"
#include "tun/device.hpp"
#include "tun/fd.hpp"
#include "tun/spin_budget.hpp"

namespace sluice::tun {

struct LoopSettings {
  /// How long to look for work again and again before sleeping. An idle CPU needs tens of microseconds to wake up; a
  /// busy one none. 0 = sleep at once.
  Duration spin = Duration(0);
  /// How much of one processor looking may take, 0 to 1 = no bound: see SpinBudget. What waits longer is slept for.
  double spin_share = 1;
  /// After stop(): how long connections may take to end in an orderly way.
  Duration drain = std::chrono::seconds(2);
  /// Where the time of a turn comes from; tests put their own here.
  Time (*clock)() noexcept = monotonic_now;
};

inline SocketId id_of(const tcp::Socket& socket) noexcept { return {SocketKind::tcp, socket.id()}; }
inline SocketId id_of(const tcp::Listener& listener) noexcept { return {SocketKind::tcp_listener, listener.id()}; }
inline SocketId id_of(const udp::Socket& socket) noexcept { return {SocketKind::udp, socket.id()}; }

/// Drives a Stack over a Device, or over one for each of its interfaces. A turn: wait; read the clock; packets in;
/// timers; the application's handlers; frames out. So what a batch of packets causes leaves together, after all of it
/// was seen. Everything belongs to the thread that runs the loop; only post() may be called by others.
class EventLoop {
 public:
  /// All outlive the loop. Sockets of the stack may be made before and after.
  EventLoop(Stack& stack, Device& device, const LoopSettings& settings = {});
  /// A device for each interface, in their order. REQUIRES as many as the stack has.
  EventLoop(Stack& stack, std::span<Device* const> devices, const LoopSettings& settings = {});
  /// Lets go of everything that was given to it; sockets in there close.
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  Stack& stack() noexcept { return stack_; }
  Device& device(InterfaceNumber interface = 0) noexcept { return *ports_[interface].device; }
  /// The time of this turn.
  Time now() const noexcept { return now_; }

  // --- sockets

  using Handler = std::function<void(Readiness)>;
  /// Calls `handler` when the readiness of this socket changes; replaces an earlier handler. Readiness that was told
  /// before on() is told then. A handler may do anything: close its socket, call off(), make others.
  void on(SocketId socket, Handler handler);
  void on(const tcp::Socket& socket, Handler handler) { on(id_of(socket), std::move(handler)); }
  void on(const tcp::Listener& listener, Handler handler) { on(id_of(listener), std::move(handler)); }
  void on(const udp::Socket& socket, Handler handler) { on(id_of(socket), std::move(handler)); }
  /// Forgets the handler, and what it holds. Call it before the socket closes: a closed socket tells nothing any more.
  void off(SocketId socket) noexcept;
  void off(const tcp::Socket& socket) noexcept { off(id_of(socket)); }
  void off(const tcp::Listener& listener) noexcept { off(id_of(listener)); }
  void off(const udp::Socket& socket) noexcept { off(id_of(socket)); }

  // --- other things to wait for

  /// Calls `handler` with readable or writable (failed: an error or hang-up) as long as the descriptor is so (level).
  /// `interest`: readable, writable or both. Replaces an earlier watch of this descriptor.
  void watch(int fd, Readiness interest, Handler handler);
  /// Must come before the descriptor is closed.
  void unwatch(int fd) noexcept;

  /// Names a call to come.
  struct Alarm {
    Time when = kNever;
    std::uint64_t number = 0;
    friend auto operator<=>(const Alarm&, const Alarm&) noexcept = default;
  };
  Alarm at(Time when, std::function<void()> call);
  Alarm after(Duration delay, std::function<void()> call) { return at(now_ + delay, std::move(call)); }
  /// Nothing happens when the alarm rang already.
  void cancel(const Alarm& alarm) noexcept { alarms_.erase(alarm); }

  /// Calls `call` in the next turn's dispatch, or later in this one's.
  void defer(std::function<void()> call) { deferred_.push_back(std::move(call)); }
  /// The same from any thread: the one thread-safe call. Calls that never come to run are destroyed with the loop.
  void post(std::function<void()> call);

  /// Owns `object` until drop(), stop() or the loop's end.
  void keep(std::shared_ptr<void> object);
  void drop(const void* object) noexcept { kept_.erase(object); }
  /// Expires when the loop is gone: for those who hold a reference to it.
  std::weak_ptr<const void> alive() const noexcept { return alive_; }

  // --- running

  /// Turns until stop() and the end of its drain. An error: a device is gone.
  Result<void> run();
  /// One turn that waits at most so long. For programs with a loop of their own, and for tests.
  Result<void> turn(Duration longest = Duration(0));

  /// Ends run() in an orderly way: calls what on_stop() gave, drops what keep() gave, then goes on until no TCP
  /// connection is left or settings.drain is over; then forgets all handlers, and sockets in them close too. A second
  /// stop() ends it at once.
  void stop() noexcept;
  bool stopping() const noexcept { return stops_ > 0; }
  /// stop() was called again: nothing is to be waited for.
  bool stopping_at_once() const noexcept { return stops_ > 1; }
  /// The application closes its sockets here. Called once, the last given first.
  void on_stop(std::function<void()> call) { at_stop_.push_back(std::move(call)); }
  /// Called for each ICMP error about something that the stack sent, before sockets hear of it.
  void on_icmp_error(std::function<void(const IcmpReport&)> call) {
    stack_.keep_errors();
    on_icmp_error_ = std::move(call);
  }
  /// Called for what happens to the addresses of a host that configures itself.
  void on_host(std::function<void(const host::HostEvent&)> call) { on_host_ = std::move(call); }
  /// Called for each answer to what Stack::send_echo() asked. Without it they are left for Stack::poll_echo().
  void on_echo(std::function<void(const ip::EchoAnswer&)> call) { on_echo_ = std::move(call); }
  /// Called for each ARP packet that ip::Link::watch_arp() asked for.
  void on_arp(std::function<void(const wire::arp::Packet&)> call) { on_arp_ = std::move(call); }
  /// Called in the turn in which packets came that belong to another shard: for Stack::poll_stray().
  void on_strays(std::function<void()> call) { on_strays_ = std::move(call); }
  /// These signals call stop(). They are blocked in this thread (and threads that it starts) while the loop lives.
  void stop_on(std::initializer_list<int> signals);

  std::uint64_t turns() const noexcept { return turns_; }
  /// Processor time that looking for work took in all.
  Duration spun() const noexcept { return spun_; }

 private:
  struct Entry {
    std::uint32_t generation = 0;
    std::uint32_t serial = 0;  // grows when the handler is replaced
    Readiness untold = Readiness::none;
    Handler handler;
  };
  struct Watch {
    Handler handler;
  };
  /// A device of an interface, and what is known of it between turns.
  struct Port {
    Device* device;
    bool ready = true;
    bool more = false;  ///< it had more than one batch
  };
  struct Ready {
    int fd;
    Readiness mask;
  };

  Entry& entry_of(SocketId socket);
  Entry* find(SocketId socket) noexcept;
  void tell(const Event& event);
  void forget_handlers() noexcept;
  void watch_devices() noexcept;
  void restore_signals() noexcept;

  Result<void> step();
  void wait(Duration longest);
  bool spin(Time& time, Time until);
  bool busy() const noexcept;
  bool poll(Duration timeout);
  Time deadline() const noexcept;
  void note_watched();
  void begin_turn() noexcept;
  void packets_in(Port& port);
  void dispatch();
  void call_watches();
  void call_posted();
  void call_deferred();
  void call_alarms();
  void tell_events();
  void tell_host_events();
  void frames_out();
  void begin_stop();
  bool finished() const noexcept;

  Stack& stack_;
  std::vector<Port> ports_;        // by the number of the interface
  std::vector<FrameSink*> sinks_;  // the same as the stack wants them
  LoopSettings settings_;
  Time now_;
  Time last_work_;  // when spinning began
  SpinBudget spin_budget_;
  Duration spun_{};

  std::vector<pollfd> polled_;  // the ports in their order, and the epoll
  Fd epoll_;                    // of what else is waited for
  Fd wake_;
  Fd signals_;
  std::unique_ptr<sigset_t> old_mask_;  // the thread's signal mask before stop_on()

  std::vector<Entry> entries_[3];  // by SocketKind, then by slot
  std::unordered_map<int, std::shared_ptr<Watch>> watches_;
  std::vector<Ready> ready_;
  std::map<Alarm, std::function<void()>> alarms_;
  std::uint64_t alarm_number_ = 0;
  std::vector<std::function<void()>> deferred_;
  std::unordered_map<const void*, std::shared_ptr<void>> kept_;
  std::shared_ptr<const void> alive_;

  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;  // guarded by posted_mutex_

  std::vector<Packet> batch_;
  std::optional<Event> next_event_;

  std::vector<std::function<void()>> at_stop_;
  std::function<void(const host::HostEvent&)> on_host_;
  std::function<void(const IcmpReport&)> on_icmp_error_;
  std::function<void(const ip::EchoAnswer&)> on_echo_;
  std::function<void(const wire::arp::Packet&)> on_arp_;
  std::function<void()> on_strays_;
  int stops_ = 0;
  bool stop_begun_ = false;
  Time stop_deadline_ = kNever;
  std::uint64_t turns_ = 0;
};

}  // namespace sluice::tun
