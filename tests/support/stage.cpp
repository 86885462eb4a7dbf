// How to come to each state between two stacks, and on from there; see stage.hpp.
#include "tests/support/stage.hpp"

#include <doctest/doctest.h>

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using tcp::State;

constexpr Duration kDelay = 10ms;

WorldSettings settings_for(Family family) {
  WorldSettings settings;
  settings.family = family;
  settings.to_left.delay = settings.to_right.delay = kDelay;
  return settings;
}

}  // namespace

Stage::Stage(State state, Family family) : world(settings_for(family)) {
  world.take_packet = [this](bool to_right, Bytes packet) {
    const auto segment = open_segment(packet);
    REQUIRE(segment);
    note(to_right, *segment);
    if (to_right == subject_is_left) answers_.push_back(*segment);
    return cut_[to_right];
  };
  if (state != State::closed) {
    auto made = world.right().listen({world.right_address(), kRightPort});
    REQUIRE(made);
    listener = std::move(*made);
  }
  reach(state);
  REQUIRE(this->state() == state);
  cut_ = {true, true};
}

void Stage::note(bool from_left, const SegmentView& segment) {
  Numbers& numbers = numbers_[from_left];
  if (segment.has(wire::tcp::rst)) return;
  if (segment.has(wire::tcp::syn)) numbers.isn = segment.header.seq;
  const bool newest = !numbers.spoke || static_cast<std::int32_t>(segment.end() - numbers.nxt) > 0;
  if (newest) numbers.nxt = segment.end();
  numbers.spoke = true;
  numbers.ack = segment.header.ack;
  numbers.window = segment.header.window;
  numbers.stamps = segment.header.options.timestamps;
  numbers.stamp = segment.header.options.ts_value;
}

void Stage::open() {
  auto made =
      world.left().connect({world.right_address(), kRightPort}, {.local = Endpoint{world.left_address(), kLeftPort}});
  REQUIRE(made);
  left = std::move(*made);
  world.settle();
}

void Stage::accept() {
  if (right) return;
  if (auto accepted = listener.accept()) right = std::move(*accepted);
}

void Stage::reach(State state) {
  subject_is_left = state == State::syn_sent || state == State::fin_wait_1 || state == State::fin_wait_2 ||
                    state == State::closing || state == State::time_wait;
  if (state == State::closed || state == State::listen) return;
  if (state == State::syn_sent) cut_ = {true, true};
  if (state == State::syn_received) cut_ = {true, false};
  open();
  world.run_for(15ms);
  if (state == State::syn_sent || state == State::syn_received) return;
  world.run_for(100ms);
  accept();
  if (state == State::established) return;
  if (state == State::fin_wait_1) cut_ = {true, true};
  left.finish();
  if (state == State::closing) right.finish();
  world.settle();
  if (state == State::closing) cut_ = {true, true};
  world.run_for(100ms);
  if (state != State::last_ack && state != State::time_wait) return;
  right.finish();
  world.settle();
  if (state == State::last_ack) cut_ = {true, true};
  world.run_for(100ms);
}

State Stage::state() {
  Stack& stack = subject_stack();
  const State of_socket = subject().state();
  if (stack.tcp().time_wait_count() > 0) return State::time_wait;
  if (of_socket != State::closed && of_socket != State::time_wait) return of_socket;
  if (stack.tcp().half_open_count() > 0) return State::syn_received;
  const bool listens = !subject_is_left && listener && !subject();
  return listens ? State::listen : State::closed;
}

SegmentView Stage::from_peer() const {
  const Numbers& peer = numbers_[!subject_is_left];
  const Numbers& mine = numbers_[subject_is_left];
  const Endpoint left_end{world.left_address(), kLeftPort}, right_end{world.right_address(), kRightPort};
  SegmentView view{subject_is_left ? right_end : left_end, subject_is_left ? left_end : right_end, {}, 0};
  view.header.seq = mine.ack != 0 ? mine.ack : 1'000'000;
  view.header.ack = mine.nxt;
  view.header.window = 1000;
  view.header.flags = wire::tcp::ack;
  view.header.options.timestamps = mine.stamps && mine.ack != 0;
  view.header.options.ts_value = peer.stamp + 1;
  view.header.options.ts_echo = mine.stamp;
  return view;
}

std::uint32_t Stage::window_edge() const noexcept {
  const Numbers& mine = numbers_[subject_is_left];
  const auto info = subject().info();
  return mine.ack + (info ? info->receive_window : mine.window);
}

std::vector<SegmentView> Stage::inject(const SegmentView& segment) {
  answers_.clear();
  world.inject(subject_is_left ? false : true, forge(segment));
  world.settle();
  return std::exchange(answers_, {});
}

void Stage::end_of(tcp::Socket& socket, bool& done, Errc& error) {
  if (done || !socket) return;
  error = socket.error();
  done = error != Errc::none || socket.state() == State::closed;
  if (socket.state() == State::syn_sent || socket.state() == State::syn_received) return;
  for (MutableBytes run = socket.peek(); !run.empty(); run = socket.peek()) socket.consume(run.size());
  socket.finish();
  done = done || socket.at_eof();
}

bool Stage::play_on() {
  cut_ = {false, false};
  bool left_done = !left, right_done = false;
  world.on_step = [&] {
    accept();
    end_of(left, left_done, left_error);
    end_of(right, right_done, right_error);
  };
  world.run_until([&] { return left_done && right_done; }, 1h);
  world.on_step = nullptr;
  // An application that never got a connection has nothing to end.
  return left_done && (right_done || !right);
}

void Stage::expect_nothing_left() {
  left.close();
  right.close();
  listener.close();
  world.run_for(1h);
  for (Stack* stack : {&world.left(), &world.right()}) {
    CHECK(stack->tcp().connection_count() == 0);
    CHECK(stack->tcp().half_open_count() == 0);
    CHECK(stack->tcp().time_wait_count() == 0);
    CHECK(stack->memory().used() == 0);
  }
}

}  // namespace sluice::test
