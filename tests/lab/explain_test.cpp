// What is said of each packet of a conversation, and the figures below it.
#include "lab/explain.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/lab/told.hpp"

namespace sluice::lab {
namespace {

using namespace std::chrono_literals;

TEST_CASE("opening and closing are named, step by step") {
  const Told told(opened(
      {"> F. 101:101(0) ack 901 win 1000", "< F. 901:901(0) ack 102 win 1000", "> . 102:102(0) ack 902 win 1000"}));
  CHECK(told.note(1) == "opens");
  CHECK(told.note(2) == "accepts");
  CHECK(told.note(3) == "completes the handshake");
  CHECK(told.note(4) == "closes its side");
  CHECK(told.note(5) == "closes too");
  CHECK(told.note(6).empty());
}

TEST_CASE("a refusal and an abort are not the same RST") {
  CHECK(Told({"> S 100:100(0) win 1000", "< R. 0:0(0) ack 101 win 0"}).note(2).find("refuses") == 0);
  CHECK(Told(opened({"< R. 901:901(0) ack 101 win 0"})).note(4).find("aborts") == 0);
}

TEST_CASE("duplicate ACKs are counted, and what they bring about is a fast retransmission") {
  const Told told(
      opened({"> . 101:201(100) ack 901 win 1000", "> . 201:301(100) ack 901 win 1000",
              "< . 901:901(0) ack 101 win 1000", "< . 901:901(0) ack 101 win 1000", "< . 901:901(0) ack 101 win 1000",
              "> . 101:201(100) ack 901 win 1000", "< . 901:901(0) ack 301 win 1000"}));
  CHECK(told.note(6) == "duplicate ACK no. 1");
  CHECK(told.note(8) == "duplicate ACK no. 3");
  CHECK(told.note(9).find("fast retransmission") == 0);
  CHECK(told.all().other.duplicate_acks == 3);
  CHECK(told.all().opener.retransmissions == 1);
}

TEST_CASE("without news the time since the last text is said") {
  const Told told(opened({"> P. 101:201(100) ack 901 win 1000", "> P. 101:201(100) ack 901 win 1000"}));
  CHECK(told.note(5) == "retransmission 10 ms after the last text");
}

TEST_CASE("what is sent again long after the last ACK is not fast, whatever that ACK said") {
  std::vector<std::string> lines = {"> . 101:201(100) ack 901 win 1000", "> . 201:301(100) ack 901 win 1000",
                                    "< . 901:901(0) ack 101 win 1000 <nop,nop,sack 201:301>"};
  for (int i = 0; i < 20; ++i) lines.push_back("< P. 901:902(1) win 1000");  // 200 ms go by
  lines.push_back("> . 101:201(100) ack 901 win 1000");
  const Told told(opened(lines));
  CHECK(told.note(lines.size() + 3) == "retransmission 220 ms after the last text");
}

TEST_CASE("text behind a gap, and the text that fills it, were overtaken and not repeated") {
  const Told told(opened(
      {"> . 101:201(100) ack 901 win 1000", "> . 301:401(100) ack 901 win 1000", "> . 201:301(100) ack 901 win 1000"}));
  CHECK(told.note(5) == "behind a gap of 100 bytes");
  CHECK(told.note(6) == "out of order: fills a gap");
  CHECK(told.all().opener.retransmissions == 0);
  CHECK(told.all().opener.out_of_order == 1);
}

TEST_CASE("a D-SACK names the packet that was needless (RFC 2883)") {
  const Told told(
      opened({"> P. 101:201(100) ack 901 win 1000", "> P. 101:201(100) ack 901 win 1000",
              "< . 901:901(0) ack 201 win 1000", "< . 901:901(0) ack 201 win 1000 <nop,nop,sack 101:201>"}));
  CHECK(told.note(7).find("D-SACK: 1:101 came twice: packet 5 was needless") != std::string::npos);
}

TEST_CASE("a window is filled, closed, probed and opened again") {
  const Told told(opened({"> P. 101:1101(1000) ack 901 win 1000", "< . 901:901(0) ack 1101 win 0",
                          "> . 1101:1102(1) ack 901 win 1000", "< . 901:901(0) ack 1101 win 0",
                          "< . 901:901(0) ack 1101 win 500", "< . 901:901(0) ack 1101 win 800"}));
  CHECK(told.note(4) == "fills the window");
  CHECK(told.note(5) == "closes its window");
  CHECK(told.note(6).find("window probe") == 0);
  CHECK(told.note(8) == "opens its window");
  CHECK(told.note(9) == "window update");
  CHECK(told.all().other.zero_windows == 1);
}

TEST_CASE("a segment just left of what is acknowledged keeps the connection alive") {
  const Told told(opened({"> P. 101:201(100) ack 901 win 1000", "< . 901:901(0) ack 201 win 1000",
                          "> . 200:200(0) ack 901 win 1000", "< . 901:901(0) ack 201 win 1000"}));
  CHECK(told.note(6).find("keep-alive") == 0);
  CHECK(told.note(7) == "answers the keep-alive");
  CHECK(told.segment(6).deeds == Deeds{Deed::keep_alive});
  CHECK(told.segment(7).deeds == Deeds{Deed::keeps_alive});
}

TEST_CASE("to a closed window it is a probe, and so is the byte that is sent once more (RFC 9293 3.8.6.1)") {
  const Told told(opened(
      {"> P. 101:1101(1000) ack 901 win 1000", "< . 901:901(0) ack 1101 win 0", "> . 1100:1100(0) ack 901 win 1000",
       "< . 901:901(0) ack 1101 win 0", "> . 1101:1102(1) ack 901 win 1000", "< . 901:901(0) ack 1101 win 0",
       "> . 1101:1102(1) ack 901 win 1000", "< . 901:901(0) ack 1101 win 500", "> . 1101:1201(100) ack 901 win 1000"}));
  for (const std::size_t probe : {6u, 8u, 10u}) CHECK(told.segment(probe).deeds == Deeds{Deed::window_probe});
  for (const std::size_t answer : {7u, 9u}) CHECK(told.note(answer) == "answers the probe");
  CHECK(told.all().other.duplicate_acks == 0);
  CHECK(told.segment(12).deeds == Deeds{Deed::retransmission});
  CHECK(told.all().opener.retransmissions == 1);
}

TEST_CASE("a connection met in mid-life is explained from there") {
  const Told told({"> P. 5000:5100(100) ack 901 win 1000", "< . 901:901(0) ack 5100 win 1000"});
  CHECK(told.note(1).empty());
  CHECK(told.all().opener.rtt_samples == 1);
}

TEST_CASE("a segment's numbers are relative to the first of their side, SACK blocks to the other's") {
  const Told told(
      opened({"> . 201:301(100) ack 901 win 1000", "< . 901:911(10) ack 101 win 800 <nop,nop,sack 201:301>"}));
  const ExplainedSegment& one = told.segment(5);
  CHECK(one.range.begin == 1);
  CHECK(one.range.end == 11);
  CHECK(one.ack == 1);
  CHECK(one.window == 800);
  REQUIRE(one.sacks.size() == 1);
  CHECK(one.sacks[0].begin == 101);
  CHECK(one.sacks[0].end == 201);
  CHECK(names(told.segment(2).deeds) == std::vector<std::string_view>{"syn"});
  CHECK(names(told.segment(4).deeds) == std::vector<std::string_view>{"behind_gap"});
}

TEST_CASE("windows are scaled only when both SYNs said so (RFC 7323 2.2)") {
  const auto largest = [](const char* server_option) {
    return Told({"> S 100:100(0) win 1000 <wscale 3>", std::string("< S. 900:900(0) ack 101 win 1000") + server_option,
                 "> . 101:101(0) ack 901 win 500"})
        .all()
        .opener.largest_window;
  };
  CHECK(largest(" <wscale 2>") == 4000);
  CHECK(largest("") == 1000);
}

TEST_CASE("the text is a ladder with the figures of both sides below it") {
  const Told told(opened({"> P. 101:201(100) ack 901 win 1000", "< . 901:901(0) ack 201 win 1000"}));
  const std::string text = to_text(told.all());
  CHECK(text.find("opener") != std::string::npos);
  CHECK(text.find("(1: opens)") != std::string::npos);
  CHECK(
      text.find("opener: 3 packets, 100 bytes, 0 retransmitted (0 bytes), 0 out of order, 0 duplicate ACKs, 0 SACK "
                "blocks\n  window 1000 to 1000, MSS 1000; 26.664 kbit/s, 100 bytes in flight at most, silent for 20 ms "
                "at most; round trips 10.000 / 10.000 / 10.000 ms (least, mean, most of 1)\n") != std::string::npos);
  CHECK(text.find("open after 0.040 s") != std::string::npos);
}

}  // namespace
}  // namespace sluice::lab
