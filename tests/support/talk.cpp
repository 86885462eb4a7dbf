// Both applications of a Talk, a step at a time; see talk.hpp.
#include "tests/support/talk.hpp"

#include <doctest/doctest.h>

namespace sluice::test {
namespace {

constexpr std::uint64_t kLeftSeed = 11, kRightSeed = 12;

WorldSettings with_delay(const TalkSettings& settings) {
  WorldSettings world = settings.world;
  world.to_left.delay = world.to_right.delay = settings.delay;
  return world;
}

}  // namespace

std::string_view name(Ending ending) noexcept {
  static constexpr std::array<std::string_view, kEndings.size()> kNames = {
      "left closes",       "right closes",       "both close",  "left half-closes",
      "right half-closes", "left leaves unread", "left aborts", "right aborts"};
  return kNames[static_cast<std::size_t>(ending)];
}

Talk::Talk(const TalkSettings& settings) : world(with_delay(settings)), settings_(settings), start_(world.now()) {
  auto listener = world.right().listen({world.right_address(), kRightPort}, {.options = settings.options});
  REQUIRE(listener);
  listener_ = std::move(*listener);
  auto opened = world.left().connect({world.right_address(), kRightPort},
                                     {.local = Endpoint{world.left_address(), kLeftPort}, .options = settings.options});
  REQUIRE(opened);
  left.socket = std::move(*opened);
  world.on_step = [this] { step(); };
  world.take_packet = [this](bool to_right, Bytes packet) {
    ++emitted_;
    if (emitted_ > dark_after || lose.contains(emitted_)) return true;
    return take_packet && take_packet(to_right, packet);
  };
}

bool Talk::play(Duration limit) {
  return world.run_until([this] { return left.done && right.done; }, limit);
}

void Talk::expect_nothing_left(Duration wait) {
  left.socket.close();
  right.socket.close();
  world.run_for(wait);
  for (Stack* stack : {&world.left(), &world.right()}) {
    CHECK(stack->tcp().connection_count() == 0);
    CHECK(stack->tcp().half_open_count() == 0);
    CHECK(stack->tcp().time_wait_count() == 0);
    CHECK(stack->memory().used() == 0);
  }
}

void Talk::expect_outcome() const {
  const auto rounds = static_cast<std::uint64_t>(settings_.rounds);
  if (!is_orderly(settings_.ending)) {
    const Side& victim = settings_.ending == Ending::right_aborts ? left : right;
    const bool told = victim.error == Errc::connection_reset || victim.error == Errc::timed_out;
    CHECK_MESSAGE(told, "the other side hears of it");
    return;
  }
  CHECK(left.error == Errc::none);
  CHECK(right.error == Errc::none);
  CHECK(left.read == rounds * kAnswer + (settings_.ending == Ending::left_half_closes ? kMore : 0));
  CHECK(right.read == rounds * kRequest + (settings_.ending == Ending::right_half_closes ? kMore : 0));
}

void Talk::step() {
  if (!right.socket && !right.done)
    if (auto accepted = listener_.accept()) right.socket = std::move(*accepted);
  if (!keeps_unread(left)) receive(left, kRightSeed);
  receive(right, kLeftSeed);
  talk_on();
  if (!ending_ && rounds_over()) {
    ending_ = true;
    end_it();
  }
  see_end(left);
  see_end(right);
}

// The left asks when the last answer is here; the right answers each whole request.
void Talk::talk_on() {
  const auto rounds = static_cast<std::uint64_t>(settings_.rounds);
  const bool answered = left.read == left.written / kRequest * kAnswer;
  if (left.written < rounds * kRequest && answered) say(left, kRequest, kLeftSeed);
  if (right.written < std::min(rounds, right.read / kRequest) * kAnswer) say(right, kAnswer, kRightSeed);
}

bool Talk::keeps_unread(const Side& side) const noexcept {
  return settings_.ending == Ending::left_leaves_unread &&
         side.written == static_cast<std::uint64_t>(settings_.rounds) * kRequest;
}

bool Talk::rounds_over() const noexcept {
  const auto rounds = static_cast<std::uint64_t>(settings_.rounds);
  if (settings_.ending == Ending::left_leaves_unread) return left.socket.readable() == kAnswer && keeps_unread(left);
  if (settings_.ending == Ending::right_closes || settings_.ending == Ending::right_half_closes)
    return right.written == rounds * kAnswer;
  return left.read == rounds * kAnswer;
}

void Talk::end_it() {
  switch (settings_.ending) {
    case Ending::left_closes:
    case Ending::left_half_closes: return finish(left);
    case Ending::right_closes:
    case Ending::right_half_closes: return finish(right);
    case Ending::both_close: return finish(left), finish(right);
    case Ending::left_leaves_unread: left.done = true; return left.socket.close();
    case Ending::left_aborts: left.done = true; return left.socket.abort();
    case Ending::right_aborts: right.done = true; return right.socket.abort();
  }
}

void Talk::receive(Side& side, std::uint64_t seed) {
  for (MutableBytes run = side.socket.peek(); !run.empty(); run = side.socket.peek()) {
    for (std::size_t i = 0; i < run.size(); ++i)
      if (run[i] != pattern_byte(seed, side.read + i)) FAIL("byte ", side.read + i, " is wrong");
    side.read += run.size();
    side.socket.consume(run.size());
  }
}

void Talk::say(Side& side, std::uint64_t bytes, std::uint64_t seed) {
  if (!side.socket || side.socket.writable() < bytes) return;
  const auto taken = side.socket.write(pattern(seed, side.written, bytes));
  if (taken) side.written += *taken;
}

void Talk::finish(Side& side) {
  if (std::exchange(side.finished, true)) return;
  side.socket.finish();
}

// The end of the peer's text ends ours too, after what a half-close leaves us to say; then the handle goes.
void Talk::see_end(Side& side) {
  if (side.done || !side.socket) return;
  side.error = side.socket.error();
  if (side.socket.at_eof() && !side.finished) {
    if (settings_.ending == Ending::left_half_closes && &side == &right) say(side, kMore, kRightSeed);
    if (settings_.ending == Ending::right_half_closes && &side == &left) say(side, kMore, kLeftSeed);
    finish(side);
  }
  if (side.error == Errc::none && !(side.finished && side.socket.at_eof())) return;
  side.done = true;
  side.ended = world.now();
  side.socket.close();
}

}  // namespace sluice::test
