// Explicit Congestion Notification in the life of a connection: the handshake (RFC 3168 6.1.1, RFC 9768 3.1), arriving
// marks (6.1.3; 3.2), and the answer to marks that the peer tells of (6.1.2).
#include "stack/tcp/ecn.hpp"

#include <utility>

#include "stack/tcp/connection.hpp"

namespace sluice::tcp {

std::string_view name(EcnMode mode) noexcept {
  switch (mode) {
    case EcnMode::off: return "off";
    case EcnMode::classic: return "classic";
    case EcnMode::accurate: return "accurate";
  }
  return "";
}

// --- the handshake -----------------------------------------------------------------------------------------------

void Connection::ask_for_ecn() {
  const Options& options = cold_->options;
  if (options.ecn != EcnPolicy::active) return;
  cold_->ecn = std::make_unique<EcnState>();
  cold_->ecn->asked = options.accurate_ecn ? EcnMode::accurate : EcnMode::classic;
}

// What our SYN or SYN,ACK says. A SYN that was lost goes without ECN, as it may be ECN that the path refuses
// [R3168-6.1.1-6]; AccECN gets a second try before that [9768 3.1.4.1, 3.2.3.2.2].
std::uint8_t Connection::syn_ecn_bits() const noexcept {
  const EcnState* ecn = cold_->ecn.get();
  if (!ecn) return ecn_bits::kNone;
  const bool accurate_again = backoff_ <= 1;
  if (state_ == State::syn_sent) {  // [R3168-6.1.1-1]
    if (ecn->asked == EcnMode::classic) return backoff_ == 0 ? ecn_bits::kClassicRequest : ecn_bits::kNone;
    return accurate_again ? ecn_bits::kAccurateRequest : ecn_bits::kNone;
  }
  if (ecn->mode == EcnMode::classic) return ecn_bits::kClassicAnswer;
  return accurate_again ? handshake_code(ecn->arrived) : ecn_bits::kNone;
}

// Passive OPEN, or a SYN that crossed ours; a SYN of ours that did not ask can't agree any more [R3168-6.1.1-2].
void Connection::answer_ecn(const Segment& syn) {
  const Options& options = cold_->options;
  const bool crossed = state_ == State::syn_sent;
  const bool may_agree = crossed ? cold_->ecn && !cold_->ecn->plain_syn : options.ecn != EcnPolicy::off;
  const std::uint8_t bits = syn.header.ace();
  EcnMode mode = EcnMode::off;
  if (!may_agree || bits == ecn_bits::kNone)
    mode = EcnMode::off;
  else if (!options.accurate_ecn || bits == ecn_bits::kClassicRequest)
    mode = (bits & 3) == ecn_bits::kClassicRequest ? EcnMode::classic : EcnMode::off;
  else
    mode = EcnMode::accurate;  // whatever a later standard may mean by the other combinations [9768 3.1.3]
  cold_->ecn.reset();
  if (mode == EcnMode::off) return;
  cold_->ecn = std::make_unique<EcnState>();
  cold_->ecn->mode = mode;
  cold_->ecn->arrived = syn.ecn;
}

// The peer's SYN again, in SYN-RECEIVED. The mode stays; false: the SYN asks for the other kind, and nobody could tell
// which of the two the peer will believe in [9768 3.1.5].
bool Connection::repeat_ecn(const Segment& syn) noexcept {
  EcnState* ecn = cold_->ecn.get();
  if (!ecn) return true;
  const std::uint8_t bits = syn.header.ace();
  const bool accurate = bits != ecn_bits::kNone && bits != ecn_bits::kClassicRequest;
  if (ecn->mode == EcnMode::classic && accurate && cold_->options.accurate_ecn) return false;
  if (ecn->mode == EcnMode::accurate && bits == ecn_bits::kClassicRequest) return false;
  if ((bits & 3) != ecn_bits::kClassicRequest && !accurate) ecn->ect = false;
  ecn->arrived = syn.ecn;
  ecn->syn_repeated = true;
  return true;
}

// Our SYN was answered. A peer that echoes what it got, flags and all, knows nothing of ECN [R3168-6.1.1-5].
void Connection::conclude_ecn(const Segment& syn_ack) {
  EcnState* ecn = cold_->ecn.get();
  if (!ecn) return;
  const std::uint8_t bits = syn_ack.header.ace();
  if (ecn->asked == EcnMode::classic)
    ecn->mode = (bits & 3) == ecn_bits::kClassicAnswer ? EcnMode::classic : EcnMode::off;
  else if (bits == ecn_bits::kClassicAnswer)
    ecn->mode = EcnMode::classic;
  else if (bits != ecn_bits::kNone && bits != ecn_bits::kAccurateRequest)
    ecn->mode = EcnMode::accurate;
  if (ecn->mode == EcnMode::off) return cold_->ecn.reset();
  ecn->client = true;
  ecn->arrived = syn_ack.ecn;
  begin_ecn();
  if (ecn->mode == EcnMode::classic) {
    if (ecn->plain_syn) ecn->ect = false;
    return;
  }
  ecn->first_text_option = true;
  if (syn_ack.ecn == Ecn::ce) ecn->received.take_marked_syn_ack();
  ecn->told.check_first(syn_ack.header.options.accurate_ecn);
  hear_of_handshake(bits);
}

// Agreed on both sides: marks count from here.
void Connection::begin_ecn() noexcept {
  EcnState* ecn = cold_->ecn.get();
  if (!ecn) return;
  ecn->point = snd_.iss;
  env_.count(ecn->mode == EcnMode::classic ? Counter::ecn_negotiated : Counter::accurate_negotiated);
}

// The ACK that establishes a connection which the peer opened: its bits are no counter yet [9768 3.2.2.1].
void Connection::take_third_ack(const Segment& ack) noexcept {
  EcnState* ecn = cold_->ecn.get();
  if (!ecn) return;
  begin_ecn();
  const bool pure = ack.length() == 0 && ack.header.options.sack_count == 0;
  if (ecn->mode != EcnMode::accurate || !pure) return;
  const std::uint8_t code = ack.header.ace();
  ecn->told.check_first(ack.header.options.accurate_ecn);
  ecn->heard_first = ecn->third_ack = true;
  if (code == 0) return stop_believing();
  if (code == handshake_code(Ecn::ce)) ecn->told.syn_ack_was_marked();
  hear_of_handshake(code);
}

// Our SYN and SYN,ACK leave as not ECT, so a mark that they arrived with was put on by somebody who must not
// [9768 3.2.2.3]. CE is answered all the same.
void Connection::hear_of_handshake(std::uint8_t code) noexcept {
  const bool tampered =
      code == handshake_code(Ecn::ect0) || code == handshake_code(Ecn::ect1) || code == handshake_code(Ecn::ce);
  if (!tampered) return;
  stop_sending_ect();
  if (code == handshake_code(Ecn::ce)) reduce_for_mark(cwnd());
}

void Connection::stop_sending_ect() noexcept {
  if (cold_->ecn->ect) env_.count(Counter::ecn_distrusted);
  cold_->ecn->ect = false;
}

// The peer's feedback is cleared on the way or was never there; what arrives here is told all the same.
void Connection::stop_believing() noexcept {
  stop_sending_ect();
  cold_->ecn->deaf = true;
}

// A RST may be what a middlebox thinks of ECN: one more SYN goes without [R3168-6.1.1-6].
bool Connection::retry_without_ecn() noexcept {
  if (!cold_->ecn || cold_->ecn->plain_syn) return false;
  cold_->ecn.reset();
  env_.count(Counter::ecn_fallbacks);
  syn_due_ = true;
  arm(Timer::retransmit, env_.now + rtt_.rto(backoff_));
  request_output();
  return true;
}

// --- marks that arrive -------------------------------------------------------------------------------------------

// Of an acceptable segment [R3168-6.1.5-2]. True: an ACK must leave now.
bool Connection::note_mark(const Segment& segment) noexcept {
  EcnState& ecn = *cold_->ecn;
  ecn.third_ack = false;
  const bool ce = segment.ecn == Ecn::ce;
  if (ecn.mode == EcnMode::classic) {
    if (segment.text_size == 0) return false;
    if (segment.has(flag::cwr)) ecn.echo = false;
    if (ce) ecn.echo = true;  // [R3168-6.1.3-1]
  } else {
    check_first_counter(segment);
  }
  if (ce) {
    ecn.ce_received += segment.packets();
    env_.count(Counter::ce_received, segment.packets());
  }
  if (ecn.mode == EcnMode::classic) return false;
  const bool unacknowledged = unacked_text_ > 0 || segment.text_size > 0;
  return ecn.received.take(segment.ecn, segment.packets(), segment.text_size, unacknowledged);
}

// The first counter after the handshake: zero is nobody's honest beginning [9768 3.2.2.4].
void Connection::check_first_counter(const Segment& segment) noexcept {
  if (std::exchange(cold_->ecn->heard_first, true)) return;
  if (segment.header.ace() == 0) stop_believing();
}

// A SYN,ACK after the one that established us: the peer has not heard what that one came with [9768 3.2.2.1].
bool Connection::repeats_accurate_syn_ack(const Segment& segment) noexcept {
  EcnState* ecn = cold_->ecn.get();
  const bool repeats = ecn && ecn->mode == EcnMode::accurate && ecn->client && segment.has(flag::syn) &&
                       segment.has(flag::ack) && segment.seq == rcv_.irs;
  const std::uint8_t bits = segment.header.ace();
  if (!repeats || bits == ecn_bits::kNone || bits == ecn_bits::kClassicAnswer) return false;
  ecn->arrived = segment.ecn;
  if (segment.ecn == Ecn::ce) ecn->received.take_marked_syn_ack();
  return true;
}

// --- marks that the peer tells of --------------------------------------------------------------------------------

// True: congestion that a window of one segment can't answer by getting smaller [R3168-6.1.2-3].
bool Connection::hear_of_marks(const Segment& segment, RecoveryFacts& facts) noexcept {
  EcnState& ecn = *cold_->ecn;
  congestion::AckSample& sample = facts.sample;
  bool marked = false;
  if (ecn.mode == EcnMode::accurate) check_first_counter(segment);
  if (ecn.mode == EcnMode::classic) {
    marked = segment.has(flag::ece);
    if (marked) sample.marked = sample.newly_delivered;
  } else if (!ecn.deaf && !ecn.third_ack &&
             sample.newly_delivered > 0) {  // else an earlier ACK may have said more [9768 3.2.2.2]
    const AccurateEcnSender::Heard heard = ecn.told.hear(segment.header.ace(), segment.header.options.accurate_ecn,
                                                         sample.newly_delivered, effective_mss());
    if (heard.contradiction) stop_sending_ect();  // [9768 3.2.3.2.5]
    sample.marked = heard.marked;
    marked = heard.marked > 0;
  }
  if (!marked || cwnd() == 0) return false;
  const bool smallest = cwnd() <= effective_mss();
  // Once a window, whether by marks or by losses [R3168-6.1.2-1] [A-TCP-35].
  const bool again = facts.congestion_event || recovery_->in_recovery() || segment.ack <= ecn.point;
  if (!again) reduce_for_mark(sample.in_flight_before);
  return smallest;
}

// R3168-5-1: a mark is answered as one lost packet would be; how much that is, the controller knows.
void Connection::reduce_for_mark(std::uint64_t flight) noexcept {
  const std::uint64_t before = cwnd();
  env_.count(Counter::ecn_reductions);
  ++cold_->ecn->reductions;
  controller().on_ecn(env_.now, flight);
  if (recovery_) recovery_->keep_reduction();
  note_reduction();
  cold_->ecn->reduced_by_mark = cwnd() <= before - before / 10;
}

// For whatever reason: the peer hears of it with the next new text [R3168-6.1.2-4].
void Connection::note_reduction() noexcept {
  EcnState* ecn = cold_->ecn.get();
  if (!ecn) return;
  ecn->point = snd_.nxt;
  ecn->cwr_due = ecn->mode == EcnMode::classic;
  ecn->reduced_by_mark = false;
}

// Recovery found a loss in the window that was halved for a mark already: one answer is enough (RFC 3168 6.1.2). A
// retransmission that is lost again finds nothing to excuse it.
bool Connection::answered_by_mark() noexcept {
  EcnState* ecn = cold_->ecn.get();
  if (ecn && ecn->reduced_by_mark && snd_.una < ecn->point) {
    ecn->reduced_by_mark = false;
    return true;
  }
  note_reduction();
  return false;
}

// Another ACK that says the same doesn't make the wait longer.
void Connection::wait_for_timer() noexcept {
  if (std::exchange(cold_->ecn->held, true)) return;
  arm(Timer::retransmit, env_.now + rtt_.rto(backoff_));
}

// The timer has paced the window of one segment. True: nothing was out, so there is nothing to send again.
bool Connection::release_held() noexcept {
  if (!held_for_timer()) return false;
  cold_->ecn->held = false;
  request_output();
  return outstanding() == 0;
}

// --- what leaves -------------------------------------------------------------------------------------------------

// Only text that leaves for the first time [R3168-6.1.1-3, R3168-6.1.1-4, R3168-6.1.4-1, R3168-6.1.5-1, R3168-6.1.6-1];
// ECT(0) [R3168-5-2].
Ecn Connection::mark_of(const Plan& plan) const noexcept {
  const EcnState* ecn = cold_->ecn.get();
  const bool new_text = plan.text > 0 && !plan.syn && !plan.resend && !plan.probe;
  return ecn && ecn->ect && new_text ? Ecn::ect0 : Ecn::not_ect;
}

void Connection::add_ecn(const Plan& plan, wire::tcp::Header& header) const noexcept {
  const EcnState& ecn = *cold_->ecn;
  if (plan.syn) {
    header.set_ace(syn_ecn_bits());
    const bool tries_option = state_ != State::syn_sent && ecn.mode == EcnMode::accurate && backoff_ == 0;
    const wire::tcp::AccurateEcn option = ecn.received.whole_option();
    const bool fits = wire::tcp::written_size(header.options) + option.padded_size() <= wire::tcp::kMaximumHeader;
    if (tries_option && fits && !ecn.syn_repeated) header.options.accurate_ecn = option;
    return;
  }
  if (ecn.mode == EcnMode::classic) {
    const bool new_text = plan.text > 0 && !plan.resend && !plan.probe;
    header.set_ace((ecn.echo ? 1u : 0u) | (ecn.cwr_due && new_text ? 2u : 0u));
    return;
  }
  const bool ends_handshake = ecn.client && plan.reason == SendReason::handshake_ack && plan.text == 0;
  header.set_ace(ends_handshake ? handshake_code(ecn.arrived) : ecn.received.ace());
  if (ends_handshake) header.options.sack_count = 0;
  if (!plan.resend) header.options.accurate_ecn = ecn_option();
}

// What the next segment carries: SACK blocks go first, if there would be room for less than two (RFC 9768 3.2.3.3).
wire::tcp::AccurateEcn Connection::ecn_option() const noexcept {
  const EcnState* ecn = cold_->ecn.get();
  if (!ecn || ecn->mode != EcnMode::accurate) return {};
  const bool tries_path =
      ecn->client && (ack_due_ == SendReason::handshake_ack || (ecn->first_text_option && unsent() > 0));
  if (!tries_path && !ecn->received.option_due()) return {};
  const wire::tcp::AccurateEcn option = tries_path ? ecn->received.whole_option() : ecn->received.option();
  const std::size_t two_blocks = sack_ && blocks_to_tell() >= 2 ? 4 + 2 * 8 : 0;
  const std::size_t room = wire::tcp::kMaximumHeader - wire::tcp::kMinimumHeader - (ts_.on ? 12 : 0);
  return option.padded_size() + two_blocks <= room ? option : wire::tcp::AccurateEcn{};
}

void Connection::ecn_departed(const Plan& plan, const wire::tcp::Header& header) noexcept {
  EcnState& ecn = *cold_->ecn;
  const bool plain = header.ace() == ecn_bits::kNone;
  if (plan.syn) {
    if (!plain) return;
    if (!ecn.plain_syn) env_.count(Counter::ecn_fallbacks);
    ecn.plain_syn = true;
    if (state_ != State::syn_sent) ecn.ect = false;  // it may be all that the peer hears of us [9768 3.1.5]
    return;
  }
  if (ecn.mode == EcnMode::classic) {
    if (header.has(flag::cwr)) ecn.cwr_due = false;
    return;
  }
  ecn.received.on_ack_sent(header.options.accurate_ecn.kind != 0);
  if (plan.text > 0) ecn.first_text_option = false;
}

// A device that cuts clears CWR behind the first piece, and so must not get an ACE that has it (RFC 9768 3.3.4).
bool Connection::ecn_forbids_cutting() const noexcept {
  const EcnState* ecn = cold_->ecn.get();
  return ecn && ecn->mode == EcnMode::accurate && (ecn->received.ace() & 2) != 0;
}

}  // namespace sluice::tcp
