// Fast Open's cookies and cache, and the steps of a connection that opens so (RFC 7413 4).
#include "stack/tcp/fast_open.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "stack/base/bytes.hpp"
#include "stack/tcp/connection.hpp"
#include "stack/tcp/layer.hpp"

namespace sluice::tcp {
namespace {

constexpr std::uint8_t kCookieSize = 8;
// 2^10 times the first period: no server is avoided for much longer than half a day.
constexpr std::uint8_t kMostDoublings = 10;

// Text that fits into a SYN: one segment without the room that options may take, and it must not be cut on the way.
std::size_t syn_room(const ip::Layer& ip, const IpAddress& server, std::size_t mss) noexcept {
  constexpr std::size_t kOptions = wire::tcp::kMaximumHeader - wire::tcp::kMinimumHeader;
  const std::size_t path = ip.path_mtu(server) - ip::header_size(server.family()) - wire::tcp::kMinimumHeader;
  const std::size_t segment = std::min(path, mss);
  return segment > kOptions ? segment - kOptions : 0;
}

}  // namespace

// --- the server's cookies ----------------------------------------------------------------------------------------

// The key rotates by the epoch that goes into the hash.
std::uint64_t FastOpenCookies::mark(const IpAddress& client, std::uint64_t epoch) const noexcept {
  std::array<std::uint8_t, 16 + 8> input;
  ByteWriter out(input);
  out.bytes(client.mapped().bytes());
  out.u32(static_cast<std::uint32_t>(epoch >> 32));
  out.u32(static_cast<std::uint32_t>(epoch));
  return hash_(input);
}

wire::tcp::FastOpen FastOpenCookies::make(const IpAddress& client, bool experimental, Time now) const noexcept {
  wire::tcp::FastOpen made{.present = true, .experimental = experimental, .size = kCookieSize, .cookie = {}};
  const std::uint64_t value = mark(client, epoch(now));
  ByteWriter out(MutableBytes(made.cookie).first(kCookieSize));
  out.u32(static_cast<std::uint32_t>(value >> 32));
  out.u32(static_cast<std::uint32_t>(value));
  return made;
}

FastOpenCookies::Verdict FastOpenCookies::judge(const wire::tcp::FastOpen& shown, const IpAddress& client,
                                                Time now) const noexcept {
  if (shown.size != kCookieSize) return Verdict::bad;
  ByteReader in(Bytes(shown.cookie).first(kCookieSize));
  const std::uint64_t high = in.u32();
  const std::uint64_t value = high << 32 | in.u32();
  if (value == mark(client, epoch(now))) return Verdict::good;
  return value == mark(client, epoch(now) - 1) ? Verdict::old : Verdict::bad;
}

// --- the client's memory -----------------------------------------------------------------------------------------

const FastOpenCache::Entry* FastOpenCache::find(const IpAddress& server, Time now) noexcept {
  const auto found = entries_.find(server);
  if (found == entries_.end()) return nullptr;
  found->second.used_at = now;
  return &found->second;
}

FastOpenCache::Entry& FastOpenCache::entry(const IpAddress& server, Time now) {
  if (!entries_.contains(server) && entries_.size() >= limit_) drop_oldest();
  Entry& one = entries_[server];
  one.used_at = now;
  return one;
}

void FastOpenCache::drop_oldest() noexcept {
  const auto oldest = std::min_element(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
    return a.second.used_at < b.second.used_at;
  });
  if (oldest != entries_.end()) entries_.erase(oldest);
}

void FastOpenCache::learn(const IpAddress& server, const wire::tcp::FastOpen& cookie, std::uint16_t mss, Time now) {
  Entry& one = entry(server, now);
  one.cookie = cookie;
  one.mss = mss;
}

void FastOpenCache::worked(const IpAddress& server) noexcept {
  const auto found = entries_.find(server);
  if (found == entries_.end()) return;
  found->second.failures = 0;
  found->second.avoid_until = {};
}

void FastOpenCache::failed(const IpAddress& server, Time now) {
  Entry& one = entry(server, now);
  one.avoid_until = now + retry_ * (1 << std::min(one.failures, kMostDoublings));
  if (one.failures < 255) ++one.failures;
}

// --- a client's connection ---------------------------------------------------------------------------------------

// REQUIRES that open_active() comes next.
void Connection::open_fast() {
  cold_->fast_open = std::make_unique<FastOpenState>();
  FastOpenState& fast = *cold_->fast_open;
  const FastOpenCache::Entry* known = env_.fast_open_cache.find(tuple_.remote.address, env_.now);
  if (known && env_.now < known->avoid_until) {
    fast.outcome = FastOpen::avoided;
    return;
  }
  fast.option.present = true;  // without a cookie it asks for one [R7413-4.2.1-1]
  fast.outcome = FastOpen::asked;
  if (!known || known->cookie.size == 0) return;
  fast.option = known->cookie;
  fast.mss = known->mss;
}

// Of what was written so far, what fits into a SYN.
std::uint64_t Connection::syn_text() const noexcept {
  const FastOpenState* fast = cold_->fast_open.get();
  if (!fast || state_ != State::syn_sent || fast->option.size == 0) return 0;
  const std::size_t room =
      syn_room(env_.ip, tuple_.remote.address, std::min<std::size_t>(fast->mss, segment_ceiling()));
  return std::min(room, send_queue_.size());
}

std::size_t Layer::fast_open_room(const IpAddress& server) noexcept {
  const FastOpenCache::Entry* known = env_.fast_open_cache.find(server, env_.now);
  const bool usable = known && known->cookie.size > 0 && env_.now >= known->avoid_until;
  return usable ? syn_room(env_.ip, server, known->mss) : 0;
}

// The SYN with this option was not answered in time: perhaps something on the way doesn't like it [R7413-4.2.2-3].
void Connection::fast_open_timed_out() {
  FastOpenState* fast = cold_->fast_open.get();
  if (!fast || passive_ || !fast->option.present) return;
  env_.count(Counter::fast_open_fallbacks);
  env_.fast_open_cache.failed(tuple_.remote.address, env_.now);
  fast->option = {};
  fast->outcome = FastOpen::timed_out;
}

// RFC 7413 4.2.1 and 4.2.2: what SYN,ACK says of our cookie, or brings. REQUIRES an acceptable ACK.
void Connection::fast_open_answered(const Segment& segment) {
  FastOpenState* fast = cold_->fast_open.get();
  if (!fast) return;
  const bool carried_text = snd_.nxt > snd_.iss + 1;
  const bool taken = segment.ack > snd_.iss + 1;
  const bool still_open = fast->outcome == FastOpen::asked;
  const wire::tcp::FastOpen& answer = segment.header.options.fast_open;
  const bool cookie = answer.present && answer.size > 0;
  if (cookie && fast->outcome != FastOpen::avoided)
    env_.fast_open_cache.learn(tuple_.remote.address, answer, snd_.peer_mss, env_.now);
  else if (still_open && fast->option.size == 0)
    env_.fast_open_cache.failed(tuple_.remote.address, env_.now);  // [R7413-4.1.3-2]
  if (taken) env_.fast_open_cache.worked(tuple_.remote.address);
  if (taken)
    fast->outcome = FastOpen::accepted;
  else if (still_open)
    fast->outcome = carried_text ? FastOpen::refused : cookie ? FastOpen::answered : FastOpen::unanswered;
  take_back_syn_text(segment.ack);
  cold_->bytes_acked += segment.ack - (snd_.iss + 1);
  send_queue_.release_before(segment.ack);
}

// Text on our SYN that the peer did not take goes again as if it had never left. It was in no sent log.
void Connection::take_back_syn_text(Seq ack) noexcept {
  if (cold_->fast_open && !passive_) snd_.nxt = ack;
}

// --- a server's connection ---------------------------------------------------------------------------------------

// REQUIRES that the SYN comes next.
void Connection::reply_fast_open(const wire::tcp::FastOpen& cookie) {
  if (!cold_->fast_open) cold_->fast_open = std::make_unique<FastOpenState>();
  cold_->fast_open->option = cookie;
  env_.count(Counter::fast_open_cookies_sent);
}

void Connection::accept_fast_open(SlotId listener) {
  if (!cold_->fast_open) cold_->fast_open = std::make_unique<FastOpenState>();
  cold_->fast_open->takes_text = true;
  cold_->fast_open->listener = listener;
}

// The text of a SYN with a good cookie is delivered at once, and acknowledged with the SYN [R7413-4.2.2-2]. A FIN is
// not taken here: it comes again, when the states know what to do with it.
void Connection::take_syn_text(Segment& segment) {
  FastOpenState* fast = cold_->fast_open.get();
  if (!fast || !fast->takes_text) return;
  segment.remove_syn();
  segment.trim_text_to(std::min<std::uint64_t>(segment.text_size, rcv_.wnd()));
  rcv_.largest = std::max(rcv_.largest, segment.segment_size());
  const auto taken =
      receive_queue_.take(segment.seq, segment.packet.part(segment.text_offset, segment.text_size), rcv_.nxt);
  if (taken != ReceiveQueue::Taken::in_order) {  // no memory: an ordinary handshake, and it comes again
    fast->takes_text = false;
    return env_.count(Counter::drop_memory);
  }
  fast->outcome = FastOpen::accepted;
  env_.count(Counter::fast_open_accepted);
  start_congestion(false);  // what is written before the handshake ends keeps to the initial window [R7413-4.2.2-5]
  signal(Readiness::readable | Readiness::writable);
}

}  // namespace sluice::tcp
