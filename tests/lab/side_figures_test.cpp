// A conversation in figures: what is counted, and which round trips are believed.
#include "lab/side_figures.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/lab/told.hpp"

namespace sluice::lab {
namespace {

using namespace std::chrono_literals;

// 10 ms apart, as all lines that are told.
TEST_CASE("round trips are counted from text to its ACK, with least, mean and most") {
  const Told told(opened({"> P. 101:201(100) ack 901 win 1000", "< . 901:901(0) ack 201 win 1000",
                          "> P. 201:301(100) ack 901 win 1000", "> P. 301:401(100) ack 901 win 1000",
                          "> P. 401:501(100) ack 901 win 1000", "< . 901:901(0) ack 301 win 1000",
                          "< . 901:901(0) ack 501 win 1000"}));
  const SideFigures& figures = told.all().opener;
  CHECK(figures.rtt_samples == 3);
  CHECK(figures.rtt_least == 10ms);
  CHECK(figures.rtt_most == 30ms);
  CHECK(figures.rtt_mean == 20ms);
  CHECK(told.all().other.rtt_samples == 0);
}

TEST_CASE("the mean of round trips of centuries is no accident of 64 bits") {
  constexpr Duration kCentury = std::chrono::hours(24 * 365 * 100);
  const wire::tcp::Header header;
  ConnectionFigures figures;
  for (std::int64_t i = 0; i < 4; ++i) {
    ExplainedSegment text, answer;
    text.range = {i, i + 1};
    answer.has_ack = true;
    answer.ack = i + 1;
    figures.take(true, Time{}, header, 1, text);
    figures.take(false, Time{} + kCentury, header, 0, answer);
  }
  CHECK(figures.of(true).rtt_samples == 4);
  CHECK(figures.of(true).rtt_mean == kCentury);
}

TEST_CASE("text that was sent twice tells no round trip, nor what waited behind it (RFC 6298 3)") {
  const Told told(opened({"> . 101:201(100) ack 901 win 1000", "> . 201:301(100) ack 901 win 1000",
                          "> . 101:201(100) ack 901 win 1000", "< . 901:901(0) ack 301 win 1000",
                          "> . 301:401(100) ack 901 win 1000", "< . 901:901(0) ack 401 win 1000"}));
  CHECK(told.all().opener.rtt_samples == 1);
  CHECK(told.all().opener.rtt_most == 10ms);
}

TEST_CASE("an ACK for which a gap had to be filled first tells no round trip, nor does a window probe's") {
  const Told gap(opened({"> . 101:201(100) ack 901 win 1000", "> . 301:401(100) ack 901 win 1000",
                         "> . 201:301(100) ack 901 win 1000", "< . 901:901(0) ack 401 win 1000"}));
  CHECK(gap.all().opener.rtt_samples == 0);
  CHECK(gap.all().opener.out_of_order == 1);
  const Told probe(opened({"> P. 101:1101(1000) ack 901 win 1000", "< . 901:901(0) ack 1101 win 0",
                           "> . 1101:1102(1) ack 901 win 1000", "< . 901:901(0) ack 1102 win 500"}));
  CHECK(probe.all().opener.rtt_samples == 1);
}

TEST_CASE("of a segment that brings some text again only that text counts as retransmitted") {
  const Told told(opened({"> P. 101:201(100) ack 901 win 1000", "> P. 151:301(150) ack 901 win 1000",
                          "> FP. 251:301(50) ack 901 win 1000", "> FP. 251:301(50) ack 901 win 1000"}));
  CHECK(told.all().opener.retransmissions == 3);
  CHECK(told.all().opener.retransmitted_bytes == 150);
}

TEST_CASE("windows are counted behind the SYN, closings once each, and SACK blocks one by one") {
  const Told told(
      opened({"> . 101:201(100) ack 901 win 700", "> . 301:401(100) ack 901 win 700",
              "< . 901:901(0) ack 101 win 900 <nop,nop,sack 301:401>", "> . 501:601(100) ack 901 win 700",
              "< . 901:901(0) ack 101 win 800 <nop,nop,sack 501:601 301:401>", "< . 901:901(0) ack 101 win 0",
              "< . 901:901(0) ack 101 win 0", "< . 901:901(0) ack 101 win 1200"}));
  CHECK(told.all().other.largest_window == 1200);
  CHECK(told.all().other.smallest_window == 0u);
  CHECK(told.all().other.zero_windows == 1);
  CHECK(told.all().other.sack_blocks == 3);
  CHECK(told.all().opener.smallest_window == 700u);
  CHECK(told.all().opener.mss == 1000);
}

TEST_CASE("in flight is what was sent and not acknowledged, SYN and FIN not counted") {
  const auto most = [](const std::vector<std::string>& lines) { return Told(lines).all().opener.most_in_flight; };
  CHECK(most(kOpening) == 0);
  CHECK(most(opened({"> . 101:201(100) ack 901 win 1000", "> . 201:301(100) ack 901 win 1000",
                     "< . 901:901(0) ack 301 win 1000", "> FP. 301:451(150) ack 901 win 1000"})) == 200);
  CHECK(most(opened({"> FP. 101:351(250) ack 901 win 1000"})) == 250);
  CHECK(most({"> P. 101:201(100) ack 901 win 1000"}) == 0);  // nothing of the other side was captured
}

TEST_CASE("throughput is text once over the time of one's own packets, and idle the longest time between two") {
  const Told told(opened({"> . 101:201(100) ack 901 win 1000", "> . 101:201(100) ack 901 win 1000",
                          "< . 901:901(0) ack 201 win 1000", "< . 901:901(0) ack 201 win 900",
                          "< . 901:901(0) ack 201 win 800", "> . 201:221(20) ack 901 win 1000"}));
  CHECK(told.all().opener.throughput == 1500);  // 120 bytes in 80 ms
  CHECK(told.all().opener.longest_idle == 40ms);
  CHECK(told.all().other.throughput == 0);
  CHECK(told.all().other.longest_idle == 40ms);
}

}  // namespace
}  // namespace sluice::lab
