// The link and the two taps; see recording.hpp.
#include "tests/support/recording.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "lab/pcapng.hpp"
#include "lab/replay_numbers.hpp"

namespace sluice::test {
namespace {

std::optional<std::uint32_t> sequence_of(Bytes packet) {
  const auto view = lab::view_datagram(packet);
  const auto header = view ? lab::tcp_header(*view) : std::nullopt;
  return header ? std::optional(header->seq) : std::nullopt;
}

}  // namespace

Recording::Recording(const RecordedLink& link, WorldSettings settings) : link_(link) {
  if (const char* seed = std::getenv("SLUICE_SEED")) {
    seeded_ = true;
    seed_ = seed;
    unsetenv("SLUICE_SEED");
  }
  settings.left_observer = &left_;
  settings.right_observer = &right_;
  world_ = std::make_unique<World>(settings);
  world_->take_packet = [this](bool to_right, Bytes packet) {
    carry(to_right, packet);
    return true;
  };
}

Recording::~Recording() {
  if (seeded_) setenv("SLUICE_SEED", seed_.c_str(), 1);
}

void Recording::send_from_left(std::vector<std::uint8_t> packet) { carry(true, packet); }

void Recording::carry(bool to_right, Bytes packet) {
  (to_right ? left_ : right_).sent(world_->now(), packet);
  const std::uint64_t number = ++(to_right ? sent_right_ : sent_left_);
  const std::vector<std::uint64_t>& lost = to_right ? link_.lost_to_right : link_.lost_to_left;
  if (std::find(lost.begin(), lost.end(), number) != lost.end()) return;
  (to_right ? right_ : left_).received(world_->now() + link_.delay, packet);
  world_->inject(to_right, {packet.begin(), packet.end()}, link_.delay);
}

void Recording::End::on_event(const TraceEvent& event) noexcept {
  if (event.kind != TraceKind::segment_out) return;
  Note note{};
  std::string_view reason, clause;
  for (const TraceField& field : event.fields) {
    if (field.key == "seq") note.seq = static_cast<std::uint32_t>(field.number);
    if (field.key == "reason") reason = field.text;
    if (field.key == "clause") clause = field.text;
  }
  note.why = fmt::format("{} ({})", reason, clause);
  const auto last =
      std::find_if(seen.rbegin(), seen.rend(), [](const Seen& one) { return one.direction == lab::Direction::out; });
  if (last != seen.rend() && last->why.empty() && sequence_of(last->bytes) == note.seq)
    last->why = std::move(note.why);
  else
    early_.push_back(std::move(note));
}

void Recording::End::sent(Time at, Bytes packet) {
  Seen one{at, lab::Direction::out, {packet.begin(), packet.end()}, {}};
  const auto seq = sequence_of(packet);
  const auto note = std::find_if(early_.begin(), early_.end(), [&](const Note& early) { return early.seq == seq; });
  if (note != early_.end()) {
    one.why = std::move(note->why);
    early_.erase(note);
  }
  seen.push_back(std::move(one));
}

// What arrives at the time at which something leaves was there first: a host reads before it speaks.
std::vector<std::uint8_t> Recording::file_of(const End& end) {
  std::vector<const Seen*> order;
  for (const Seen& one : end.seen) order.push_back(&one);
  std::stable_sort(order.begin(), order.end(), [](const Seen* a, const Seen* b) {
    return std::pair(a->at, a->direction) < std::pair(b->at, b->direction);
  });
  lab::PcapngWriter writer;
  for (const Seen* one : order) writer.add({one->at.time_since_epoch(), one->direction, one->why}, one->bytes);
  return writer.bytes();
}

}  // namespace sluice::test
