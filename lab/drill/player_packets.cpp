// Packets: what arrives is built, what leaves is compared; see player.hpp.
#include <fmt/format.h>

#include <algorithm>

#include "lab/drill/player.hpp"

namespace sluice::lab::drill {
namespace {

using namespace std::chrono_literals;

namespace flag = wire::tcp;

constexpr Duration kLookAhead = 10s;  // when a packet is missing: does it come later?
constexpr std::uint16_t kEndFlags = flag::psh | flag::fin;

// Where the script is silent about options there are none; and a timestamp may be as far off as the packet itself.
PacketLine demanded(PacketLine expected, const PacketLine& actual, Duration tolerance) {
  SegmentLine* segment = expected.segment();
  const SegmentLine* found = actual.segment();
  if (!segment || !found) return expected;
  if (segment->any_options) return expected;
  if (!segment->options) segment->options.emplace();
  for (std::size_t i = 0; i < segment->options->size() && i < found->options->size(); ++i) {
    auto* wanted = std::get_if<option::Timestamps>(&(*segment->options)[i]);
    const auto* got = std::get_if<option::Timestamps>(&(*found->options)[i]);
    if (!wanted || !got || !wanted->value || !got->value) continue;
    const auto apart = static_cast<std::int32_t>(*got->value - *wanted->value);
    if (std::chrono::milliseconds(std::abs(std::int64_t{apart})) <= tolerance) wanted->value = got->value;
  }
  return expected;
}

// Timestamps that are written as "..." stay so.
void leave_stamps_open(const SegmentLine& wanted, SegmentLine& segment) {
  if (!wanted.options || !segment.options) return;
  for (std::size_t i = 0; i < wanted.options->size() && i < segment.options->size(); ++i) {
    const auto* open = std::get_if<option::Timestamps>(&(*wanted.options)[i]);
    auto* stamps = std::get_if<option::Timestamps>(&(*segment.options)[i]);
    if (!open || !stamps) continue;
    if (!open->value) stamps->value.reset();
    if (!open->echo) stamps->echo.reset();
  }
}

/// The packet as a script would write it: what the expected one leaves open stays open.
PacketLine in_style_of(const PacketLine& expected, PacketLine actual) {
  const IpLine all = std::exchange(actual.ip, {});
  if (expected.ip.ecn) actual.ip.ecn = all.ecn;
  if (expected.ip.ttl) actual.ip.ttl = all.ttl;
  if (expected.ip.tos) actual.ip.tos = all.tos;
  if (expected.ip.label) actual.ip.label = all.label;
  SegmentLine* segment = actual.segment();
  if (!segment) return actual;
  const SegmentLine* wanted = expected.segment();
  if (segment->options && segment->options->empty()) segment->options.reset();
  if (!wanted) return actual;
  if (!wanted->window) segment->window.reset();
  if (!wanted->ack && !segment->has(flag::ack)) segment->ack.reset();
  if (wanted->any_options) {
    segment->any_options = true;
    segment->options.reset();
  }
  leave_stamps_open(*wanted, *segment);
  return actual;
}

bool carries_text(const SegmentLine& segment) noexcept {
  return segment.length > 0 && !segment.has(flag::syn) && !segment.has(flag::rst);
}

}  // namespace

// --- arriving ----------------------------------------------------------------------------------------------------

Flow& Player::new_flow() {
  const std::uint16_t port = caller_->listening_port().value_or(settings_.bind_port);
  return flows_.add({stage().local(), port}, {stage().remote(), next_port_++});
}

// A SYN opens a flow of its own when there is none yet, or the script has closed the one before. Everything else
// belongs to the latest flow, unless ports are written.
Flow& Player::flow_for(const PacketLine& packet) {
  const bool udp = std::holds_alternative<UdpLine>(packet.body);
  const ip::Protocol protocol = udp ? ip::Protocol::udp : ip::Protocol::tcp;
  if (packet.ports) {
    const Endpoint local{stage().local(), packet.ports->destination}, remote{stage().remote(), packet.ports->source};
    Flow* found = flows_.find(local, remote);
    return found ? *found : flows_.add(local, remote, protocol);
  }
  if (udp) {
    const auto ends = caller_->datagram_ends();
    const Endpoint local = ends ? ends->first : Endpoint{stage().local(), settings_.bind_port};
    const Endpoint remote = ends ? ends->second : Endpoint{stage().remote(), settings_.connect_port};
    Flow* found = flows_.find(local, remote);
    return found ? *found : flows_.add(local, remote, protocol);
  }
  Flow* current = flows_.current();
  if (!current) return new_flow();
  const SegmentLine* segment = packet.segment();
  const bool opens = segment && segment->has(flag::syn) && !segment->has(flag::ack);
  if (opens && caller_->is_closed(current->local.port, current->remote.port)) return new_flow();
  return *current;
}

void Player::note_in(const PacketLine& packet, const std::vector<std::uint8_t>& bytes) {
  note(Rung::Kind::inbound, to_text(packet));
  if (options_.capture) options_.capture({stage().now(), true, bytes, {}});
}

void Player::arrive(const Step& step, const PacketLine& packet) {
  stage();
  go_to(step);
  Flow& flow = flow_for(packet);
  const SegmentLine* segment = packet.segment();
  if (segment && segment->has(flag::syn)) {
    flow.peer_isn = segment->seq;
    flow.peer_opens_anew = !segment->has(flag::ack);
  }
  const auto bytes = flow.build(packet);
  if (!bytes)
    throw ScriptError(
        step.line, 0,
        "there can be no such packet: options over 40 bytes, or an ICMP message that this version of IP doesn't have");
  note_in(packet, *bytes);
  stage().inject(*bytes, next_arrives_now());
}

bool Player::next_arrives_now() const {
  if (index_ + 1 >= script_.steps.size()) return false;
  const Step& next = script_.steps[index_ + 1];
  const auto* packet = std::get_if<PacketStep>(&next.action);
  return packet && packet->inbound && span_of(next).first <= stage_->now();
}

// --- leaving -----------------------------------------------------------------------------------------------------

void Player::expect(const Step& step, const PacketLine& expected) {
  const Span span = span_of(step);
  stage().run_until(span.last + span.tolerance, [this] { return !stage_->sent.empty(); });
  if (stage_->sent.empty()) fail_missing(expected, span);
  const std::string why = stage_->sent.front().note.reason;
  Seen seen = read_front(expected);
  gather_more(seen, expected, span);
  const bool cut = seen.line.segment() && next_step_continues(step, expected) &&
                   expected.segment()->length < seen.line.segment()->length;
  if (cut) {
    // The script writes as two what left as one.
    stage_->sent.front().matched += expected.segment()->length - seen.dropped;
    seen.line.segment()->length = expected.segment()->length;
    seen.line.segment()->flags &= static_cast<std::uint16_t>(~kEndFlags);
  } else {
    rungs_.push_back({seen.at, Rung::Kind::outbound, to_text(brief(seen.line)), why});
    drop_front();
  }
  const bool anytime = step.when.kind == When::Kind::anytime;
  const bool early = !anytime && seen.at < span.first - span.tolerance;
  const bool late = !anytime && seen.at > span.last + span.tolerance;
  const Duration before = base_;
  base_ = anytime || step.when.is_range() ? seen.at : span.first;
  std::string different = difference(demanded(expected, seen.line, span.tolerance), seen.line);
  if (expected.ports && seen.flow) seen.line.ports = {seen.flow->local.port, seen.flow->remote.port};
  if (expected.ports != seen.line.ports) different += different.empty() ? "ports" : ", ports";
  if (different.empty() && !early && !late && text_fault_.empty()) return;
  if (options_.correct && text_fault_.empty()) {
    base_ = before;
    return correct(step, expected, seen);
  }
  const std::string sides = side_by_side(to_text(expected), to_text(in_style_of(expected, seen.line)));
  if (!different.empty()) fail("another packet left than the script says: " + different, sides);
  if (!text_fault_.empty()) fail(text_fault_, sides);
  fail(fmt::format("the packet left too {}: at {} s, and {} s is written", early ? "early" : "late",
                   seconds_text(seen.at), seconds_text(early ? span.first : span.last)),
       sides);
}

// The first packet that waits, in the script's numbers.
Player::Seen Player::read_front(const PacketLine& expected) {
  Sent& front = stage_->sent.front();
  const auto opened = open_packet(front.bytes);
  Seen seen{.flow = flows_.current(), .line = {}, .at = front.at};
  if (!opened) fail("a packet left that can't be read");
  const bool icmp = opened->source.port == 0 && opened->destination.port == 0;
  if (!icmp) {
    seen.flow = flows_.find(opened->source, opened->destination);
    if (!seen.flow)
      seen.flow = &flows_.add(opened->source, opened->destination, static_cast<ip::Protocol>(opened->protocol));
    if (front.matched == 0) seen.flow->learn(expected, *opened);
  }
  seen.line = seen.flow ? seen.flow->read(*opened) : to_line(*opened, {}, {});
  if (seen.flow) check_text(*opened, seen.line, *seen.flow);
  if (SegmentLine* segment = seen.line.segment()) {
    segment->seq += static_cast<std::uint32_t>(front.matched);
    segment->length -= static_cast<std::uint32_t>(front.matched);
  }
  return seen;
}

std::string Player::leftover_text() {
  const Sent& front = stage_->sent.front();
  const bool readable = open_packet(front.bytes).has_value();
  return seconds_text(front.at) + " > " +
         (readable ? to_text(brief(read_front({}).line)) : "a packet that can't be read: a fragment?");
}

void Player::drop_front() {
  const Sent& front = stage_->sent.front();
  if (options_.capture) options_.capture({front.at, false, front.bytes, front.note.comment});
  stage_->sent.pop_front();
}

// Several packets where the script writes one: their text together, the flags of the last.
void Player::gather_more(Seen& seen, const PacketLine& expected, const Span& span) {
  const SegmentLine* wanted = expected.segment();
  SegmentLine* so_far = seen.line.segment();
  if (!wanted || !so_far || !carries_text(*wanted) || !carries_text(*so_far)) return;
  while (so_far->seq == wanted->seq && so_far->length < wanted->length && (so_far->flags & flag::fin) == 0) {
    const auto more = [this] { return stage_->sent.size() > 1; };
    if (!more() && !stage_->run_until(span.last + span.tolerance, more)) return;
    const auto opened = open_packet(stage_->sent[1].bytes);
    if (!opened || flows_.find(opened->source, opened->destination) != seen.flow) return;
    const PacketLine next = seen.flow->read(*opened);
    const SegmentLine* segment = next.segment();
    if (!segment || !carries_text(*segment) || segment->seq != so_far->seq + so_far->length) return;
    check_text(*opened, next, *seen.flow);
    so_far->length += segment->length;
    so_far->flags |= static_cast<std::uint16_t>(segment->flags & kEndFlags);
    so_far->ack = segment->ack;
    so_far->window = segment->window;
    seen.dropped = so_far->length - segment->length;
    drop_front();
  }
}

bool Player::next_step_continues(const Step& step, const PacketLine& expected) const {
  const auto index = static_cast<std::size_t>(&step - script_.steps.data());
  const SegmentLine* wanted = expected.segment();
  if (!wanted || !carries_text(*wanted) || index + 1 >= script_.steps.size()) return false;
  const auto* next = std::get_if<PacketStep>(&script_.steps[index + 1].action);
  if (!next || next->inbound || !next->packet.segment()) return false;
  const SegmentLine& segment = *next->packet.segment();
  return carries_text(segment) && segment.seq == wanted->seq + wanted->length;
}

// Every byte that leaves is the one that was written in its place.
void Player::check_text(const OpenedPacket& packet, const PacketLine& line, const Flow& flow) {
  const auto* written = caller_->written(flow.local.port, flow.remote.port);
  const SegmentLine* segment = line.segment();
  if (!written || !segment || segment->length == 0 || !flow.numbers_known) return;
  const std::uint32_t first = segment->seq - flow.script_isn - (segment->has(flag::syn) ? 0 : 1);
  for (std::size_t i = 0; i < packet.payload.size() && text_fault_.empty(); ++i) {
    const std::uint64_t place = std::uint64_t{first} + i;
    if (place >= written->size() || (*written)[place] != packet.payload[i])
      text_fault_ = fmt::format("byte {} of the text is not what was written there", place);
  }
}

void Player::fail_missing(const PacketLine& expected, const Span& span) {
  const Duration latest = span.last + span.tolerance;
  const bool comes = stage_->run_until(latest + kLookAhead, [this] { return !stage_->sent.empty(); });
  std::string detail = "  expected  " + to_text(expected) + "\n  actual    ";
  if (!comes) {
    fail(
        fmt::format("no packet left up to {} s, nor in the {} s after", seconds_text(latest), seconds_text(kLookAhead)),
        detail + "nothing\n");
  }
  const Seen seen = read_front(expected);
  fail(fmt::format("no packet left up to {} s; the next one came at {} s", seconds_text(latest), seconds_text(seen.at)),
       detail + to_text(in_style_of(expected, seen.line)) + "\n");
}

// The statement as it would have to be for this stack.
void Player::correct(const Step& step, const PacketLine& expected, const Seen& seen) {
  When when = step.when;
  const bool relative = when.kind == When::Kind::relative;
  const Span span = span_of(step);
  const bool fits = when.kind == When::Kind::anytime ||
                    (seen.at >= span.first - span.tolerance && seen.at <= span.last + span.tolerance);
  if (!fits) when.earliest = when.latest = seen.at - (relative ? base_ : Duration::zero());
  base_ = fits && !step.when.is_range() && when.kind != When::Kind::anytime ? span.first : seen.at;
  corrections_.push_back({step.begin, step.end, to_text(when) + " > " + to_text(in_style_of(expected, seen.line))});
}

}  // namespace sluice::lab::drill
