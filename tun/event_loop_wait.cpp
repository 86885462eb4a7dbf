// Waiting: poll for devices and for an epoll with all else, nanosecond deadlines, the wake-up from other threads,
// signals, and the spin before sleeping.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <csignal>
#include <ctime>

#include "tun/error.hpp"
#include "tun/event_loop.hpp"

namespace sluice::tun {
namespace {

std::uint32_t epoll_mask(Readiness interest) noexcept {
  std::uint32_t mask = 0;
  if (any(interest & Readiness::readable)) mask |= EPOLLIN | EPOLLRDHUP;
  if (any(interest & Readiness::writable)) mask |= EPOLLOUT;
  return mask;
}

Readiness readiness(std::uint32_t events) noexcept {
  Readiness mask = Readiness::none;
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) mask |= Readiness::readable;
  if (events & EPOLLOUT) mask |= Readiness::writable;
  if (events & (EPOLLERR | EPOLLHUP)) mask |= Readiness::failed;
  return mask;
}

Fd checked(int fd, const char* what) {
  if (fd < 0) throw Error(from_errno(errno), std::string("cannot make ") + what + ": " + errno_text(errno));
  return Fd(fd);
}

void add(const Fd& epoll, int fd, std::uint32_t mask, int operation = EPOLL_CTL_ADD) {
  epoll_event event{};
  event.events = mask;
  event.data.fd = fd;
  if (::epoll_ctl(epoll.number(), operation, fd, &event) != 0)
    throw Error(from_errno(errno), "cannot wait for a descriptor: " + errno_text(errno));
}

void swallow(const Fd& eventfd) noexcept {
  std::uint64_t count = 0;
  (void)!::read(eventfd.number(), &count, sizeof count);
}

}  // namespace

EventLoop::EventLoop(Stack& stack, Device& device, const LoopSettings& settings)
    : EventLoop(stack, std::array{&device}, settings) {}

EventLoop::EventLoop(Stack& stack, std::span<Device* const> devices, const LoopSettings& settings)
    : stack_(stack),
      settings_(settings),
      now_(settings.clock()),
      last_work_(now_),
      spin_budget_(settings.spin_share, now_),
      epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "an epoll")),
      wake_(checked(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "an eventfd")),
      alive_(std::make_shared<char>()) {
  stack_.handle_timeout(now_);  // calls on sockets happen at the latest time that the stack was told
  add(epoll_, wake_.number(), EPOLLIN);
  assert(devices.size() == stack.interface_count());
  for (Device* const device : devices) {
    ports_.push_back({.device = device});
    sinks_.push_back(device);
  }
  polled_.resize(devices.size() + 1);
  // The kernel groups timers within 50 us unless told otherwise: too coarse for what a stack does between packets.
  ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
}

void EventLoop::watch(int fd, Readiness interest, Handler handler) {
  const bool known = watches_.count(fd) != 0;
  add(epoll_, fd, epoll_mask(interest), known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD);
  watches_[fd] = std::make_shared<Watch>(Watch{std::move(handler)});
}

void EventLoop::unwatch(int fd) noexcept {
  const auto found = watches_.find(fd);
  if (found == watches_.end()) return;
  ::epoll_ctl(epoll_.number(), EPOLL_CTL_DEL, fd, nullptr);
  const auto forgotten = std::move(found->second);
  watches_.erase(found);
}

void EventLoop::post(std::function<void()> call) {
  const std::lock_guard lock(posted_mutex_);
  posted_.push_back(std::move(call));
  if (posted_.size() > 1) return;  // the first one has rung the bell
  const std::uint64_t one = 1;
  (void)!::write(wake_.number(), &one, sizeof one);
}

void EventLoop::stop_on(std::initializer_list<int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : signals) ::sigaddset(&set, signal);
  sigset_t old;
  ::pthread_sigmask(SIG_BLOCK, &set, &old);
  if (!old_mask_) old_mask_ = std::make_unique<sigset_t>(old);
  if (signals_) unwatch(signals_.number());
  signals_ = checked(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), "a signalfd");
  watch(signals_.number(), Readiness::readable, [this](Readiness) {
    signalfd_siginfo info;
    while (::read(signals_.number(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) stop();
  });
}

void EventLoop::restore_signals() noexcept {
  if (old_mask_) ::pthread_sigmask(SIG_SETMASK, old_mask_.get(), nullptr);
}

/// What the coming calls of poll() look for.
void EventLoop::watch_devices() noexcept {
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    const Device& device = *ports_[i].device;
    polled_[i] = {device.fd(), static_cast<short>(POLLIN | (device.full() ? POLLOUT : 0)), 0};
    ports_[i].ready = false;
  }
  polled_.back() = {epoll_.number(), POLLIN, 0};
}

bool EventLoop::busy() const noexcept {
  const bool more = std::any_of(ports_.begin(), ports_.end(), [](const Port& port) { return port.more; });
  const bool answered = on_echo_ && stack_.echo().has_answers();
  return more || answered || next_event_ || !deferred_.empty() || (stops_ > 0 && !stop_begun_);
}

/// Waits for a descriptor, a deadline of anybody, or `longest`.
void EventLoop::wait(Duration longest) {
  watch_devices();
  if (busy() || longest <= Duration(0)) {
    (void)poll(Duration(0));
    return;
  }
  const Time start = settings_.clock();
  const Time until = std::min(deadline(), longest < kNever - start ? start + longest : kNever);
  Time time = start;
  if (spin(time, until)) return;
  (void)poll(until == kNever ? Duration::max() : std::max(until - time, Duration(0)));
}

/// Looks again and again while that is wanted and the budget lasts. True: something is ready. Moves `time` on.
bool EventLoop::spin(Time& time, Time until) {
  const Time start = time;
  const Time wanted = std::min(until, last_work_ + settings_.spin);
  if (wanted <= start) return false;
  const Time end = start + std::min(wanted - start, spin_budget_.left(start));
  bool found = false;
  for (; !found && time < end; time = settings_.clock()) found = poll(Duration(0));
  spin_budget_.spend(time - start);
  spun_ += time - start;
  return found;
}

/// Looks once, or sleeps up to `timeout`, and notes what is ready. True: something is. A device is no part of the
/// epoll, which would be told of each packet that the kernel puts into a TUN, also while nobody waits.
bool EventLoop::poll(Duration timeout) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(timeout);
  const timespec limit{seconds.count(), (timeout - seconds).count()};
  const bool for_ever = timeout == Duration::max();
  if (::ppoll(polled_.data(), polled_.size(), for_ever ? nullptr : &limit, nullptr) <= 0) return false;
  for (std::size_t i = 0; i < ports_.size(); ++i) ports_[i].ready = (polled_[i].revents & ~POLLOUT) != 0;
  if (polled_.back().revents != 0) note_watched();
  return true;
}

void EventLoop::note_watched() {
  std::array<epoll_event, 64> events;
  const int count = ::epoll_wait(epoll_.number(), events.data(), events.size(), 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.fd == wake_.number())
      swallow(wake_);
    else
      ready_.push_back({event.data.fd, readiness(event.events)});
  }
}

}  // namespace sluice::tun
