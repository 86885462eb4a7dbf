// Events by the list, a fresh stack for each, and what came of them.
#include "tests/support/grid_stage.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>
#include <variant>

#include "stack/tcp/counters.hpp"
#include "tests/support/world.hpp"

namespace sluice::test::grid {
namespace {

constexpr Number kWindow = 32000;  // of every segment of the grid: not what the peer offered before

// As it is written in the notation; the model takes its fields from the same place.
struct Sent {
  std::string flags;
  Arrival fields;
};

struct Event {
  std::string text;
  std::variant<Sent, Call, Clock> what;
};

struct Place {
  std::string name;
  Number seq;
};

bool knows_peer(State state) { return state > State::syn_sent; }

bool peer_is_done(State state) {
  return state == State::close_wait || state == State::closing || state == State::last_ack || state == State::time_wait;
}

std::vector<Place> places(const Block& block) {
  if (!knows_peer(block.state)) return {{"any", 300}};
  std::vector<Place> all = {{"old", block.rcv_nxt - 1000}, {"overlap", block.rcv_nxt - 50}};
  if (block.state == State::syn_received) all.push_back({"irs", 0});
  if (peer_is_done(block.state)) all.push_back({"fin", block.rcv_nxt - 1});
  all.push_back({"next", block.rcv_nxt});
  if (block.rcv_edge > block.rcv_nxt) {
    all.push_back({"inside", block.rcv_nxt + 5000});
    all.push_back({"last", block.rcv_edge - 1});
    all.push_back({"edge", block.rcv_edge});
  }
  all.push_back({"beyond", block.rcv_edge + 1000});
  return all;
}

// The first is what a peer that has everything would say.
std::vector<Place> acks(const Block& block) {
  std::vector<Place> all = {{"all", block.nxt}};
  if (block.una < block.nxt) all.push_back({"none", block.una});
  if (block.nxt - block.una > 1) all.push_back({"part", block.nxt - 1});
  all.push_back({"old", block.una - std::min<Number>(1000, block.max_wnd)});
  all.push_back({"too old", block.una - block.max_wnd - 1});
  all.push_back({"future", block.nxt + 1});
  return all;
}

Arrival arrival_of(const std::string& flags, Number text, const Place& place, const Place& ack) {
  const auto has = [&flags](char letter) { return flags.find(letter) != std::string::npos; };
  Arrival one{.syn = has('S'), .ack = has('.'), .rst = has('R'), .fin = has('F'), .psh = has('P'), .urg = has('U')};
  one.seq = place.seq;
  one.ack_number = ack.seq;
  one.text = text;
  one.window = kWindow;
  return one;
}

std::string line_of(const Arrival& one, const std::string& flags) {
  std::string line = flags + " " + std::to_string(one.seq) + ":" + std::to_string(one.seq + one.text) + "(" +
                     std::to_string(one.text) + ")";
  if (one.ack) line += " ack " + std::to_string(one.ack_number);
  line += " win " + std::to_string(one.window);
  if (one.urg) line += " urg " + std::to_string(one.urgent);
  if (one.stamp == Stamp::old) line += " <nop,nop,TS val 900 ecr 0>";
  if (one.stamp == Stamp::none) line += " <>";
  return line;
}

Event segment_event(const std::string& flags, const Arrival& one, const Place& place, const Place& ack) {
  std::string text = flags + (flags.size() < 6 ? std::string(6 - flags.size(), ' ') : "");
  text += " " + (one.text > 0 ? std::to_string(one.text) : "");
  text.resize(std::max<std::size_t>(text.size(), 10), ' ');
  text += " seq " + place.name;
  if (one.ack) {
    text.resize(std::max<std::size_t>(text.size(), 22), ' ');
    text += " ack " + ack.name;
  }
  if (one.urg) text += ", urg " + std::to_string(one.urgent);
  if (one.stamp == Stamp::old) text += ", old timestamp";
  if (one.stamp == Stamp::none) text += ", no timestamp";
  return {text, Sent{flags, one}};
}

void add_segments(const Block& block, std::vector<Event>& events) {
  const std::vector<Place> seqs = places(block);
  const std::vector<Place> numbers = acks(block);
  const Place next =
      *std::find_if(seqs.begin(), seqs.end(), [](const Place& one) { return one.name == "next" || one.name == "any"; });
  const auto add = [&](const std::string& flags, Number text, const Place& seq, const Place& ack, Number urgent = 0) {
    Arrival one = arrival_of(flags, text, seq, ack);
    one.urgent = urgent;
    events.push_back(segment_event(flags, one, seq, ack));
  };
  using Kind = std::pair<const char*, Number>;
  for (const auto& [flags, text] :
       {Kind{".", 0}, {"P.", 100}, {"F.", 0}, {"FP.", 100}, {"R", 0}, {"R.", 0}, {"S", 0}, {"S.", 0}})
    for (const Place& seq : seqs) add(flags, text, seq, numbers.front());
  for (const auto& [flags, text] : {Kind{".", 0}, {"P.", 100}, {"F.", 0}, {"R.", 0}, {"S.", 0}})
    for (std::size_t i = 1; i < numbers.size(); ++i) add(flags, text, next, numbers[i]);
  for (const auto& [flags, text] : {Kind{"-", 0},
                                    {"P", 100},
                                    {"F", 0},
                                    {"R", 100},
                                    {"S", 100},
                                    {"S.", 100},
                                    {"SF", 0},
                                    {"SF.", 0},
                                    {"SR", 0},
                                    {"SR.", 0},
                                    {"FR.", 0}})
    add(flags, text, next, numbers.front());
  for (const auto& [flags, text] : {Kind{"U.", 0}, {"U.", 100}, {"U", 100}, {"FPU", 0}, {"FPU.", 100}, {"SFRPU.", 0}})
    add(flags, text, next, numbers.front(), 50);
  add("U.", 100, next, numbers.front(), 0);
  add("U.", 100, next, numbers.front(), 3000);
  if (!block.timestamps) return;
  for (const Stamp stamp : {Stamp::old, Stamp::none}) {
    for (const auto& [flags, text] : {Kind{".", 0}, {"P.", 100}, {"F.", 0}, {"R", 0}, {"S", 0}}) {
      Arrival one = arrival_of(flags, text, next, numbers.front());
      one.stamp = stamp;
      events.push_back(segment_event(flags, one, next, numbers.front()));
    }
  }
}

std::string answer(const Result<std::size_t>& result) {
  return result ? std::to_string(*result) : "error: " + std::string(describe(result.error()));
}

State state_of(Stage& stage, const Block& before) {
  const FourTuple tuple = stage.tuple();
  std::optional<State> connection;
  bool half_open = false;
  stage.stack().tcp().for_each_socket([&](const tcp::Info& one) {
    if (one.remote.port != tuple.remote.port || one.local.port != tuple.local.port) return;
    half_open |= one.state == State::syn_received;
    connection = one.state;
  });
  if (half_open) return State::syn_received;
  const bool expired = connection == State::time_wait && stage.stack().tcp().time_wait_count() == 0;
  if (connection && !expired) return *connection;
  const bool never_was_one = before.state <= State::syn_received && before.passive;
  return never_was_one && stage.listener ? State::listen : State::closed;
}

// The script has brought the stack there; as far as the stack tells, it agrees with the scenario's control block.
Block reached(const Scenario& scenario, Stage& stage) {
  scenario.reach(stage);
  stage.replies();
  Block block = scenario.block;
  block.rcv_edge = stage.edge;
  REQUIRE(state_of(stage, block) == block.state);
  const auto info = stage.socket.info();
  if (info && knows_peer(block.state) && block.state != State::time_wait) {
    REQUIRE(static_cast<Number>(info->unacked) == block.nxt - block.una);
    REQUIRE(info->send_window == block.wnd);
    REQUIRE(static_cast<Number>(info->receive_window) == block.rcv_edge - block.rcv_nxt);
  }
  return block;
}

void act(Stage& stage, const Block&, const Sent& sent, std::string&) { stage.in(line_of(sent.fields, sent.flags)); }

void act(Stage& stage, const Block& block, Call call, std::string& took) {
  std::array<std::uint8_t, 1000> room{};
  const bool only_listener = !block.handle && block.passive && !block.let_go;
  switch (call) {
    case Call::open: {
      auto opened = stage.stack().connect(stage.tuple().remote, {.local = stage.tuple().local});
      took = opened ? "opened" : "error: " + std::string(describe(opened.error()));
      if (opened) stage.socket = std::move(*opened);
      break;
    }
    case Call::send: took = answer(stage.socket.write(Bytes(room))); break;
    case Call::receive:
      took = answer(stage.socket.read(room));
      if (stage.socket.at_eof() && took == "0") took = "end";
      break;
    case Call::close:
    case Call::close_handle:
      if (only_listener)
        stage.listener.close();
      else if (call == Call::close)
        stage.socket.finish();
      else
        stage.socket.close();
      break;
    case Call::abort: only_listener ? stage.listener.close() : stage.socket.abort(); break;
    case Call::status: {
      const auto info = stage.socket.info();
      took = std::string(name(info ? info->state : state_of(stage, block)));
      break;
    }
  }
  stage.run(0s);
}

void add_calls(std::vector<Event>& events, const Block& block) {
  if (block.let_go) return;
  const std::array<std::pair<Call, const char*>, 7> calls = {{{Call::open, "OPEN"},
                                                              {Call::send, "SEND 1000"},
                                                              {Call::receive, "RECEIVE"},
                                                              {Call::close, "CLOSE"},
                                                              {Call::close_handle, "CLOSE, handle gone"},
                                                              {Call::abort, "ABORT"},
                                                              {Call::status, "STATUS"}}};
  for (const auto& [call, text] : calls) events.push_back({text, call});
}

// What left before the deadline doesn't count, nor, of what leaves then, anything but the last.
void until(Stage& stage, Duration time) {
  stage.run(time - 1ns);
  stage.replies();
  stage.run(1ns);
}

// Until something leaves; how long the retransmission timer runs is for the tests of RFC 6298.
void first_within(Stage& stage, Duration limit) {
  for (Duration waited{}; waited < limit && stage.waiting() == 0; waited += 10ms) stage.run(10ms);
}

void acknowledge_all(Stage& stage, const Block& block, std::uint16_t window) {
  stage.in(". " + std::to_string(block.rcv_nxt) + ":" + std::to_string(block.rcv_nxt) + "(0) ack " +
           std::to_string(block.nxt) + " win " + std::to_string(window));
  stage.replies();
}

void keep_alive(Stage& stage, const Block& block) {
  acknowledge_all(stage, block, 32000);
  stage.set([](tcp::Options& options) { options.keep_alive = {.on = true, .idle = 10s, .interval = 1s, .probes = 3}; });
  until(stage, 10s);
}

void act(Stage& stage, const Block& block, Clock clock, std::string& took) {
  switch (clock) {
    case Clock::retransmission: first_within(stage, 2s); break;
    case Clock::user_timeout:
      stage.set([](tcp::Options& options) { options.user_timeout = 5s; });
      until(stage, 5s);
      if (stage.socket.error() != Errc::none) took = "error: " + std::string(describe(stage.socket.error()));
      break;
    case Clock::silence:
      stage.run(1h);
      stage.replies();
      break;
    case Clock::persist:
      acknowledge_all(stage, block, 0);
      stage.write(1000);
      first_within(stage, 2s);
      break;
    case Clock::keep_alive: keep_alive(stage, block); break;
    case Clock::keep_alive_last:
      keep_alive(stage, block);
      until(stage, 3s);
      if (stage.socket.error() != Errc::none) took = "error: " + std::string(describe(stage.socket.error()));
      break;
    case Clock::delayed_ack:
      stage.in(text_line("P.", static_cast<std::uint32_t>(block.rcv_nxt), 100, " ack " + std::to_string(block.una)));
      CHECK(stage.replies().empty());
      took = "text " + std::to_string(stage.socket.readable());
      until(stage, 40ms);
      break;
  }
}

void add_clocks(std::vector<Event>& events, const Block& block) {
  const std::array<std::pair<Clock, const char*>, 7> clocks = {{{Clock::retransmission, "retransmission timer"},
                                                                {Clock::user_timeout, "user timeout"},
                                                                {Clock::silence, "an hour of silence"},
                                                                {Clock::persist, "persist timer"},
                                                                {Clock::keep_alive, "keep-alive timer"},
                                                                {Clock::keep_alive_last, "keep-alive, no answer"},
                                                                {Clock::delayed_ack, "delayed ACK timer"}}};
  for (const auto& [clock, text] : clocks)
    if (timeout(block, clock)) events.push_back({text, clock});
}

// What the connection says of itself, where the control block had it otherwise.
std::string changes(const tcp::Socket& socket, const Block& before) {
  std::string took;
  const auto add = [&took](const std::string& what) { took += (took.empty() ? "" : ", ") + what; };
  const auto info = socket.info();
  if (!info || info->state == State::closed) return took;
  const Number acked = before.nxt - before.una - static_cast<Number>(info->unacked);
  if (acked != 0) add("acked " + std::to_string(acked));
  if (info->send_window != before.wnd) add("window");
  if (socket.urgent_ahead()) add("urgent");
  if (info->unread > 0 && before.unread == 0) add("text " + std::to_string(info->unread));
  return took;
}

std::map<tcp::Counter, std::uint64_t> drops(Stage& stage) {
  std::map<tcp::Counter, std::uint64_t> counts;
  for (int i = 0; i < static_cast<int>(tcp::Counter::count); ++i) {
    const auto counter = static_cast<tcp::Counter>(i);
    if (name(counter).starts_with("drop_")) counts[counter] = stage.count(counter);
  }
  return counts;
}

std::string risen(const std::map<tcp::Counter, std::uint64_t>& before, Stage& stage) {
  std::string text;
  for (const auto& [counter, count] : before)
    if (stage.count(counter) > count) text += (text.empty() ? "" : ", ") + std::string(name(counter));
  return text.empty() ? "-" : text;
}

std::string joined(const std::vector<std::string>& replies) {
  std::string text;
  for (const std::string& one : replies) text += (text.empty() ? "" : " | ") + one;
  return text.empty() ? "-" : text;
}

Row play(const Scenario& scenario, Family family, const Event& event) {
  Stage stage(family);
  const Clock* clock = std::get_if<Clock>(&event.what);
  if (clock && *clock == Clock::delayed_ack) stage.config.tcp.quick_acks = 0;
  const Block block = reached(scenario, stage);
  const auto before = drops(stage);
  Row row{event.text, {}, {}, {}};
  std::string answer;
  std::visit([&](const auto& what) { act(stage, block, what, answer); }, event.what);
  row.seen.reply = joined(stage.replies());
  if (stage.listener && !stage.socket)
    if (auto accepted = stage.listener.accept()) stage.socket = std::move(*accepted);
  row.seen.next = state_of(stage, block);
  row.counters = risen(before, stage);
  if (std::holds_alternative<Sent>(event.what)) answer = changes(stage.socket, block);
  if (block.state == State::time_wait && row.seen.next == State::time_wait) {
    stage.run(50s);  // ten of the sixty seconds have passed
    if (stage.stack().tcp().time_wait_count() > 0) answer = "2 MSL anew";
  }
  if (!answer.empty()) row.seen.took = answer;
  stage.replies();
  return row;
}

Outcome asked(const Block& block, const Event& event) {
  if (const Sent* sent = std::get_if<Sent>(&event.what)) {
    Outcome outcome = segment_arrives(block, sent->fields);
    const bool nobody_sees = block.let_go || outcome.next == State::closed;
    if (nobody_sees) outcome.took = "-";
    return outcome;
  }
  if (const Call* call = std::get_if<Call>(&event.what)) return user_call(block, *call);
  return *timeout(block, std::get<Clock>(event.what));
}

}  // namespace

std::vector<std::string> Stage::replies() {
  std::vector<std::string> all;
  while (waiting() > 0) {
    const lab::PacketLine line = take();
    const lab::SegmentLine& segment = *line.segment();
    if (segment.ack) edge = std::max(edge, Number{*segment.ack} + *segment.window);
    lab::SegmentLine plain;
    plain.flags = segment.flags;
    plain.seq = segment.seq;
    plain.length = segment.length;
    plain.ack = segment.ack;
    all.push_back(lab::to_text({.ip = {}, .body = plain}));
    if (last_reason() == tcp::SendReason::challenge) all.back() += " challenge";
  }
  return all;
}

std::vector<Row> play(const Scenario& scenario, Family family) {
  Stage stage(family);
  const Block block = reached(scenario, stage);
  std::vector<Event> events;
  add_segments(block, events);
  add_calls(events, block);
  add_clocks(events, block);
  std::vector<Row> rows;
  for (const Event& event : events) {
    rows.push_back(play(scenario, family, event));
    rows.back().predicted = asked(block, event);
  }
  return rows;
}

}  // namespace sluice::test::grid
