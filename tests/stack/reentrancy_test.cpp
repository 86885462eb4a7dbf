// What applications do while they handle an event: close, abort, destroy, send, accept, open, on the socket at hand and
// on others. Nothing dangles, nobody else is hurt, nothing is left. The event loop's own calls are in tests/tun.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string_view>
#include <vector>

#include "tests/support/world.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kConnections = 5;
constexpr std::uint64_t kEcho = 3000;

// One side's application: an echo server or its clients, driven by events only.
struct Application {
  explicit Application(Stack& its_stack) : stack(its_stack) {}

  struct Line {
    tcp::Socket socket;
    std::uint64_t read = 0;
    std::uint64_t written = 0;
  };
  using Key = std::pair<std::uint32_t, std::uint32_t>;
  static Key key(SlotId id) { return {id.index, id.generation}; }

  void add(tcp::Socket socket) {
    const Key at = key(socket.id());
    lines[at].socket = std::move(socket);
  }
  void close(Key at) { ended += lines.erase(at); }
  void turn() {
    while (const auto event = stack.poll_event()) {
      ++events;
      const Key at = key(event->socket.slot);
      if (event->socket.kind == SocketKind::tcp) {
        CHECK_MESSAGE((lines.contains(at) || leavings.contains(at)), "an event names a socket that was closed");
        last = at;
      }
      if (events == act_at && action) action(*this);
      if (event->socket.kind == SocketKind::tcp_listener) {
        while (listener)
          if (auto accepted = listener.accept())
            add(std::move(*accepted));
          else
            break;
      } else if (lines.contains(at)) {
        serve(at);
      }
    }
  }
  void serve(Key at) {
    Line& line = lines[at];
    tcp::Socket& socket = line.socket;
    if (socket.error() != Errc::none) return close(at);
    if (is_client && line.written < kEcho)
      line.written += socket.write(pattern(1, line.written, kEcho - line.written)).value_or(0);
    for (MutableBytes run = socket.peek(); !run.empty(); run = socket.peek()) {
      line.read += run.size();
      if (!is_client) line.written += socket.write(Bytes(run)).value_or(0);
      socket.consume(run.size());
    }
    if (is_client && line.read == kEcho) {
      completed += std::exchange(line.written, kEcho + 1) == kEcho;
      socket.finish();
    }
    if (!socket.at_eof()) return;
    socket.finish();
    close(at);
  }

  Stack& stack;
  bool is_client = false;
  tcp::Listener listener;
  std::map<Key, Line> lines;
  std::map<Key, tcp::Socket> leavings;  // what an action keeps
  Key last{};                           // the socket of the event at hand
  std::size_t events = 0;
  std::size_t act_at = 0;
  std::size_t completed = 0;
  std::size_t ended = 0;
  std::function<void(Application&)> action;
};

struct Action {
  std::string_view name;
  std::size_t hurt;  ///< clients that may not complete because of it
  std::function<void(Application&)> act;
};

const std::vector<Action>& actions() {
  static const std::vector<Action> kActions = {
      {"nothing", 0, [](Application&) {}},
      {"close this", 1, [](Application& a) { a.close(a.last); }},
      {"abort this and keep it", 1,
       [](Application& a) {
         if (a.lines.contains(a.last)) a.lines[a.last].socket.abort();
       }},
      {"abort this and destroy it", 1,
       [](Application& a) {
         if (a.lines.contains(a.last)) a.lines[a.last].socket.abort();
         a.close(a.last);
       }},
      {"finish this, three times", 1,
       [](Application& a) {
         for (int i = 0; i < 3 && a.lines.contains(a.last); ++i) a.lines[a.last].socket.finish();
       }},
      {"close another", 1,
       [](Application& a) {
         const auto other = std::find_if(a.lines.begin(), a.lines.end(), [&](auto& l) { return l.first != a.last; });
         if (other != a.lines.end()) a.close(other->first);
       }},
      {"abort all others", kConnections,
       [](Application& a) {
         for (auto& [at, line] : a.lines)
           if (at != a.last) line.socket.abort();
       }},
      {"destroy everything, the listener too", kConnections,
       [](Application& a) {
         a.lines.clear();
         a.listener.close();
       }},
      {"close the listener", kConnections, [](Application& a) { a.listener.close(); }},
      {"accept here", 0,
       [](Application& a) {
         while (a.listener) {
           auto accepted = a.listener.accept();
           if (!accepted) break;
           a.add(std::move(*accepted));
         }
       }},
      {"write into every socket until it is full", kConnections,
       [](Application& a) {
         for (auto& [at, line] : a.lines)
           while (line.socket.writable() > 0)
             if (line.socket.write(std::vector<std::uint8_t>(line.socket.writable())).value_or(0) == 0) break;
       }},
      {"move the socket away, and read on there", 1,
       [](Application& a) {
         if (!a.lines.contains(a.last)) return;
         tcp::Socket moved = std::move(a.lines[a.last].socket);
         CHECK(a.lines[a.last].socket.error() == Errc::stale_handle);
         a.lines.erase(a.last);
         a.leavings[a.last] = std::move(moved);
       }},
  };
  return kActions;
}

struct Play {
  explicit Play(bool client_acts, const Action& action, std::size_t at) : left(world.left()), right(world.right()) {
    left.is_client = true;
    (client_acts ? left : right).action = action.act;
    (client_acts ? left : right).act_at = at;
    auto made = world.right().listen({world.right_address(), 7});
    REQUIRE(made);
    right.listener = std::move(*made);
    for (std::size_t i = 0; i < kConnections; ++i) {
      auto opened = world.left().connect({world.right_address(), 7});
      REQUIRE(opened);
      left.add(std::move(*opened));
    }
    world.on_step = [this] { left.turn(), right.turn(); };
  }
  static WorldSettings settings() {
    WorldSettings made;
    made.to_left.delay = made.to_right.delay = 3ms;
    made.to_left.jitter = made.to_right.jitter = 1ms;
    return made;
  }
  void end() {
    world.run_for(5min);
    left.lines.clear();
    right.lines.clear();
    left.leavings.clear();
    right.leavings.clear();
    right.listener.close();
    world.run_for(30min);
    for (Stack* stack : {&world.left(), &world.right()}) {
      CHECK(stack->tcp().connection_count() == 0);
      CHECK(stack->tcp().half_open_count() == 0);
      CHECK(stack->tcp().time_wait_count() == 0);
      CHECK(stack->memory().used() == 0);
      CHECK_FALSE(stack->poll_event());
    }
  }
  World world{settings()};
  Application left;
  Application right;
};

TEST_CASE("whatever an application does at any event of its sockets, the others go on and nothing is left") {
  for (const bool client_acts : {true, false}) {
    std::size_t events = 0;
    {
      Play clean(client_acts, actions()[0], 0);
      clean.end();
      CHECK(clean.left.completed == kConnections);
      events = (client_acts ? clean.left : clean.right).events;
    }
    CHECK(events > 3 * kConnections);
    for (const Action& action : actions()) {
      for (std::size_t at = 1; at <= events; ++at) {
        CAPTURE(client_acts);
        CAPTURE(action.name);
        CAPTURE(at);
        Play play(client_acts, action, at);
        play.end();
        CHECK(play.left.completed + action.hurt >= kConnections);
      }
    }
  }
}

TEST_CASE("a handle that went stale answers every call with an error, and harms nobody") {
  World world;
  auto [left, right] = world.connect();
  tcp::Socket moved = std::move(left);
  const auto check_stale = [](tcp::Socket& socket) {
    std::array<std::uint8_t, 4> room{};
    CHECK(socket.read(room).error() == Errc::stale_handle);
    CHECK(socket.write(as_bytes("x")).error() == Errc::stale_handle);
    CHECK(socket.write(Slice::copy_of(as_bytes("x"))).error() == Errc::stale_handle);
    CHECK(socket.write_urgent(as_bytes("x")).error() == Errc::stale_handle);
    CHECK(socket.local().error() == Errc::stale_handle);
    CHECK(socket.remote().error() == Errc::stale_handle);
    CHECK(socket.info().error() == Errc::stale_handle);
    CHECK(socket.options().error() == Errc::stale_handle);
    CHECK(socket.set_options({}).error() == Errc::stale_handle);
    CHECK(socket.error() == Errc::stale_handle);
    CHECK(socket.take_soft_error() == Errc::stale_handle);
    CHECK(socket.state() == tcp::State::closed);
    CHECK(socket.peek().empty());
    CHECK(socket.peek_slice().empty());
    CHECK(socket.readable() == 0);
    CHECK(socket.writable() == 0);
    CHECK_FALSE(socket.at_eof());
    CHECK_FALSE(socket.urgent_ahead());
    socket.consume(0);
    socket.finish();
    socket.abort();
    socket.close();
  };
  check_stale(left);
  CHECK(moved.state() == tcp::State::established);
  moved.close();
  check_stale(moved);
  // Another owner's name for a connection that has gone.
  const SlotId id = right.id();
  right.abort();
  right.close();
  tcp::Socket ghost(world.right().tcp(), id);
  check_stale(ghost);
  auto [fresh, other] = world.connect(81);  // may sit in the same slot
  tcp::Socket second_ghost(world.right().tcp(), id);
  check_stale(second_ghost);
  CHECK(other.state() == tcp::State::established);
}

}  // namespace
}  // namespace sluice::test
