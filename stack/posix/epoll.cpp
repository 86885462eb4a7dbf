// Level, EPOLLET and EPOLLONESHOT, as fs/eventpoll.c has them.
#include "stack/posix/epoll.hpp"

#include <errno.h>

#include <algorithm>

#include "stack/posix/host.hpp"

namespace sluice::posix {
namespace {

constexpr std::uint32_t kAlwaysTold = EPOLLERR | EPOLLHUP;
constexpr int kDeepest = 5;  // EP_MAX_NESTS + 1

}  // namespace

std::vector<Epoll::Interest>::iterator Epoll::find(int fd, SlotId file) noexcept {
  return std::find_if(interests_.begin(), interests_.end(),
                      [&](const Interest& one) { return one.fd == fd && one.file == file; });
}

bool Epoll::reaches(SlotId target, int depth) const {
  if (depth == 0 || id == target) return true;
  return std::any_of(interests_.begin(), interests_.end(), [&](const Interest& one) {
    File* const file = host_.files.find(one.file);
    const Epoll* const inner = file ? file->as_epoll() : nullptr;
    return inner && inner->reaches(target, depth - 1);
  });
}

Answer Epoll::control(int operation, int fd, File& file, const epoll_event* event) {
  if (&file == this) return Answer::fail(EINVAL);
  if (file.as_memory()) return Answer::fail(EPERM);
  const auto found = find(fd, file.id);
  const bool known = found != interests_.end();
  if (operation == EPOLL_CTL_DEL) {
    if (!known) return Answer::fail(ENOENT);
    interests_.erase(found);
    return Answer::ok();
  }
  if (operation != EPOLL_CTL_ADD && operation != EPOLL_CTL_MOD) return Answer::fail(EINVAL);
  if (!event) return Answer::fail(EFAULT);
  if (operation == EPOLL_CTL_MOD) {
    if (!known) return Answer::fail(ENOENT);
    found->event = *event;
    found->news = true;
    found->disarmed = false;
    return Answer::ok();
  }
  if (known) return Answer::fail(EEXIST);
  const Epoll* const inner = file.as_epoll();
  if (inner && inner->reaches(id, kDeepest)) return Answer::fail(ELOOP);
  interests_.push_back({fd, file.id, *event});
  if (std::find(file.watchers.begin(), file.watchers.end(), id) == file.watchers.end()) file.watchers.push_back(id);
  happened(EPOLLIN);
  return Answer::ok();
}

void Epoll::hear(SlotId file, std::uint32_t mask) {
  bool woken = false;
  for (Interest& one : interests_) {
    const std::uint32_t asked = one.event.events | kAlwaysTold;
    if (one.file != file || one.disarmed || !(asked & mask)) continue;
    one.news = woken = true;
  }
  if (woken) happened(EPOLLIN);
}

std::uint32_t Epoll::look(Interest& interest) const {
  File* const file = host_.files.find(interest.file);
  const std::uint32_t events = interest.event.events;
  if (!file || interest.disarmed || ((events & EPOLLET) && !interest.news)) return 0;
  const std::uint32_t ready = file->ready() & (events | kAlwaysTold);
  if (ready == 0) interest.news = false;
  return ready;
}

Answer Epoll::wait(std::span<epoll_event> out) {
  if (out.empty()) return Answer::fail(EINVAL);
  std::erase_if(interests_, [this](const Interest& one) { return host_.files.find(one.file) == nullptr; });
  std::vector<Interest> waiting;
  std::vector<Interest> told;
  for (Interest& one : interests_) {
    const std::uint32_t ready = told.size() < out.size() ? look(one) : 0;
    if (ready == 0) {
      waiting.push_back(one);
      continue;
    }
    out[told.size()] = epoll_event{.events = ready, .data = one.event.data};
    if (one.event.events & EPOLLET) one.news = false;
    if (one.event.events & EPOLLONESHOT) one.disarmed = true;
    told.push_back(one);
  }
  const std::size_t count = told.size();
  waiting.insert(waiting.end(), told.begin(), told.end());
  interests_ = std::move(waiting);
  return Answer::ok(static_cast<std::int64_t>(count));
}

std::uint32_t Epoll::ready() {
  const bool any = std::any_of(interests_.begin(), interests_.end(), [this](Interest& one) { return look(one) != 0; });
  return any ? EPOLLIN | EPOLLRDNORM : 0u;
}

}  // namespace sluice::posix
