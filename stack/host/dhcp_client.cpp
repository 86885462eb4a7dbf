// The states of a DHCP client and what moves it between them; see dhcp_client.hpp.
#include "stack/host/dhcp_client.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sluice::host {
namespace {

using wire::dhcp::Option;
using wire::dhcp::Type;

constexpr IpAddress kEverybody = IpAddress::v4(255, 255, 255, 255);

DhcpCounter counter_of(wire::dhcp::Fault fault) noexcept {
  using wire::dhcp::Fault;
  switch (fault) {
    case Fault::truncated: return DhcpCounter::drop_truncated;
    case Fault::too_long: return DhcpCounter::drop_too_long;
    case Fault::wrong_operation: return DhcpCounter::drop_wrong_operation;
    case Fault::wrong_hardware: return DhcpCounter::drop_wrong_hardware;
    case Fault::no_cookie: return DhcpCounter::drop_no_cookie;
    case Fault::bad_option: return DhcpCounter::drop_bad_option;
    case Fault::bad_overload: return DhcpCounter::drop_bad_overload;
    case Fault::no_type: break;
  }
  return DhcpCounter::drop_no_type;
}

}  // namespace

void DhcpClient::start(Time now) {
  if (holds_address() || state_ == DhcpState::probing) wish_ = lease_.address.address;
  lose(DhcpLost::Reason::restarted);
  refusals_ = 0;
  began_ = now;
  wait_in(wish_ ? DhcpState::init_reboot : DhcpState::init, random_.within(settings_.start_delay), now);
}

void DhcpClient::confirm(Duration asleep, Time now) {
  if (state_ == DhcpState::stopped) return;
  if (!holds_address()) return start(now);
  for (Time* const time : {&lease_.renew_at, &lease_.rebind_at, &lease_.until})
    if (*time != kNever) *time -= asleep;
  if (now >= lease_.until) return expire(now);
  began_ = now;
  sent_ = 0;
  wait_in(DhcpState::confirming, random_.within(settings_.start_delay), now);
}

void DhcpClient::release() {
  if (holds_address()) {
    transaction_ = random_.u32();
    transmit(Type::release, lease_.server);
  }
  wish_.reset();
  lose(DhcpLost::Reason::released);
  state_ = DhcpState::stopped;
  deadline_ = kNever;
}

void DhcpClient::handle_timeout(Time now) {
  if (now < deadline_) return;
  if (holds_address() && now >= lease_.until) return expire(now);
  switch (state_) {
    case DhcpState::stopped: return;
    case DhcpState::init: return select(now);
    case DhcpState::init_reboot: return reboot(now);
    case DhcpState::selecting: return offer_ ? request(now) : discover(now);
    case DhcpState::rebooting: return ask(kRebootRequests, now);
    case DhcpState::requesting: return ask(kRequests, now);
    case DhcpState::probing: return expire(now);
    case DhcpState::bound:
    case DhcpState::renewing:
    case DhcpState::rebinding: return renew(now < lease_.rebind_at ? DhcpState::renewing : DhcpState::rebinding, now);
    case DhcpState::confirming: return confirm_once(now);
  }
}

void DhcpClient::wait_in(DhcpState state, Duration pause, Time now) noexcept {
  state_ = state;
  deadline_ = now + pause;
}

void DhcpClient::restart(Duration pause, Time now) noexcept {
  began_ = now;
  wait_in(DhcpState::init, pause, now);
}

// Who is refused again and again asks ever less often: at once, after a second, two, four, up to a minute.
Duration DhcpClient::next_pause() noexcept {
  const unsigned refusals = std::min(refusals_++, kLongestPause);
  return refusals == 0 ? Duration::zero() : kFirstPause * (1u << (refusals - 1));
}

// RFC 2131 3.2: the address is known, and no offer needed.
void DhcpClient::reboot(Time now) {
  state_ = DhcpState::rebooting;
  transaction_ = random_.u32();
  sent_ = 0;
  count_seconds(now);
  ask(kRebootRequests, now);
}

// RFC 2131 4.4.1.
void DhcpClient::select(Time now) {
  state_ = DhcpState::selecting;
  transaction_ = random_.u32();
  sent_ = 0;
  offer_.reset();
  discover(now);
}

// RFC 2131 3.1 step 3, with the seconds of the DISCOVER.
void DhcpClient::request(Time now) {
  state_ = DhcpState::requesting;
  lease_ = std::move(*offer_);
  offer_.reset();
  sent_ = 0;
  ask(kRequests, now);
}

void DhcpClient::probe(DhcpLease lease) noexcept {
  state_ = DhcpState::probing;
  lease_ = std::move(lease);
  deadline_ = lease_.until;
  probe_due_ = true;
}

void DhcpClient::bind(DhcpLease lease) {
  counters_.add(holds_address() ? DhcpCounter::renewals : DhcpCounter::leases);
  state_ = DhcpState::bound;
  lease_ = std::move(lease);
  wish_ = lease_.address.address;
  deadline_ = lease_.renew_at;
  refusals_ = 0;
  lease_due_ = true;
}

// RFC 2131 4.4.5. Each attempt is a transaction of its own, so that the new lease counts from the request that was
// answered; the next one comes after half of the time that is left until T2 or the end.
void DhcpClient::renew(DhcpState state, Time now) {
  if (state_ == DhcpState::bound) began_ = now;
  state_ = state;
  transaction_ = random_.u32();
  asked_ = now;
  count_seconds(now);
  const bool rebinding = state == DhcpState::rebinding;
  transmit(Type::request, rebinding ? kEverybody : lease_.server);
  const Time limit = rebinding ? lease_.until : lease_.rebind_at;
  deadline_ = std::min(limit, now + std::max((limit - now) / 2, kRenewalPause));
}

// RFC 2131 4.4.2: silence means that the lease may be used as long as it lasts.
void DhcpClient::confirm_once(Time now) {
  if (sent_ == kRebootRequests) return wait_in(DhcpState::bound, std::max(lease_.renew_at - now, Duration(0)), now);
  if (sent_ == 0) transaction_ = random_.u32();
  count_seconds(now);
  ask(kRebootRequests, now);
  deadline_ = std::min(deadline_, lease_.until);
}

void DhcpClient::expire(Time now) {
  counters_.add(DhcpCounter::expiries);
  lose(DhcpLost::Reason::expired);
  restart(next_pause(), now);
}

// What poll() has not told yet it needn't take back.
void DhcpClient::lose(DhcpLost::Reason reason) noexcept {
  probe_due_ = lease_due_ = false;
  if (std::exchange(told_, false)) lost_ = DhcpLost{lease_.address.address, reason};
}

void DhcpClient::address_free(Time now) {
  if (state_ != DhcpState::probing) return;
  if (now >= lease_.until) return expire(now);
  bind(std::move(lease_));
}

// RFC 2131 3.1 step 5, 4.4.4.
void DhcpClient::address_in_use(Time now) {
  if (!holds_address() && state_ != DhcpState::probing) return;
  counters_.add(DhcpCounter::conflicts);
  transaction_ = random_.u32();
  transmit(Type::decline, kEverybody);
  lose(DhcpLost::Reason::in_use);
  wish_.reset();
  restart(std::max(next_pause(), kDeclinePause), now);
}

void DhcpClient::receive(Bytes payload, Time now) {
  const auto message = wire::dhcp::parse(payload);
  if (!message) return drop(counter_of(message.fault()));
  if (const auto why = judge(*message)) return drop(*why);
  dispatch(*message, now);
}

// RFC 2131 4.4.1, RFC 6842 3: only what answers our last question, and us.
std::optional<DhcpCounter> DhcpClient::judge(const wire::dhcp::Message& message) const noexcept {
  if (message.header.operation != wire::dhcp::Operation::reply) return DhcpCounter::drop_not_reply;
  if (message.header.hardware != settings_.hardware) return DhcpCounter::drop_foreign_client;
  const auto echo = message.options.find(Option::client_identifier);
  if (echo && !std::ranges::equal(echo->bytes(), identifier_)) return DhcpCounter::drop_foreign_client;
  const bool asking = state_ == DhcpState::selecting || state_ == DhcpState::requesting ||
                      state_ == DhcpState::rebooting || state_ == DhcpState::confirming ||
                      state_ == DhcpState::renewing || state_ == DhcpState::rebinding;
  if (!asking) return DhcpCounter::drop_unexpected;
  if (message.header.transaction != transaction_) return DhcpCounter::drop_foreign_transaction;
  return std::nullopt;
}

void DhcpClient::dispatch(const wire::dhcp::Message& message, Time now) {
  const bool selecting = state_ == DhcpState::selecting;
  switch (message.header.type) {
    case Type::offer: return selecting ? on_offer(message, now) : drop(DhcpCounter::drop_unexpected);
    case Type::ack: return selecting ? drop(DhcpCounter::drop_unexpected) : on_ack(message);
    case Type::nak: return selecting ? drop(DhcpCounter::drop_unexpected) : on_nak(message, now);
    default: return drop(DhcpCounter::drop_unexpected);
  }
}

// The first offer is taken; only if we had asked for an address and this is another one, it waits a moment for a
// better.
void DhcpClient::on_offer(const wire::dhcp::Message& message, Time now) {
  auto offer = read_lease(message, now, 0);
  if (!offer) return drop(DhcpCounter::drop_unusable);
  counters_.add(DhcpCounter::offers_in);
  const bool as_wished = !wish_ || offer->address.address == *wish_;
  if (!as_wished && offer_) return;
  if (!offer_) deadline_ = std::min(deadline_, now + kOfferWait);
  offer_ = std::move(*offer);
  if (as_wished) request(now);
}

bool DhcpClient::is_awaited(const IpAddress& server) const noexcept {
  const bool chosen = state_ == DhcpState::requesting || state_ == DhcpState::renewing;
  return !chosen || server == lease_.server;
}

// A lease that was not checked yet is probed; one that is prolonged is in use already.
void DhcpClient::on_ack(const wire::dhcp::Message& message) {
  auto lease = read_lease(message, asked_, early());
  if (!lease) return drop(DhcpCounter::drop_unusable);
  if (!is_awaited(lease->server)) return drop(DhcpCounter::drop_foreign_server);
  const IpAddress asked_for = state_ == DhcpState::rebooting ? *wish_ : lease_.address.address;
  if (lease->address.address != asked_for) return drop(DhcpCounter::drop_unusable);
  counters_.add(DhcpCounter::acks_in);
  if (holds_address())
    bind(std::move(*lease));
  else
    probe(std::move(*lease));
}

// RFC 2131 3.1 step 5, 3.2 step 3, 4.4.5.
void DhcpClient::on_nak(const wire::dhcp::Message& message, Time now) {
  const auto server = message.options.address(Option::server_identifier);
  if (!server) return drop(DhcpCounter::drop_unusable);
  if (!is_awaited(*server)) return drop(DhcpCounter::drop_foreign_server);
  counters_.add(DhcpCounter::naks_in);
  lose(DhcpLost::Reason::refused);
  wish_.reset();
  restart(next_pause(), now);
}

std::optional<DhcpAction> DhcpClient::poll() {
  if (outgoing_) return *std::exchange(outgoing_, std::nullopt);
  if (lost_) return *std::exchange(lost_, std::nullopt);
  if (std::exchange(probe_due_, false)) return DhcpProbe{lease_.address.address};
  if (!std::exchange(lease_due_, false)) return std::nullopt;
  told_ = true;
  return lease_;
}

}  // namespace sluice::host
