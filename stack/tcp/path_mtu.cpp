// How large a packet may be: what routers tell (RFC 1191, RFC 8201) as far as it can be true (RFC 5927 7.2), what
// stops arriving, and what probes find (RFC 8899).
#include <algorithm>

#include "stack/ip/path_mtu.hpp"
#include "stack/tcp/connection.hpp"

namespace sluice::tcp {
namespace {

// RFC 4821 7.6.2: a lost probe is followed by a pause as long as the usual distance between losses, in these bounds.
constexpr Duration kShortestPause = std::chrono::seconds(1);
constexpr Duration kLongestPause = std::chrono::seconds(15);
// Segments that have to leave behind a probe, so that its loss is noticed by what they bring back.
constexpr std::uint64_t kBehindProbe = 3;

}  // namespace

// RFC 9293 3.7.1 without the options: min(SendMSS + 20, MMS_S) - 20 [9293 MUST-16], and what the search has found.
void Connection::refresh_mss() noexcept {
  const std::size_t path = env_.ip.path_mtu(tuple_.remote.address, tuple_.local.address);
  const Plpmtud* const search = cold_->plpmtud.get();
  const std::size_t packet = std::min(largest_packet(), search ? search->size() : path);
  cold_->fragmentable = env_.ip.below_floor(tuple_.remote.address) || (search && search->fragments());
  cold_->path_aged_at =
      path < env_.ip.interface_mtu(tuple_.local.address) ? env_.now + ip::PathMtuCache::kLifetime : kNever;
  const auto mss = static_cast<std::uint32_t>(packet - fixed_headers());
  if (mss == mss_) return;
  if (cwnd() > 0) controller();  // begins with the old one
  mss_ = mss;
  if (congestion_) congestion_->on_mss(effective_mss());
}

// What interface, routers, the peer's MSS and the application allow.
std::size_t Connection::largest_packet() const noexcept {
  const std::size_t peer = std::max<std::size_t>(snd_.peer_mss, env_.config.minimum_send_mss);
  const std::size_t offered = std::min(peer, segment_ceiling());
  return std::min(env_.ip.path_mtu(tuple_.remote.address, tuple_.local.address), offered + fixed_headers());
}

// --- packet too big ----------------------------------------------------------------------------------------------

// The quote is of something in flight [R8201-4-5] [R8899-3-3]. Yet whoever guessed that shall not narrow a path on
// which larger packets arrive: then the claim waits for the retransmission timer (RFC 5927 7.2) [A-TCP-10].
void Connection::packet_too_big(const ip::IcmpError& error, Seq quoted) {
  PathEvidence& evidence = cold_->evidence;
  const bool v4 = tuple_.remote.address.is_v4();
  std::size_t mtu = error.mtu;
  if (v4 && mtu == 0) mtu = ip::plateau_below(evidence.largest_sent());                     // [R1191-3-5]
  if (!v4 && mtu < ip::PathMtuCache::kMinimumV6) return env_.count(Counter::icmp_ignored);  // [R8201-4-1]
  Plpmtud* const search = cold_->plpmtud.get();
  if (search && search->probing() && quoted < search->probe_end() && mtu >= search->size()) {
    env_.ip.lower_path_mtu(tuple_.remote.address, mtu, 0, env_.now);
    search->on_too_big(mtu, env_.now, rtt_.srtt());
    evidence.on_narrowed(static_cast<std::uint32_t>(search->size()));
    recovery_->lose_probe();
    return request_output();
  }
  switch (evidence.judge(static_cast<std::uint32_t>(mtu))) {
    case PathEvidence::Verdict::refuse: return env_.count(Counter::icmp_ignored);
    case PathEvidence::Verdict::doubt:
      evidence.keep_claim(static_cast<std::uint32_t>(mtu), quoted);
      return env_.count(Counter::path_mtu_doubts);
    case PathEvidence::Verdict::believe: return narrow_path(mtu);
  }
}

// RFC 1191 6.4: what was too big goes again in smaller segments, once, and that is no sign of congestion [R8201-5.4-2].
void Connection::narrow_path(std::size_t mtu) {
  const bool fragmented = cold_->fragmentable;
  env_.ip.lower_path_mtu(tuple_.remote.address, mtu, 0, env_.now);
  refresh_mss();
  const auto packet = static_cast<std::uint32_t>(mss_ + fixed_headers());
  if (packet >= cold_->evidence.largest_sent() && fragmented == cold_->fragmentable)
    return env_.count(Counter::icmp_ignored);
  env_.count(Counter::path_mtu_changes);
  env_.narrowed = tuple_.remote.address;
  cold_->evidence.on_narrowed(packet);
  if (cold_->plpmtud) cold_->plpmtud->forget_probe();
  if (recovery_ && outstanding() > 0) recovery_->on_refused();
  request_output();
}

// The retransmission timer fired. If a claim waits, it explains why: then this was no congestion [R5927-7.2-1].
bool Connection::honour_claim() {
  const std::uint32_t mtu = cold_->evidence.take_claim();
  if (mtu == 0) return false;
  const std::uint32_t before = mss_;
  narrow_path(mtu);
  return mss_ < before;
}

// --- without ICMP ------------------------------------------------------------------------------------------------

void Connection::begin_mtu_search() {
  if (cold_->options.path_mtu_probing != PathMtuProbing::always || !sack_) return;
  cold_->plpmtud = std::make_unique<Plpmtud>(tuple_.remote.address.family(), largest_packet());
  refresh_mss();
}

// RFC 8899 4.3, RFC 4821 7.7: R1 retransmissions of a full-sized segment brought nothing, so it may be its size. Then
// each second timeout makes packets smaller still.
void Connection::leave_black_hole() {
  const bool due = timeouts_ > env_.config.r1 && (timeouts_ - env_.config.r1) % 2 == 1;
  if (!due || cold_->options.path_mtu_probing == PathMtuProbing::off || outstanding() < effective_mss()) return;
  const std::uint32_t before = mss_;
  if (cold_->plpmtud) {
    cold_->plpmtud->on_black_hole(env_.now);
  } else {
    const std::size_t packet = mss_ + fixed_headers();
    auto search = std::make_unique<Plpmtud>(tuple_.remote.address.family(), packet);
    if (search->size() >= packet) return;  // no larger than the base: it is something else
    cold_->plpmtud = std::move(search);
  }
  refresh_mss();
  if (mss_ >= before) return;
  env_.count(Counter::path_mtu_black_holes);
  cold_->evidence.on_narrowed(static_cast<std::uint32_t>(mss_ + fixed_headers()));
  recovery_->watch_probe({});
  recovery_->on_refused();
}

// RFC 8899 5.3: a probe is text like any other in a larger packet. There must be as much behind it that its loss shows,
// and when it needs more of the congestion window than one ACK frees, new text waits for that.
Connection::ProbeTurn Connection::plan_mtu_probe(Plan& plan) noexcept {
  Plpmtud* const search = cold_->plpmtud.get();
  if (!search || !sack_ || unsent() == 0 || sack_blocks() > 0) return ProbeTurn::none;
  if (recovery_ && (recovery_->in_recovery() || recovery_->lost_bytes() > 0)) return ProbeTurn::none;
  const std::size_t size = search->wanted(largest_packet(), env_.now);
  if (size == 0) return ProbeTurn::none;
  const std::uint64_t mss = segment_text_limit();
  const std::uint64_t text = size - fixed_headers() - (mss_ - mss);
  const std::uint64_t reserve = text + kBehindProbe * mss;
  const bool enough = unsent() >= reserve && snd_.nxt + reserve <= snd_.edge() && cwnd() >= reserve;
  if (!enough) return ProbeTurn::none;
  if (cwnd_room() < text) return ProbeTurn::wait;
  plan = Plan{.reason = SendReason::mtu_probe, .seq = snd_.nxt, .text = text, .mtu_probe = size};
  return ProbeTurn::now;
}

// What became of the probe. The bytes of cwnd stay what they are [R8899-3-7] [R4821-4-2].
void Connection::follow_mtu_probe() noexcept {
  Plpmtud* const search = cold_->plpmtud.get();
  if (!search || !search->probing()) return;
  if (recovery_->probe_lost()) {
    const Duration a_window = rtt_.srtt() * static_cast<Duration::rep>(cwnd() / effective_mss());
    search->on_lost(env_.now, std::clamp(a_window, kShortestPause, kLongestPause));
    cold_->evidence.on_narrowed(static_cast<std::uint32_t>(search->size()));
    env_.count(Counter::mtu_probes_lost);
  } else if (snd_.una >= search->probe_end()) {
    search->on_arrived(env_.now, rtt_.srtt());
    env_.count(Counter::path_mtu_changes);
    refresh_mss();
  } else {
    return;
  }
  recovery_->watch_probe({});
}

}  // namespace sluice::tcp
