// What a stack tells of a segment finds its packet, and says in words what it tells.
#include "lab/departures.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/bare_segment.hpp"

namespace sluice::lab {
namespace {

using namespace std::chrono_literals;

/// Events about segments, and what became of the packets: "seq reason".
struct Log {
  std::vector<std::string> written;
  Departures departures{[this](Time, Bytes packet, const DepartureNote& note) {
    written.push_back(std::to_string(ByteReader(packet.subspan(24)).u32()) + " " + note.reason);
  }};

  void tell(std::uint32_t seq, std::string_view reason, TraceKind kind = TraceKind::segment_out) {
    const std::vector<TraceField> fields = {{"seq", seq}, {"ack", 7}, {"flags", 16}, {"reason", 0, reason}};
    departures.told({Time(), kind, 1, fields});
  }
  void leave(std::uint32_t seq) { departures.left(Time(), test::bare_segment(seq, 7, 16)); }
};

TEST_CASE("a note that is told behind its packet or before it finds it") {
  Log log;
  log.tell(3, "early");
  log.leave(1);
  log.tell(1, "behind");
  log.leave(2);
  log.leave(3);
  log.departures.flush();
  CHECK(log.written == std::vector<std::string>{"1 behind", "2 ", "3 early"});
}

TEST_CASE("a packet sent twice has two notes, each its own") {
  Log log;
  log.leave(1);
  log.tell(1, "first");
  log.leave(1);
  log.tell(1, "again");
  log.departures.clear();
  CHECK(log.written == std::vector<std::string>{"1 first", "1 again"});
}

TEST_CASE("events of other kinds, and without a reason, say nothing") {
  Log log;
  log.leave(1);
  log.tell(1, "arrived", TraceKind::segment_in);
  log.tell(1, "");
  log.departures.clear();
  CHECK(log.written == std::vector<std::string>{"1 "});
}

TEST_CASE("a comment has the reason in words with its clause, and the variables of its connection") {
  const std::vector<TraceField> fields = {{"reason", 0, "rack_loss"},
                                          {"clause", 0, "RFC 8985 6.2"},
                                          {"state", 0, "ESTABLISHED"},
                                          {"una", 2897},
                                          {"nxt", 14481},
                                          {"wnd", 65535},
                                          {"rcv_nxt", 1},
                                          {"rcv_wnd", 32768},
                                          {"cwnd", 10136},
                                          {"ssthresh", 10136},
                                          {"pipe", 1448},
                                          {"srtt_us", 20012},
                                          {"rto_us", 220000}};
  CHECK(departure_note({Time(), TraceKind::segment_out, 1, fields}).comment ==
        "rack_loss: retransmission: lost by RACK, text sent later has arrived (RFC 8985 6.2)\n"
        "ESTABLISHED: snd.una 2897 nxt 14481 wnd 65535, rcv.nxt 1 wnd 32768, cwnd 10136 ssthresh 10136 pipe 1448, "
        "srtt 20.012 ms, rto 220.000 ms");
  const std::vector<TraceField> alone = {{"reason", 0, "reset_no_connection"}, {"clause", 0, "RFC 9293 3.10.7.1"}};
  CHECK(departure_note({Time(), TraceKind::segment_out, 0, alone}).comment ==
        "reset_no_connection: RST: nobody is here (RFC 9293 3.10.7.1)");
}

}  // namespace
}  // namespace sluice::lab
