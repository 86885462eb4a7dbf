// poll() and epoll; see caller.hpp.
#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

#include "lab/drill/caller.hpp"

namespace sluice::lab::drill {

using posix::Answer;

// poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, 1000).
Answer Caller::do_poll() {
  const Value& list = argument(0);
  std::vector<pollfd> entries;
  for (const Value& one : list.items) {
    const Value* fd = one.find("fd", 0);
    const Value* events = one.find("events", 1);
    if (!fd || !fd->is_number() || !events || !events->is_number())
      complain("poll() needs [{fd=…, events=…, revents=…}, …]");
    entries.push_back({live(fd->number), static_cast<short>(events->number), 0});
  }
  const Answer answer = calls().poll(entries);
  if (answer.error == 0 && answer.value == 0) {
    const Answer waits = until_timeout(answer, number(2));
    if (waits.blocked) return waits;
  }
  for (std::size_t i = 0; i < entries.size(); ++i)
    expect_number("revents", list.items[i].find("revents", 2), entries[i].revents);
  return answer;
}

Answer Caller::do_epoll_create() {
  if (call_->name == "epoll_create" && number(0) <= 0) return Answer::fail(EINVAL);
  return calls().epoll_create(call_->name == "epoll_create1" ? static_cast<int>(number(0)) : 0);
}

namespace {

// {events=EPOLLIN, fd=4}, or ptr, u32, u64: all are the same union.
std::uint64_t data_of(const Value& event) {
  for (const char* name : {"fd", "ptr", "u32", "u64"}) {
    const Value* found = event.find(name, 1);
    if (found && found->is_number()) return static_cast<std::uint64_t>(found->number);
  }
  return 0;
}

}  // namespace

Answer Caller::do_epoll_ctl() {
  epoll_event event{};
  const Value& wanted = argument(3);
  const Value* events = wanted.find("events", 0);
  if (events && events->is_number()) event.events = static_cast<std::uint32_t>(events->number);
  event.data.u64 = data_of(wanted);
  const bool given = wanted.kind == Value::Kind::structure;
  return calls().epoll_ctl(descriptor(0), static_cast<int>(number(1)), descriptor(2), given ? &event : nullptr);
}

// epoll_wait(7, {events=EPOLLIN, fd=4}, 1, 0): one event, or a list of them.
Answer Caller::do_epoll_wait() {
  const std::int64_t most = number(2);
  std::vector<epoll_event> events(static_cast<std::size_t>(std::clamp<std::int64_t>(most, 0, 1024)));
  const Answer answer = calls().epoll_wait(descriptor(0), events);
  if (answer.error == 0 && answer.value == 0) {
    const Answer waits = until_timeout(answer, number(3));
    if (waits.blocked) return waits;
  }
  const Value& wanted = argument(1);
  const auto check = [&](const Value& one, std::size_t place) {
    if (place >= static_cast<std::size_t>(std::max<std::int64_t>(answer.value, 0))) return;
    expect_number("events", one.find("events", 0), static_cast<std::int64_t>(events[place].events));
    if (one.kind == Value::Kind::structure && one.items.size() > 1 && trouble_.empty() &&
        data_of(one) != events[place].data.u64)
      trouble_ = "the event's data is " + std::to_string(events[place].data.u64);
  };
  if (wanted.kind == Value::Kind::structure) check(wanted, 0);
  for (std::size_t i = 0; wanted.kind == Value::Kind::list && i < wanted.items.size(); ++i) check(wanted.items[i], i);
  return answer;
}

}  // namespace sluice::lab::drill
