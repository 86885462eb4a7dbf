// Every edge of the state diagram, entered one by one (RFC 9293 3.3.2, Figure 5, as stack/tcp/state.cpp has it).
#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <string>

#include "stack/tcp/connection.hpp"
#include "tests/support/script.hpp"

namespace sluice::test {
namespace {

using tcp::State;
using enum tcp::State;
using Edge = std::pair<State, State>;
using Play = std::function<void(Script&)>;

// --- how to come to each state -----------------------------------------------------------------------------------

void syn_sent_state(Script& s) {
  s.connect();
  s.out("S 0:0(0)");
}
void syn_received_state(Script& s) {
  syn_sent_state(s);
  s.in("S 0:0(0) <mss 1000>");
  s.out("S. 0:0(0) ack 1");
}
void established_state(Script& s) { s.established(); }
void fin_wait_1_state(Script& s) {
  s.established();
  s.finish();
  s.out("F. 1:1(0) ack 1");
}
void fin_wait_2_state(Script& s) {
  fin_wait_1_state(s);
  s.in(". 1:1(0) ack 2");
}
void close_wait_state(Script& s) {
  s.established();
  s.in("F. 1:1(0) ack 1");
  s.out(". 1:1(0) ack 2");
}
void closing_state(Script& s) {
  fin_wait_1_state(s);
  s.in("F. 1:1(0) ack 1");
  s.out(". 2:2(0) ack 2");
}
void last_ack_state(Script& s) {
  close_wait_state(s);
  s.finish();
  s.out("F. 1:1(0) ack 2");
}
void time_wait_state(Script& s) {
  s.config.tcp.compact_time_wait = false;
  fin_wait_2_state(s);
  s.in("F. 1:1(0) ack 2");
  s.out(". 2:2(0) ack 2");
}

// No call of an application closes a connection in LISTEN: the listener owns none. The machine can do it all the same.
void close_in_listen(Script& s) {
  struct Watch final : Observer {
    void on_event(const TraceEvent& event) noexcept override {
      if (event.kind == TraceKind::state && event.fields[0].text == "LISTEN" && event.fields[1].text == "CLOSED")
        edges_taken().insert({listen, closed});
    }
  } watch;
  ip::Outbox outbox;
  Budget budget(1 << 20);
  ip::Layer ip(s.config.ip, s.config.key, outbox, budget, Tracer());
  tcp::Environment env(s.config.tcp, ip, outbox, budget, s.config.key, Tracer(&watch));
  tcp::Connection connection(env, s.tuple(), {}, tcp::CongestionControl::reno);
  connection.open_passive();
  connection.close();
}

const std::map<Edge, Play>& plays() {
  static const std::map<Edge, Play> kPlays = {
      {{closed, listen}, established_state},
      {{listen, syn_received}, established_state},
      {{listen, closed}, close_in_listen},
      {{closed, syn_sent}, syn_sent_state},
      {{syn_sent, established}, [](Script& s) { s.established({.active = true}); }},
      {{syn_sent, syn_received}, syn_received_state},
      {{syn_sent, closed}, [](Script& s) { syn_sent_state(s), s.in("R. 0:0(0) ack 1"); }},
      {{syn_received, established}, [](Script& s) { syn_received_state(s), s.in(". 1:1(0) ack 1"); }},
      {{syn_received, listen},
       [](Script& s) {
         s.listen();
         s.in("S 0:0(0) <mss 1000>");
         s.take();
         s.in("R 1:1(0)");
       }},
      {{syn_received, fin_wait_1}, [](Script& s) { syn_received_state(s), s.finish(), s.skip(); }},
      {{syn_received, closed}, [](Script& s) { syn_received_state(s), s.in("R 1:1(0)"); }},
      {{State::established, fin_wait_1}, fin_wait_1_state},
      {{State::established, close_wait}, close_wait_state},
      {{State::established, closed}, [](Script& s) { s.established(), s.in("R 1:1(0)"); }},
      {{fin_wait_1, fin_wait_2}, fin_wait_2_state},
      {{fin_wait_1, closing}, closing_state},
      {{fin_wait_1, closed}, [](Script& s) { fin_wait_1_state(s), s.in("R 1:1(0)"); }},
      {{fin_wait_2, time_wait}, time_wait_state},
      {{fin_wait_2, closed}, [](Script& s) { fin_wait_2_state(s), s.in("R 1:1(0)"); }},
      {{close_wait, last_ack}, last_ack_state},
      {{close_wait, closed}, [](Script& s) { close_wait_state(s), s.in("R 2:2(0)"); }},
      {{closing, time_wait}, [](Script& s) { closing_state(s), s.in(". 2:2(0) ack 2"); }},
      {{closing, closed}, [](Script& s) { closing_state(s), s.in("R 2:2(0)"); }},
      {{last_ack, closed}, [](Script& s) { last_ack_state(s), s.in(". 2:2(0) ack 2"); }},
      {{time_wait, closed}, [](Script& s) { time_wait_state(s), s.run(60s); }},
  };
  return kPlays;
}

std::string text_of(const Edge& edge) {
  return std::string(name(edge.first)) + " to " + std::string(name(edge.second));
}

TEST_CASE("every edge of the table is entered by a play of its own, and no play leaves the table") {
  for (const tcp::Edge& edge : tcp::edges()) {
    const Edge wanted{edge.from, edge.to};
    const auto play = plays().find(wanted);
    REQUIRE_MESSAGE(play != plays().end(), "no play enters " << text_of(wanted));
    const std::set<Edge> before = std::exchange(edges_taken(), {});
    Script script;
    play->second(script);
    CHECK_MESSAGE(edges_taken().contains(wanted), text_of(wanted));
    for (const Edge& taken : edges_taken()) CHECK_MESSAGE(tcp::is_edge(taken.first, taken.second), text_of(taken));
    edges_taken().insert(before.begin(), before.end());
  }
  CHECK(plays().size() == tcp::edges().size());
}

TEST_CASE("a timeout or ABORT ends each state as well as a RST does") {
  for (const auto& state : {syn_sent_state, syn_received_state, established_state, fin_wait_1_state, fin_wait_2_state,
                            close_wait_state, closing_state, last_ack_state}) {
    Script script;
    state(script);
    script.abort();
    script.state_is(closed);
    script.error_is(Errc::connection_aborted);
    script.skip();
    script.quiet(1h);
  }
}

TEST_CASE("each state has the name that the RFC gives it") {
  CHECK(name(fin_wait_1) == "FIN-WAIT-1");
  CHECK(name(syn_received) == "SYN-RECEIVED");
  CHECK(name(time_wait) == "TIME-WAIT");
  for (std::size_t i = 0; i < tcp::kStateCount; ++i) CHECK(name(static_cast<State>(i)) != "?");
  CHECK_FALSE(tcp::is_edge(closed, State::established));
  CHECK_FALSE(tcp::is_edge(time_wait, State::established));
}

}  // namespace
}  // namespace sluice::test
