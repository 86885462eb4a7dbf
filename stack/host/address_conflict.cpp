// Probing, announcing, defending; see address_conflict.hpp.
#include "stack/host/address_conflict.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sluice::host {

AddressConflict::AddressConflict(const MacAddress& hardware, const Key& key) noexcept
    : hardware_(hardware), random_(key, KeyUse::address_conflict) {}

// RFC 5227 1.1: a probe is a request for the address from 0.0.0.0, an announcement one from the address itself.
wire::arp::Packet AddressConflict::packet(const IpAddress& sender) const noexcept {
  return {.operation = wire::arp::Operation::request,
          .sender_mac = hardware_,
          .sender = sender,
          .target_mac = {},
          .target = address_};
}

Duration AddressConflict::between(Duration low, Duration high) noexcept { return low + random_.within(high - low); }

void AddressConflict::start(const IpAddress& address, Defence defence, Time now) noexcept {
  assert(address.is_v4());
  stop();
  Time begin = now;
  if (attempted_ && conflicts_ >= kMaximumConflicts) begin = std::max(now, *attempted_ + kRateLimitInterval);
  attempted_ = begin;
  address_ = address;
  defence_ = defence;
  phase_ = Phase::probing;
  left_ = kProbes;
  deadline_ = begin + between(Duration::zero(), kProbeWait);
}

void AddressConflict::stop() noexcept {
  phase_ = Phase::idle;
  deadline_ = kNever;
  defended_.reset();
  probe_due_ = announcement_due_ = claimed_due_ = conflict_due_ = false;
}

// RFC 5227 2.1.1: while we probe, a foreign probe for the same address is as bad as its use [R5227-2.1.1-4]; once we
// hold it, it is a question that ARP answers.
bool AddressConflict::collides(const wire::arp::Packet& packet) const noexcept {
  if (packet.sender_mac == hardware_) return false;
  if (packet.sender == address_) return true;  // [R5227-2.1.1-3]
  const bool foreign_probe = packet.operation == wire::arp::Operation::request && packet.sender.is_unspecified();
  return phase_ == Phase::probing && foreign_probe && packet.target == address_;
}

void AddressConflict::receive(const wire::arp::Packet& packet, Time now) noexcept {
  if (phase_ == Phase::idle || !collides(packet)) return;
  ++conflicts_;
  if (phase_ == Phase::probing)
    lose(packet.sender_mac);
  else
    defend(packet.sender_mac, now);
}

// RFC 5227 2.4 (a) to (c). What is already settled by the last defence is not answered again, lest two hosts that
// both insist shout at each other.
void AddressConflict::defend(const MacAddress& other, Time now) noexcept {
  const bool again = defended_ && now < *defended_ + kDefendInterval;
  if (defence_ == Defence::cede || (defence_ == Defence::once && again)) return lose(other);  // [R5227-2.4-2]
  if (again) return;
  defended_ = now;
  announcement_due_ = true;
}

void AddressConflict::lose(const MacAddress& other) noexcept {
  stop();
  other_ = other;
  conflict_due_ = true;
}

void AddressConflict::handle_timeout(Time now) noexcept {
  if (now < deadline_) return;
  if (phase_ == Phase::holding)
    announce(now);
  else if (left_ > 0)
    probe(now);
  else
    claim(now);
}

void AddressConflict::probe(Time now) noexcept {
  probe_due_ = true;
  deadline_ = now + (--left_ > 0 ? between(kProbeMinimum, kProbeMaximum) : kAnnounceWait);
}

void AddressConflict::claim(Time now) noexcept {
  phase_ = Phase::holding;
  claimed_due_ = true;
  left_ = kAnnouncements;
  announce(now);
}

// [R5227-2.3-1]
void AddressConflict::announce(Time now) noexcept {
  announcement_due_ = true;
  deadline_ = --left_ > 0 ? now + kAnnounceInterval : kNever;
}

std::optional<ConflictAction> AddressConflict::poll() noexcept {
  if (std::exchange(conflict_due_, false)) return Conflict{address_, other_};
  if (std::exchange(probe_due_, false)) return SendProbe{packet(IpAddress())};  // [R5227-2.1.1-1]
  if (std::exchange(claimed_due_, false)) return Claimed{address_};
  if (std::exchange(announcement_due_, false)) return SendAnnouncement{packet(address_)};
  return std::nullopt;
}

}  // namespace sluice::host
