// A subscriber that leaves while a message is on its way round leaves a gap, which is closed when all are through.
#include "ws/topic.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sluice::ws {

Subscription::Subscription(Subscription&&) noexcept = default;

Subscription& Subscription::operator=(Subscription&& other) noexcept {
  Subscription taken(std::move(other));
  std::swap(entry_, taken.entry_);
  return *this;
}

Subscription::~Subscription() {
  if (entry_ && entry_->topic) entry_->topic->leave(std::move(entry_));
}

Subscription::operator bool() const noexcept { return entry_ && entry_->topic; }

Topic::~Topic() {
  assert(publishing_ == 0);
  for (Subscription::Entry* entry : entries_) entry->topic = nullptr;
}

Subscription Topic::subscribe(Session& session, std::function<void()> wake) {
  assert(session.role() == Role::server);
  auto entry = std::make_unique<Subscription::Entry>();
  *entry = {this, entries_.size(), &session, std::move(wake)};
  entries_.push_back(entry.get());
  ++live_;
  return Subscription(std::move(entry));
}

void Topic::leave(std::unique_ptr<Subscription::Entry> entry) noexcept {
  --live_;
  if (publishing_ > 0) {
    entries_[entry->index] = nullptr;
    left_.push_back(std::move(entry));
    return;
  }
  entries_.back()->index = entry->index;
  entries_[entry->index] = entries_.back();
  entries_.pop_back();
}

std::size_t Topic::publish(const Prepared& message) {
  std::size_t taken = 0;
  ++publishing_;
  const std::size_t before = entries_.size();  // who comes in a wake() is behind
  for (std::size_t i = 0; i < before; ++i) {
    if (!entries_[i]) continue;
    if (offer(*entries_[i]->session, message)) ++taken;
    if (entries_[i] && entries_[i]->wake) entries_[i]->wake();
  }
  if (--publishing_ == 0 && !left_.empty()) close_gaps();
  return taken;
}

bool Topic::offer(Session& session, const Prepared& message) {
  const Result<void> sent = session.send(message);
  if (sent.error() != Errc::would_block) return sent.has_value();
  ++overflows_;
  if (overflow_ == Overflow::close) (void)session.close(CloseCode::policy_violation, "too slow for what is sent here");
  return false;
}

void Topic::close_gaps() noexcept {
  entries_.erase(std::remove(entries_.begin(), entries_.end(), nullptr), entries_.end());
  for (std::size_t i = 0; i < entries_.size(); ++i) entries_[i]->index = i;
  left_.clear();
}

Subscription Topics::subscribe(std::string_view name, Session& session, std::function<void()> wake) {
  auto found = topics_.find(name);
  if (found == topics_.end()) {
    if (topics_.size() >= sweep_at_ && publishing_ == 0) sweep();
    found = topics_.emplace(name, std::make_unique<Topic>(overflow_)).first;
  }
  return found->second->subscribe(session, std::move(wake));
}

std::size_t Topics::publish(std::string_view name, const Prepared& message) {
  const auto found = topics_.find(name);
  if (found == topics_.end()) return 0;
  ++publishing_;
  const std::size_t taken = found->second->publish(message);
  --publishing_;
  return taken;
}

const Topic* Topics::find(std::string_view name) const noexcept {
  const auto found = topics_.find(name);
  return found == topics_.end() || found->second->size() == 0 ? nullptr : found->second.get();
}

/// Names may come from peers: what they leave behind stays in proportion to what is in use.
void Topics::sweep() {
  std::erase_if(topics_, [](const auto& topic) { return topic.second->size() == 0; });
  sweep_at_ = std::max<std::size_t>(16, 2 * topics_.size());
}

}  // namespace sluice::ws
