// From a datagram to whoever deals with it: a connection, a TIME-WAIT record, a half-open one, a listener, or nobody.
#include <algorithm>
#include <array>

#include "stack/tcp/connection.hpp"
#include "stack/tcp/layer.hpp"
#include "stack/wire/pseudo_header.hpp"

namespace sluice::tcp {
namespace {

bool checksum_is_good(const ip::Datagram& datagram) noexcept {
  if (datagram.packet.checksum_known_good) return true;
  const Bytes payload = datagram.payload();
  ChecksumSum sum = wire::pseudo_header(datagram.source, datagram.destination,
                                        static_cast<std::uint8_t>(ip::Protocol::tcp), payload.size());
  sum.add(payload);
  return sum.checksum() == 0;
}

constexpr bool later(std::uint32_t a, std::uint32_t b) noexcept { return static_cast<std::int32_t>(a - b) > 0; }

}  // namespace

// What makes a datagram a segment at all; the rest ends in a counter.
bool Layer::parse(ip::Datagram& datagram, Segment& segment) {
  const Bytes payload = datagram.payload();
  segment.tuple = {{datagram.destination, 0}, {datagram.source, 0}};
  const wire::tcp::ParseError error = wire::tcp::parse(payload, segment.header);
  const auto refuse = [&](Counter why) {
    env_.drop(why, segment);
    return false;
  };
  if (error == wire::tcp::ParseError::truncated) return refuse(Counter::drop_truncated);
  if (error == wire::tcp::ParseError::bad_data_offset) return refuse(Counter::drop_bad_data_offset);
  if (!checksum_is_good(datagram)) return refuse(Counter::drop_bad_checksum);  // [9293 MUST-3]
  const bool group = datagram.to_group || datagram.source.is_multicast() || env_.ip.is_broadcast(datagram.source);
  if (group) return refuse(Counter::drop_group_destination);  // [9293 MUST-57, MUST-63]
  if (segment.header.source_port == 0 || segment.header.destination_port == 0) return refuse(Counter::drop_zero_port);
  if (segment.header.malformed_options) env_.count(Counter::malformed_options);
  segment.tuple.local.port = segment.header.destination_port;
  segment.tuple.remote.port = segment.header.source_port;
  segment.text_offset = datagram.header_size + segment.header.size;
  segment.text_size = static_cast<std::uint32_t>(payload.size() - segment.header.size);
  segment.ecn = datagram.ecn;
  segment.packet = std::move(datagram.packet);
  return true;
}

void Layer::receive(ip::Datagram datagram) {
  env_.count(Counter::segments_in, datagram.packet.segment_count);
  Segment segment;
  if (parse(datagram, segment)) dispatch(segment);
  drop_stalled();
}

void Layer::dispatch(Segment& segment) {
  if (Connection* connection = find(segment.tuple)) {
    connection->segment_arrives(segment);
    return settle(*connection);
  }
  if (time_wait_.find(segment.tuple) && arrives_for_time_wait(segment)) return;
  if (half_open_.contains(segment.tuple)) return arrives_for_half_open(segment);
  if (ListenerState* listener = find_listener(segment.tuple.local)) return arrives_for_listener(*listener, segment);
  env_.drop(Counter::drop_no_connection, segment);
  reply_with_reset(env_, segment, SendReason::reset_no_connection);  // 3.10.7.1
}

Connection* Layer::find(const FourTuple& tuple) noexcept {
  if (last_found_ && last_found_->tuple() == tuple) return last_found_;
  Connection* const found = by_tuple_.find(tuple);
  if (found) last_found_ = found;
  return found;
}

// The most specific listener: this address, then any of the family, then a dual-stack one.
ListenerState* Layer::find_listener(const Endpoint& local) noexcept {
  const auto lookup = [this, &local](const IpAddress& address) -> ListenerState* {
    const auto found = listener_by_endpoint_.find({address, local.port});
    return found == listener_by_endpoint_.end() ? nullptr : listeners_.find(found->second);
  };
  if (ListenerState* exact = lookup(local.address)) return exact;
  if (ListenerState* any = lookup(IpAddress::any(local.address.family()))) return any;
  if (!local.address.is_v4()) return nullptr;
  ListenerState* dual = lookup(IpAddress::any(Family::ipv6));
  return dual && dual->options.dual_stack ? dual : nullptr;
}

// --- LISTEN and SYN-RECEIVED -------------------------------------------------------------------------------------

void Layer::arrives_for_listener(ListenerState& listener, Segment& segment) {
  const bool opens = segment.has(flag::syn) && !segment.has(flag::ack) && !segment.has(flag::rst);
  if (opens) return syn_arrives(listener, segment);
  if (cookie_returns(listener, segment)) return;
  for_listener(listener, segment.tuple)->segment_arrives(segment);  // nothing but a RST can come of it
}

void Layer::syn_arrives(ListenerState& listener, Segment& segment) {
  const std::size_t backlog = listener.options.backlog;
  const bool full = listener.half_open >= backlog || half_open_.size() >= env_.config.maximum_half_open;
  const SynCookieUse use = env_.config.syn_cookies;
  const bool cookie = use == SynCookieUse::always || (full && use == SynCookieUse::on);  // [R4987-3.7-1]
  if (listener.ready.size() >= backlog || (full && !cookie)) return env_.drop(Counter::drop_syn_backlog, segment);
  if (at_limit(listener, segment.tuple.remote.address)) return env_.drop(Counter::drop_connection_limit, segment);
  auto connection = for_listener(listener, segment.tuple);
  if (!cookie) consider_fast_open(listener, *connection, segment);
  if (cookie) segment.header.ae = false;
  if (cookie) segment.header.flags = flag::syn;  // what else it offers, as ECN, could not be remembered
  if (cookie && !(segment.header.options.timestamps && env_.config.timestamps)) {
    segment.header.options.sack_permitted = false;  // these a timestamp would carry [R4987-3.6-4]
    segment.header.options.window_scale.reset();
  }
  connection->segment_arrives(segment);
  if (cookie) {
    connection->bake(cookies_);
    flush_to_outbox(*connection);
    listener.cookies_until = env_.now + SynCookies::kLife;
    return env_.count(Counter::syn_cookies_sent);  // and nothing is kept [R4987-3.6-2]
  }
  if (!connection->fast_opened()) return after_half_open_event(std::move(connection), false);
  env_.count(Counter::passive_opens);
  connection->fast_open_pending = true;
  ++listener.fast_open_pending;
  await_accept(std::move(connection));
}

std::unique_ptr<Connection> Layer::for_listener(const ListenerState& listener, const FourTuple& tuple) {
  auto connection = std::make_unique<Connection>(env_, tuple, listener.options.options,
                                                 listener.options.congestion.value_or(env_.config.congestion));
  connection->set_listener(listener.id);
  connection->open_passive();
  return connection;
}

// Asked only while cookies of this listener may be under way [A-TCP-21]. True: the segment is dealt with.
bool Layer::cookie_returns(ListenerState& listener, Segment& segment) {
  const bool completes = segment.has(flag::ack) && !segment.has(flag::syn) && !segment.has(flag::rst);
  if (!completes || env_.now >= listener.cookies_until) return false;
  std::optional<HalfOpen> record = cookies_.open(segment, env_.now);
  if (!record) {
    env_.count(Counter::syn_cookies_failed);
    return false;  // a RST answers it [R4987-3.6-3]
  }
  if (listener.ready.size() >= listener.options.backlog) {
    env_.drop(Counter::drop_accept_backlog, segment);
    return true;
  }
  if (at_limit(listener, segment.tuple.remote.address)) {
    env_.drop(Counter::drop_connection_limit, segment);
    return true;
  }
  record->listener = listener.id;
  record->deadline = env_.now + env_.config.rto_initial;
  auto connection = for_listener(listener, segment.tuple);
  if (record->scaling) record->receive_scale = connection->offered_scale();
  env_.count(Counter::syn_cookies_accepted);
  env_.count(Counter::passive_opens);
  connection = thawed(segment.tuple, *record);
  connection->segment_arrives(segment);
  after_half_open_event(std::move(connection), false);
  return true;
}

// A-TCP-22: what one listener, one peer and all together may hold.
bool Layer::at_limit(const ListenerState& listener, const IpAddress& peer) const noexcept {
  const std::size_t of_listener = listener.options.maximum_connections;
  if (live_ >= env_.config.maximum_connections) return true;
  if (of_listener > 0 && listener.connections >= of_listener) return true;
  if (env_.config.maximum_from_peer == 0) return false;
  const auto found = by_peer_.find(peer);
  return found != by_peer_.end() && found->second >= env_.config.maximum_from_peer;
}

// --- Fast Open (RFC 7413) ----------------------------------------------------------------------------------------

namespace {

// A place that a RST ended stays taken so long: else a thief of cookies would free it himself, in his victim's name
// (RFC 7413 5.1) [A-TCP-39].
constexpr Duration kLockout = std::chrono::seconds(60);

}  // namespace

void Layer::consider_fast_open(ListenerState& listener, Connection& connection, const Segment& segment) {
  using Verdict = FastOpenCookies::Verdict;
  const wire::tcp::FastOpen& shown = segment.header.options.fast_open;
  if (listener.options.fast_open == 0 || !shown.present) return;  // [R7413-4.2-1]
  const IpAddress& client = segment.tuple.remote.address;
  const Verdict verdict = shown.size == 0 ? Verdict::bad : env_.fast_open_cookies.judge(shown, client, env_.now);
  if (verdict != Verdict::good)
    connection.reply_fast_open(env_.fast_open_cookies.make(client, shown.experimental, env_.now));
  if (segment.text_size == 0) return;
  if (verdict == Verdict::bad) return env_.count(Counter::fast_open_bad_cookie);  // [R7413-4.2.2-1]
  Ring<Time>& lockouts = listener.fast_open_lockouts;
  while (!lockouts.empty() && lockouts.front() <= env_.now) lockouts.pop_front();
  if (listener.fast_open_pending + lockouts.size() >= listener.options.fast_open)
    return env_.count(Counter::fast_open_queue_full);  // [R7413-4.2-2]
  connection.accept_fast_open(listener.id);
}

void Layer::leave_fast_open_queue(Connection& connection) noexcept {
  connection.fast_open_pending = false;
  ListenerState* listener = listeners_.find(connection.fast_open()->listener);
  if (!listener) return;
  --listener->fast_open_pending;
  if (connection.fast_open()->reset_by_peer) listener->fast_open_lockouts.push_back(env_.now + kLockout);
}

std::unique_ptr<Connection> Layer::thawed(const FourTuple& tuple, const HalfOpen& record) {
  const ListenerState& listener = *listeners_.find(record.listener);
  auto connection = std::make_unique<Connection>(env_, tuple, listener.options.options,
                                                 listener.options.congestion.value_or(env_.config.congestion));
  connection->thaw(record);
  return connection;
}

void Layer::arrives_for_half_open(Segment& segment) {
  const HalfOpen& record = half_open_.find(segment.tuple)->second;
  const ListenerState& listener = *listeners_.find(record.listener);
  const bool may_complete = segment.has(flag::ack) && !segment.has(flag::rst) && !segment.has(flag::syn);
  // accept() lags behind: the SYN,ACK will go again, and so will the peer's ACK or text.
  if (may_complete && listener.ready.size() >= listener.options.backlog)
    return env_.drop(Counter::drop_accept_backlog, segment);
  if (may_complete && at_limit(listener, segment.tuple.remote.address))
    return env_.drop(Counter::drop_connection_limit, segment);
  auto connection = thawed(segment.tuple, record);
  connection->segment_arrives(segment);
  after_half_open_event(std::move(connection), true);
}

void Layer::after_half_open_event(std::unique_ptr<Connection> connection, bool existed) {
  switch (connection->state()) {
    case State::syn_received: return keep_half_open(*connection, existed);
    case State::listen:
    case State::closed:
      if (existed) forget_half_open(connection->tuple());
      return;
    default:
      if (existed) forget_half_open(connection->tuple());
      return await_accept(std::move(connection));
  }
}

void Layer::keep_half_open(Connection& connection, bool existed) {
  flush_to_outbox(connection);
  const HalfOpen record = connection.freeze_half_open();
  if (!existed) {
    env_.count(Counter::passive_opens);
    ++listeners_.find(record.listener)->half_open;
  }
  HalfOpen& kept = half_open_[connection.tuple()];
  const bool moved = !existed || kept.deadline != record.deadline;
  kept = record;
  if (!moved) return;
  if (half_open_turns_.size() > 2 * half_open_.size() + 64) drop_stale_turns();
  half_open_turns_.push_back({record.deadline, connection.tuple()});
  std::push_heap(half_open_turns_.begin(), half_open_turns_.end(), Turn::later);
}

// SYN and RST in turn leave turns behind that nobody waits for [A-TCP-20].
void Layer::drop_stale_turns() {
  std::erase_if(half_open_turns_, [this](const Turn& turn) {
    const auto found = half_open_.find(turn.tuple);
    return found == half_open_.end() || found->second.deadline != turn.due;
  });
  std::make_heap(half_open_turns_.begin(), half_open_turns_.end(), Turn::later);
}

void Layer::await_accept(std::unique_ptr<Connection> connection) {
  ListenerState& listener = *listeners_.find(connection->listener());
  Connection& adopted = adopt(std::move(connection));
  adopted.set_origin(listener.id);
  ++listener.connections;
  adopted.present_mapped = listener.local.address.is_v6() && adopted.tuple().local.address.is_v4();
  listener.ready.push_back(adopted.id);
  push_event(listener);
  settle(adopted);
}

void Layer::forget_half_open(const FourTuple& tuple) noexcept {
  const auto found = half_open_.find(tuple);
  if (found == half_open_.end()) return;
  if (ListenerState* listener = listeners_.find(found->second.listener)) --listener->half_open;
  half_open_.erase(found);
}

void Layer::half_open_timeouts() {
  while (!half_open_turns_.empty() && half_open_turns_.front().due <= env_.now) {
    std::pop_heap(half_open_turns_.begin(), half_open_turns_.end(), Turn::later);
    const Turn turn = half_open_turns_.back();
    half_open_turns_.pop_back();
    const auto found = half_open_.find(turn.tuple);
    if (found == half_open_.end() || found->second.deadline != turn.due) continue;
    auto connection = thawed(turn.tuple, found->second);
    connection->handle_timeouts();
    after_half_open_event(std::move(connection), true);
  }
}

// Control segments that no connection waits for: if the outbox is full they are lost, and the peer asks again.
void Layer::flush_to_outbox(Connection& connection) {
  SinkOf sink([this](const Frame& frame) noexcept {
    assert(frame.body.empty());
    env_.outbox.push(frame.head);
    return true;
  });
  connection.transmit(sink, 4);
}

// --- TIME-WAIT ---------------------------------------------------------------------------------------------------

// False: the record made way and the segment is a SYN for whoever listens.
bool Layer::arrives_for_time_wait(Segment& segment) {
  const FourTuple tuple = segment.tuple;
  const TimeWait record = *time_wait_.find(tuple);
  if (reopens(record, segment)) {
    env_.count(Counter::time_wait_reused);
    time_wait_.erase(tuple);
    return false;
  }
  Connection connection(env_, tuple, {}, CongestionControl::cubic);
  connection.thaw(record);
  connection.segment_arrives(segment);
  flush_to_outbox(connection);
  time_wait_.insert(tuple, connection.freeze_time_wait());
  return true;
}

// RFC 6191 and RFC 9293 MAY-2: a new SYN that can't be mistaken for an old one may reopen the connection.
bool Layer::reopens(const TimeWait& record, const Segment& segment) const noexcept {
  const bool pure_syn = segment.has(flag::syn) && !segment.has(flag::ack) && !segment.has(flag::rst);
  if (!pure_syn) return false;
  const bool newer_number = !later(record.rcv_nxt, segment.header.seq);  // than the FIN's, the last one seen
  if (!segment.header.options.timestamps) return newer_number;
  if (!record.timestamps) return true;  // [R6191-2-4]
  const std::uint32_t value = segment.header.options.ts_value;
  return later(value, record.ts_recent) || (value == record.ts_recent && newer_number);
}

// --- ICMP --------------------------------------------------------------------------------------------------------

void Layer::icmp_error(const ip::IcmpError& error) {
  ByteReader quote(error.quote());
  const std::uint16_t local_port = quote.u16();
  const std::uint16_t remote_port = quote.u16();
  const WireSeq seq{quote.u32()};
  if (!quote.ok()) return env_.count(Counter::icmp_ignored);
  const FourTuple tuple{{error.local, local_port}, {error.remote, remote_port}};
  if (Connection* connection = find(tuple)) {
    connection->icmp_error(error, seq);
    return settle(*connection);
  }
  const auto half_open = half_open_.find(tuple);
  if (half_open == half_open_.end()) return env_.count(Counter::icmp_ignored);
  auto connection = thawed(tuple, half_open->second);
  connection->icmp_error(error, seq);
  after_half_open_event(std::move(connection), true);
}

}  // namespace sluice::tcp
