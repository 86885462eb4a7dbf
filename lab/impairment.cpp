// Loss, delay, disorder and narrow pipes, one decision after the other.
#include "lab/impairment.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "stack/wire/ethernet.hpp"
#include "tun/segmentation.hpp"

namespace sluice::lab {
namespace {

constexpr std::uint64_t kKinds = 8;  // streams of random numbers that one Impairment may use

Duration time_to_send(std::size_t size, std::uint64_t rate) noexcept {
  const double seconds = static_cast<double>(size) / static_cast<double>(rate);
  return Duration(static_cast<Duration::rep>(seconds * 1e9));
}

/// ECT to CE, false for all else. IPv4's header checksum moves along (RFC 1624), so one that was wrong stays wrong.
bool set_congestion_experienced(MutableBytes packet) noexcept {
  const bool v4 = !packet.empty() && packet[0] >> 4 == 4;
  const bool v6 = !packet.empty() && packet[0] >> 4 == 6;
  if (!(v4 && packet.size() >= 20) && !(v6 && packet.size() >= 40)) return false;
  const unsigned shift = v4 ? 0 : 4;
  const unsigned field = packet[1] >> shift & 3;
  if (field != 1 && field != 2) return false;
  packet[1] |= static_cast<std::uint8_t>(3u << shift);
  if (!v4) return true;
  const unsigned checksum = unsigned{packet[10]} << 8 | packet[11];
  unsigned sum = (~checksum & 0xffff) + (3 - field);
  sum = (sum & 0xffff) + (sum >> 16);
  packet[10] = static_cast<std::uint8_t>(~sum >> 8);
  packet[11] = static_cast<std::uint8_t>(~sum);
  return true;
}

/// The IP packet in a frame; empty when there is none.
MutableBytes behind_ethernet(MutableBytes frame) noexcept {
  const auto header = wire::ethernet::parse(frame);
  const bool ip = header && (header->type == wire::ethernet::kIpv4 || header->type == wire::ethernet::kIpv6);
  return ip ? frame.subspan(header->header_size) : MutableBytes();
}

}  // namespace

bool ImpairmentSettings::is_clear() const noexcept {
  return loss == 0 && burst_enter == 0 && drop.empty() && delay == Duration(0) && jitter == Duration(0) &&
         reorder == 0 && duplicate == 0 && corrupt == 0 && rate == 0 && mark == 0;
}

std::string_view name(ImpairmentCounter counter) noexcept {
  switch (counter) {
    case ImpairmentCounter::offered: return "offered";
    case ImpairmentCounter::lost: return "lost";
    case ImpairmentCounter::lost_in_burst: return "lost_in_burst";
    case ImpairmentCounter::dropped_by_number: return "dropped_by_number";
    case ImpairmentCounter::queue_full: return "queue_full";
    case ImpairmentCounter::overflow: return "overflow";
    case ImpairmentCounter::corrupted: return "corrupted";
    case ImpairmentCounter::duplicated: return "duplicated";
    case ImpairmentCounter::reordered: return "reordered";
    case ImpairmentCounter::marked: return "marked";
    case ImpairmentCounter::released: return "released";
    case ImpairmentCounter::count: break;
  }
  return "";
}

Impairment::Impairment(ImpairmentSettings settings, const Key& key, std::uint64_t stream)
    : settings_(std::move(settings)),
      loss_(key, KeyUse::impairment, stream * kKinds),
      burst_(key, KeyUse::impairment, stream * kKinds + 1),
      jitter_(key, KeyUse::impairment, stream * kKinds + 2),
      reorder_(key, KeyUse::impairment, stream * kKinds + 3),
      duplicate_(key, KeyUse::impairment, stream * kKinds + 4),
      corrupt_(key, KeyUse::impairment, stream * kKinds + 5),
      mark_(key, KeyUse::impairment, stream * kKinds + 6) {}

bool Impairment::later(const Held& a, const Held& b) noexcept {
  if (a.released.at != b.released.at) return a.released.at > b.released.at;
  return a.order > b.order;
}

void Impairment::offer(Time now, Bytes packet) { offer(now, Packet::copy_of(pool_, packet)); }

void Impairment::offer(Time now, Packet packet) { pass(now, {.packet = std::move(packet), .at = now}); }

void Impairment::offer_arrival(Time now, Packet packet) {
  if (!packet.checksum_known_good) return offer(now, std::move(packet));
  tun::Segments segments(std::as_const(packet).bytes(), packet.gso_size);
  for (Bytes piece = segments.next(); !piece.empty(); piece = segments.next()) offer(now, piece);
}

void Impairment::offer(Time now, const Frame& frame) {
  pass(now, {.packet = copy_of(frame),
             .at = now,
             .transport_offset = frame.transport_offset,
             .checksum_partial = frame.checksum_partial});
}

Packet Impairment::copy_of(const Frame& frame) {
  Packet packet = Packet::with_room(pool_, frame.size());
  ByteWriter writer(packet.bytes());
  writer.bytes(frame.head);
  for (const Slice& piece : frame.body) writer.bytes(piece.bytes());
  packet.gso_size = frame.gso_size;
  return packet;
}

bool Impairment::happens(Random& random, double probability) noexcept {
  return probability > 0 && random.unit() < probability;
}

bool Impairment::is_lost() {
  const std::uint64_t number = counters_[ImpairmentCounter::offered];
  if (std::find(settings_.drop.begin(), settings_.drop.end(), number) != settings_.drop.end()) {
    counters_.add(ImpairmentCounter::dropped_by_number);
    return true;
  }
  if (happens(loss_, settings_.loss)) {
    counters_.add(ImpairmentCounter::lost);
    return true;
  }
  const bool turns = happens(burst_, in_burst_ ? settings_.burst_leave : settings_.burst_enter);
  in_burst_ = in_burst_ != turns;
  if (in_burst_ && happens(burst_, settings_.burst_loss)) {
    counters_.add(ImpairmentCounter::lost_in_burst);
    return true;
  }
  return false;
}

/// When the last byte has been sent into the link, or nothing when the queue before it is full.
std::optional<Time> Impairment::through_queue(Time now, std::size_t size) {
  if (settings_.rate == 0) return now;
  while (first_sending_ < sending_.size() && sending_[first_sending_].ends <= now)
    queued_bytes_ -= sending_[first_sending_++].size;
  if (first_sending_ > 64 && first_sending_ * 2 > sending_.size()) {
    sending_.erase(sending_.begin(), sending_.begin() + static_cast<std::ptrdiff_t>(first_sending_));
    first_sending_ = 0;
  }
  const std::size_t queued_packets = sending_.size() - first_sending_;
  const bool too_many = settings_.queue_packets != 0 && queued_packets + 1 > settings_.queue_packets;
  const bool too_large = settings_.queue_bytes != 0 && queued_bytes_ + size > settings_.queue_bytes;
  if (too_many || too_large) return std::nullopt;
  const Time begins = queued_packets == 0 ? now : sending_.back().ends;
  sending_.push_back({begins + time_to_send(size, settings_.rate), size});
  queued_bytes_ += size;
  return sending_.back().ends;
}

Time Impairment::arrival(Time sent) {
  Duration delay = settings_.delay;
  if (settings_.jitter > Duration(0)) {
    const double swing = 2 * jitter_.unit() - 1;
    delay += Duration(static_cast<Duration::rep>(swing * static_cast<double>(settings_.jitter.count())));
  }
  const Time at = std::max(sent + delay, sent);
  if (happens(reorder_, settings_.reorder)) {
    counters_.add(ImpairmentCounter::reordered);
    return std::max(at, last_in_order_) + settings_.reorder_by;
  }
  last_in_order_ = std::max(at, last_in_order_);
  return last_in_order_;
}

void Impairment::flip_a_bit(Packet& packet) {
  const std::uint32_t bit = corrupt_.below(static_cast<std::uint32_t>(packet.size() * 8));
  packet.bytes()[bit / 8] ^= static_cast<std::uint8_t>(0x80u >> bit % 8);
  packet.checksum_known_good = false;
}

/// As a router does instead of dropping: only what its sender declared capable. After through_queue(): the queue holds
/// it.
void Impairment::mark_if_due(Packet& packet) {
  const bool by_lot = happens(mark_, settings_.mark);
  const bool by_queue = settings_.mark_above != 0 && queued_bytes_ > settings_.mark_above + packet.size();
  if (!by_lot && !by_queue) return;
  const MutableBytes ip = settings_.ethernet ? behind_ethernet(packet.bytes()) : packet.bytes();
  if (set_congestion_experienced(ip)) counters_.add(ImpairmentCounter::marked);
}

void Impairment::pass(Time now, Released released) {
  counters_.add(ImpairmentCounter::offered);
  if (is_lost()) return;
  const bool twice = happens(duplicate_, settings_.duplicate);
  for (int copies = twice ? 2 : 1; copies > 0; --copies) {
    const std::optional<Time> sent = through_queue(now, released.packet.size());
    if (!sent) {
      counters_.add(ImpairmentCounter::queue_full);
      return;
    }
    Released next{.packet = {},
                  .at = arrival(*sent),
                  .waited = *sent - now,
                  .transport_offset = released.transport_offset,
                  .checksum_partial = released.checksum_partial};
    if (copies == 1) {
      next.packet = std::move(released.packet);
    } else {
      next.packet = released.packet.copy(pool_);
      counters_.add(ImpairmentCounter::duplicated);
    }
    mark_if_due(next.packet);
    hold(std::move(next));
  }
}

void Impairment::hold(Released released) {
  if (held_bytes_ + released.packet.size() > kMaximumHeld) {
    counters_.add(ImpairmentCounter::overflow);
    return;
  }
  if (!released.packet.empty() && happens(corrupt_, settings_.corrupt)) {
    flip_a_bit(released.packet);
    counters_.add(ImpairmentCounter::corrupted);
  }
  held_bytes_ += released.packet.size();
  held_.push_back({std::move(released), ++order_});
  std::push_heap(held_.begin(), held_.end(), later);
}

Time Impairment::next_release() const noexcept { return held_.empty() ? kNever : held_.front().released.at; }

std::optional<Impairment::Released> Impairment::take(Time now) {
  if (next_release() > now) return std::nullopt;
  std::pop_heap(held_.begin(), held_.end(), later);
  Released released = std::move(held_.back().released);
  held_.pop_back();
  held_bytes_ -= released.packet.size();
  counters_.add(ImpairmentCounter::released);
  return released;
}

}  // namespace sluice::lab
