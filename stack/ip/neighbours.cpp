// The states of RFC 4861 7.3 and who may change them; see neighbours.hpp.
#include "stack/ip/neighbours.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace sluice::ip {

std::string_view name(Reachability state) noexcept {
  switch (state) {
    case Reachability::incomplete: return "incomplete";
    case Reachability::reachable: return "reachable";
    case Reachability::stale: return "stale";
    case Reachability::delay: return "delay";
    case Reachability::probe: return "probe";
  }
  return "";
}

Neighbours::Neighbours(const Key& key, NeighbourTiming timing)
    : timing_(timing), random_(key, KeyUse::neighbour), entries_(0, AddressHash{KeyedHash(key, KeyUse::neighbour)}) {}

Neighbours::~Neighbours() = default;

Neighbours::Entry* Neighbours::find(const IpAddress& neighbour) noexcept {
  const auto found = entries_.find(neighbour);
  return found == entries_.end() ? nullptr : &found->second;
}

const Neighbours::Entry* Neighbours::find(const IpAddress& neighbour) const noexcept {
  const auto found = entries_.find(neighbour);
  return found == entries_.end() ? nullptr : &found->second;
}

// --- room

/// The least worth: mere claims before those we talked to, the longest unused first.
void Neighbours::evict_one() {
  const auto worth = [](const Entry& entry) { return std::tuple(entry.router, entry.talked_to, entry.used); };
  const auto worst = std::min_element(entries_.begin(), entries_.end(),
                                      [&](const auto& a, const auto& b) { return worth(a.second) < worth(b.second); });
  remove(worst->second);
}

Neighbours::Entry& Neighbours::add(const IpAddress& neighbour, Time now) {
  if (entries_.size() >= kMaximumEntries) evict_one();
  Entry& entry = entries_[neighbour];
  entry.address = neighbour;
  entry.used = now;
  ++incomplete_;
  return entry;
}

void Neighbours::remove(Entry& entry) noexcept {
  timers_.remove(entry);
  if (entry.state == Reachability::incomplete) --incomplete_;
  const IpAddress address = entry.address;
  entries_.erase(address);
}

void Neighbours::clear() noexcept {
  while (!entries_.empty()) remove(entries_.begin()->second);
}

// --- states

/// REACHABLE ends by itself; nobody needs to be woken for it.
void Neighbours::settle(Entry& entry, Time now) const noexcept {
  if (entry.state == Reachability::reachable && now >= entry.reachable_until) entry.state = Reachability::stale;
}

/// RFC 4861 6.3.2: drawn anew each time, so that hosts do not fall into step.
void Neighbours::make_reachable(Entry& entry, Time now) noexcept {
  if (entry.state == Reachability::incomplete) --incomplete_;
  entry.state = Reachability::reachable;
  entry.questions = 0;
  const double factor = 0.5 + random_.unit();
  entry.reachable_until = now + std::chrono::duration_cast<Duration>(timing_.reachable * factor);
  timers_.remove(entry);
}

void Neighbours::make_stale(Entry& entry, const MacAddress& mac) noexcept {
  if (entry.state == Reachability::incomplete) --incomplete_;
  entry.state = Reachability::stale;
  entry.mac = mac;
  entry.questions = 0;
  timers_.remove(entry);
}

const MacAddress* Neighbours::use(const IpAddress& neighbour, Time now) {
  Entry* const entry = find(neighbour);
  if (!entry) return nullptr;
  entry->used = now;
  entry->talked_to = true;
  settle(*entry, now);
  if (entry->state == Reachability::incomplete) return nullptr;
  if (entry->state == Reachability::stale) {
    entry->state = Reachability::delay;
    timers_.arm(*entry, now + timing_.first_probe);
  }
  return &entry->mac;
}

Neighbours::Held Neighbours::hold(const IpAddress& neighbour, Slice packet, Time now) {
  Entry* entry = find(neighbour);
  const bool is_new = !entry;
  if (is_new) {
    if (incomplete_ >= kMaximumIncomplete) return Held::refused;
    entry = &add(neighbour, now);
    entry->questions = 1;
    entry->talked_to = true;
    timers_.arm(*entry, now + timing_.retransmit);
  }
  const bool replaces = !entry->waiting.empty();
  entry->waiting = std::move(packet);
  if (is_new) return Held::began;
  return replaces ? Held::replaced : Held::kept;
}

// --- what was heard

Slice Neighbours::solicited_by(const IpAddress& neighbour, const MacAddress& mac, Time now) {
  Entry* entry = find(neighbour);
  if (!entry) entry = &add(neighbour, now);
  // The same address again says nothing new [R4861-7.3.1-1].
  if (entry->state == Reachability::incomplete || entry->mac != mac) make_stale(*entry, mac);
  return std::exchange(entry->waiting, Slice());
}

Slice Neighbours::router_heard(const IpAddress& router, const std::optional<MacAddress>& mac, Time now) {
  Slice waiting;
  if (mac) waiting = solicited_by(router, *mac, now);
  if (Entry* const entry = find(router)) entry->router = true;
  return waiting;
}

Slice Neighbours::advertised(const IpAddress& neighbour, const Advertised& said, Time now) {
  Entry* const entry = find(neighbour);
  if (!entry) return {};
  settle(*entry, now);
  if (entry->state == Reachability::incomplete) {
    if (!said.mac) return {};
    make_stale(*entry, *said.mac);
    entry->router = said.router;
    if (said.solicited) make_reachable(*entry, now);
    return std::exchange(entry->waiting, Slice());  // [R4861-7.2.5-2]
  }
  const bool differs = said.mac && *said.mac != entry->mac;
  if (!said.override && differs) {  // [R4861-7.2.5-3]
    if (entry->state == Reachability::reachable) make_stale(*entry, entry->mac);
    return {};
  }
  if (differs) make_stale(*entry, *said.mac);
  if (said.solicited) make_reachable(*entry, now);
  entry->router = said.router;
  return {};
}

void Neighbours::confirm(const IpAddress& neighbour, Time now) noexcept {
  Entry* const entry = find(neighbour);
  if (entry && entry->state != Reachability::incomplete) make_reachable(*entry, now);  // [R4861-7.3.1-2]
}

// --- time

std::optional<Neighbours::Due> Neighbours::due(Entry& entry, Time now) {
  const bool asked_all = entry.state == Reachability::incomplete;
  if (entry.state != Reachability::incomplete && entry.state != Reachability::probe) {
    if (entry.state != Reachability::delay) return std::nullopt;
    entry.state = Reachability::probe;
    entry.questions = 0;
  }
  const unsigned limit = asked_all ? timing_.multicast_questions : timing_.unicast_questions;
  if (entry.questions >= limit) {
    Due failed{.kind = Due::Kind::give_up,
               .neighbour = entry.address,
               .waiting = std::move(entry.waiting),
               .router = entry.router};
    remove(entry);
    return failed;
  }
  ++entry.questions;
  timers_.arm(entry, now + timing_.retransmit);
  Due question{.neighbour = entry.address};
  if (!asked_all) question.mac = entry.mac;
  return question;
}

std::optional<Neighbours::Due> Neighbours::expire_one(Time now) {
  while (Entry* const entry = timers_.pop_due(now))
    if (auto found = due(*entry, now)) return found;
  return std::nullopt;
}

// --- questions

bool Neighbours::seems_reachable(const IpAddress& neighbour) const noexcept {
  const Entry* const entry = find(neighbour);
  return entry && entry->state != Reachability::incomplete;
}

bool Neighbours::is_router(const IpAddress& neighbour) const noexcept {
  const Entry* const entry = find(neighbour);
  return entry && entry->router;
}

bool Neighbours::asks(const IpAddress& neighbour) const noexcept {
  const Entry* const entry = find(neighbour);
  return entry && entry->questions > 0;
}

std::size_t Neighbours::footprint() const noexcept {
  constexpr std::size_t kNode = sizeof(decltype(entries_)::value_type) + 2 * sizeof(void*);  // with link and hash
  std::size_t total = entries_.size() * kNode + entries_.bucket_count() * sizeof(void*);
  for (const auto& [address, entry] : entries_) total += entry.waiting.buffer().capacity();
  return total;
}

std::vector<NeighbourView> Neighbours::list(Time now) const {
  std::vector<NeighbourView> all;
  all.reserve(entries_.size());
  for (const auto& [address, entry] : entries_) {
    Entry copy = entry;
    settle(copy, now);
    all.push_back({address, entry.mac, copy.state, entry.router});
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.address < b.address; });
  return all;
}

}  // namespace sluice::ip
