// A sender with nothing but a controller, over one bottleneck with one queue: who fills it, and how.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <vector>

#include "stack/congestion/controller.hpp"
#include "stack/congestion/pacer.hpp"

namespace sluice::congestion {

struct Link {
  std::uint64_t rate = 1'250'000;  ///< bytes a second
  Duration trip = std::chrono::milliseconds(40);
  std::uint64_t queue = 50'000;  ///< bytes; more is dropped
  std::uint64_t mark_above = 0;  ///< bytes in the queue above which packets are marked; 0 = never
  unsigned drop_every = 0;       ///< besides, each so manieth packet is lost
};

/// Packets of one SMSS, in order, an ACK for each; what an ACK shows to be missing is lost, and sent again as new.
class FluidLink {
 public:
  static constexpr std::uint32_t kSmss = 1000;
  struct Sighting {
    Time at;
    std::uint64_t cwnd;
    std::uint64_t queued;  ///< bytes in the queue
  };

  FluidLink(Controller& controller, const Link& link) : controller_(controller), link_(link) {}

  void run(Duration how_long) {
    const Time end = now_ + how_long;
    send();
    for (;;) {
      Time next = first_ack();
      next = std::min({next, release_at_, timeout_at_});
      if (next > end) break;
      now_ = next;
      if (release_at_ <= now_) release_at_ = kNever;
      if (timeout_at_ <= now_) time_out();
      while (first_ack() <= now_) acknowledge();
      send();
    }
    now_ = end;
  }

  void set_rate(std::uint64_t rate) { link_.rate = rate; }
  std::uint64_t delivered() const { return delivered_; }
  std::uint64_t dropped() const { return dropped_; }
  std::uint64_t marked() const { return marked_; }
  unsigned timeouts() const { return timeouts_; }
  const std::vector<Sighting>& sightings() const { return sightings_; }
  const std::vector<Time>& departures() const { return departures_; }

 private:
  struct Packet {
    Time sent_at, acked_at;  // acked_at == kNever: dropped
    std::uint64_t delivered, in_flight, lost;
    Time delivered_at, first_sent_at;
    std::uint64_t number;
    bool marked;
  };

  Time first_ack() const { return acks_.empty() ? kNever : acks_.front(); }

  std::uint64_t in_flight() const { return flight_.size() * kSmss; }

  void send() {
    while (in_flight() + kSmss <= std::max<std::uint64_t>(controller_.cwnd(), kSmss)) {
      const std::uint64_t rate = controller_.pacing_rate();
      if (rate > 0 && pacer_.release_at(rate, kSmss) > now_) {
        release_at_ = pacer_.release_at(rate, kSmss);
        return;
      }
      transmit();
      if (rate > 0) pacer_.on_sent(now_, kSmss, rate);
    }
  }

  void transmit() {
    const Duration serial(static_cast<std::int64_t>(std::uint64_t{kSmss} * 1'000'000'000 / link_.rate));
    const Duration waiting = std::max(free_at_ - now_, Duration::zero());
    const std::uint64_t queued = static_cast<std::uint64_t>(waiting.count()) * link_.rate / 1'000'000'000;
    ++sent_;
    const bool dropped = queued + kSmss > link_.queue || (link_.drop_every > 0 && sent_ % link_.drop_every == 0);
    if (flight_.empty()) first_sent_at_ = delivered_at_ = now_;
    Packet packet{now_, kNever, delivered_, in_flight() + kSmss, lost_, delivered_at_, first_sent_at_, sent_, false};
    if (!dropped) {
      free_at_ = now_ + waiting + serial;
      packet.acked_at = free_at_ + link_.trip;
      acks_.push_back(packet.acked_at);
      packet.marked = link_.mark_above > 0 && queued > link_.mark_above;
    } else {
      ++dropped_;
    }
    flight_.push_back(packet);
    departures_.push_back(now_);
    controller_.on_sent(now_, kSmss, in_flight());
    if (timeout_at_ == kNever) timeout_at_ = now_ + std::chrono::seconds(1);
    queued_ = queued;
  }

  void acknowledge() {
    AckSample sample{.now = now_, .in_flight_before = in_flight()};
    acks_.pop_front();
    while (flight_.front().acked_at == kNever) {
      sample.newly_lost += kSmss;
      flight_.pop_front();
    }
    const Packet packet = flight_.front();
    flight_.pop_front();
    const std::uint64_t flight = sample.in_flight_before;
    lost_ += sample.newly_lost;
    delivered_ += kSmss;
    delivered_at_ = now_;
    first_sent_at_ = packet.sent_at;
    const bool was_in_recovery = recovering_;
    if (recovering_ && packet.number > recovery_point_) {
      recovering_ = false;
      controller_.on_recovery_end(now_);
    }
    const bool begins = !recovering_ && sample.newly_lost > 0;
    if (begins) {
      recovering_ = true;
      recovery_point_ = sent_;
      controller_.on_congestion_event(now_, flight);
    }
    if (packet.marked) {
      ++marked_;
      if (packet.number > marks_point_ && !recovering_) {
        marks_point_ = sent_;
        controller_.on_ecn(now_, flight);
      }
    }
    sample.newly_acked = sample.newly_delivered = kSmss;
    sample.in_flight = in_flight();
    sample.rtt = now_ - packet.sent_at;
    sample.in_recovery = was_in_recovery || recovering_;
    sample.cwnd_limited = true;
    sample.delivered = delivered_;
    sample.prior_delivered = packet.delivered;
    sample.tx_in_flight = packet.in_flight;
    sample.lost_since_sent = lost_ - packet.lost;
    sample.rate_interval = std::max(packet.sent_at - packet.first_sent_at, now_ - packet.delivered_at);
    sample.marked = packet.marked ? kSmss : 0;
    controller_.on_ack(sample);
    timeout_at_ = flight_.empty() ? kNever : now_ + std::chrono::seconds(1);
    sightings_.push_back({now_, controller_.cwnd(), queued_});
  }

  void time_out() {
    ++timeouts_;
    const std::uint64_t flight = in_flight();
    lost_ += flight;
    flight_.clear();
    acks_.clear();
    recovering_ = false;
    timeout_at_ = kNever;
    controller_.on_timeout(now_, flight, true);
    controller_.on_recovery_end(now_);
  }

  Controller& controller_;
  Link link_;
  Pacer pacer_;
  Time now_{Duration(std::chrono::seconds(1))};
  Time free_at_{}, release_at_ = kNever, timeout_at_ = kNever;
  Time delivered_at_{}, first_sent_at_{};
  std::deque<Packet> flight_;
  std::deque<Time> acks_;  // of those in flight_ that were not dropped
  std::vector<Sighting> sightings_;
  std::vector<Time> departures_;
  std::uint64_t sent_ = 0, delivered_ = 0, lost_ = 0, dropped_ = 0, marked_ = 0, queued_ = 0;
  std::uint64_t recovery_point_ = 0, marks_point_ = 0;
  unsigned timeouts_ = 0;
  bool recovering_ = false;
};

}  // namespace sluice::congestion
