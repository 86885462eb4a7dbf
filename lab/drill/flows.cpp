// See flows.hpp.
#include "lab/drill/flows.hpp"

namespace sluice::lab::drill {
namespace {

const option::Timestamps* stamps_of(const PacketLine& line) noexcept {
  const SegmentLine* segment = line.segment();
  if (!segment || !segment->options) return nullptr;
  for (const TcpOption& one : *segment->options)
    if (const auto* stamps = std::get_if<option::Timestamps>(&one)) return stamps;
  return nullptr;
}

// A script that never wrote a timestamp of ours can still echo one: it means the latest.
void echo_latest(PacketLine& line, const std::optional<std::uint32_t>& latest) {
  SegmentLine* segment = line.segment();
  if (!segment || !segment->options || !segment->has(wire::tcp::ack) || !latest) return;
  for (TcpOption& one : *segment->options) {
    auto* stamps = std::get_if<option::Timestamps>(&one);
    if (stamps && stamps->echo.value_or(1) != 0) stamps->echo = *latest;
  }
}

}  // namespace

std::optional<std::vector<std::uint8_t>> Flow::build(const PacketLine& written) const {
  PacketLine line = written;
  if (!ours.first_stamp) echo_latest(line, last_stamp);
  std::vector<std::uint8_t> payload;
  if (const SegmentLine* segment = line.segment()) {
    const std::uint32_t first = segment->has(wire::tcp::syn) ? 0 : segment->seq - peer_isn - 1;
    for (std::uint32_t i = 0; i < segment->length; ++i) payload.push_back(peer_byte(first + i));
  } else if (const auto* udp = std::get_if<UdpLine>(&line.body)) {
    for (std::uint32_t i = 0; i < udp->length; ++i) payload.push_back(peer_byte(i));
  }
  return to_wire(line, {.source = remote, .destination = local, .sender = peers, .receiver = ours, .payload = payload});
}

void Flow::learn(const PacketLine& expected, const OpenedPacket& packet) {
  const PacketLine actual = to_line(packet, {}, {});
  const SegmentLine* wanted = expected.segment();
  const SegmentLine* found = actual.segment();
  if (!wanted || !found) return;
  const bool syn = wanted->has(wire::tcp::syn) && found->has(wire::tcp::syn);
  const bool opens_anew = syn && !found->has(wire::tcp::ack) && found->seq != live_isn;
  if (opens_anew || (syn && (!numbers_known || peer_opens_anew))) {
    ours.first = found->seq - wanted->seq;
    script_isn = wanted->seq;
    live_isn = found->seq;
    numbers_known = true;
    peer_opens_anew = false;
  }
  const option::Timestamps* stamps = stamps_of(actual);
  if (!stamps || !stamps->value) return;
  last_stamp = stamps->value;
  const option::Timestamps* script_stamps = stamps_of(expected);
  if (!ours.first_stamp && script_stamps && script_stamps->value)
    ours.first_stamp = *stamps->value - *script_stamps->value;
}

Flow* Flows::find(const Endpoint& local, const Endpoint& remote) noexcept {
  for (Flow& one : all_)
    if (one.local == local && one.remote == remote) return &one;
  return nullptr;
}

Flow& Flows::add(const Endpoint& local, const Endpoint& remote, ip::Protocol protocol) {
  all_.push_back({.local = local, .remote = remote, .protocol = protocol});
  return all_.back();
}

std::uint8_t our_byte(std::uint64_t place) noexcept { return static_cast<std::uint8_t>(place * 31 + place / 256 + 7); }
std::uint8_t peer_byte(std::uint64_t place) noexcept {
  return static_cast<std::uint8_t>(place * 17 + place / 256 + 101);
}

}  // namespace sluice::lab::drill
