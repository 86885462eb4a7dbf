// The queue of TIME-WAIT records; see time_wait.hpp.
#include "stack/tcp/time_wait.hpp"

namespace sluice::tcp {

bool TimeWaitTable::insert(const FourTuple& tuple, const TimeWait& record) {
  const auto [place, fresh] = records_.try_emplace(tuple, record);
  const bool moved = fresh || place->second.expires != record.expires;
  place->second = record;
  if (moved) queue_.push_back({tuple, record.expires});
  if (queue_.size() > 2 * records_.size() + 64) drop_stale_turns();
  if (!fresh || records_.size() <= limit_) return false;
  const std::size_t before = records_.size();
  while (records_.size() == before) drop_oldest();
  return true;
}

TimeWait* TimeWaitTable::find(const FourTuple& tuple) noexcept {
  if (records_.empty()) return nullptr;
  const auto found = records_.find(tuple);
  return found == records_.end() ? nullptr : &found->second;
}

void TimeWaitTable::drop_oldest() noexcept {
  const Turn turn = queue_.front();
  queue_.pop_front();
  const auto found = records_.find(turn.tuple);
  if (found != records_.end() && found->second.expires == turn.expires) records_.erase(found);
  queue_.release();
}

// A FIN that comes again and again renews a record each time: its turns must not pile up [A-TCP-22].
void TimeWaitTable::drop_stale_turns() {
  Ring<Turn> kept;
  for (std::size_t i = 0; i < queue_.size(); ++i) {
    const auto found = records_.find(queue_[i].tuple);
    if (found != records_.end() && found->second.expires == queue_[i].expires) kept.push_back(queue_[i]);
  }
  queue_ = std::move(kept);
}

void TimeWaitTable::expire(Time now) noexcept {
  for (unsigned dropped = 0; dropped < kExpireAtOnce && next_deadline() <= now; ++dropped) drop_oldest();
}

}  // namespace sluice::tcp
