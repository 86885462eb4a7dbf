// Pictures of conversations: what they are made of, where it stands, and that they stay well-formed.
#include "lab/svg.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "lab/ladder_svg.hpp"
#include "lab/time_sequence_svg.hpp"
#include "tests/lab/told.hpp"

namespace sluice::lab {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

/// The path of a look; empty when there is none.
std::string path_of(const std::string& picture, const std::string& look) {
  const std::string begin = "<path class=\"" + look + "\" d=\"";
  const std::size_t at = picture.find(begin);
  if (at == std::string::npos) return {};
  return picture.substr(at + begin.size(), picture.find('"', at + begin.size()) - at - begin.size());
}

const std::vector<std::string> kLoss =
    opened({"> . 101:201(100) ack 901 win 1000", "> . 201:301(100) ack 901 win 1000",
            "> . 301:401(100) ack 901 win 1000", "< . 901:901(0) ack 101 win 1000 <nop,nop,sack 201:301>",
            "> . 101:201(100) ack 901 win 1000", "< . 901:901(0) ack 401 win 1000"});

TEST_CASE("text in a picture is escaped, and what XML can't hold is replaced") {
  CHECK(xml_escaped("a < b & \"c\" > d") == "a &lt; b &amp; &quot;c&quot; &gt; d");
  CHECK(xml_escaped("5 \xc2\xb5s") == "5 \xc2\xb5s");
  const std::string replaced = "\xef\xbf\xbd";
  for (const char* bad : {"\x01", "\x1b", "\xff", "\x80"}) CHECK(xml_escaped(bad) == replaced);
  CHECK(xml_escaped("\xc0\xaf") == replaced + replaced);                 // longer than need be
  CHECK(xml_escaped("\xed\xa0\x80") == replaced + replaced + replaced);  // a surrogate
  CHECK(xml_escaped("\xe2\x82") == replaced + replaced);                 // cut short
}

TEST_CASE("coordinates have one decimal at most") {
  CHECK(coordinate(3) == "3");
  CHECK(coordinate(2.25) == "2.3");
  CHECK(coordinate(-0.04) == "0");
  CHECK(coordinate(-12.5) == "-12.5");
}

TEST_CASE("ticks are round numbers within the axis") {
  CHECK(round_ticks(0, 10, 5) == std::vector<double>{0, 2, 4, 6, 8, 10});
  CHECK(round_ticks(0, 43, 5) == std::vector<double>{0, 10, 20, 30, 40});
  CHECK(round_ticks(-3, 3, 8) == std::vector<double>{-3, -2, -1, 0, 1, 2, 3});
  for (const double high : {0.001, 0.7, 1.0, 9.99, 123456.0}) {
    CHECK(round_ticks(0, high, 6).size() >= 3);
    CHECK(round_ticks(0, high, 6).size() <= 7);
    CHECK(round_ticks(0, high, 6).back() <= high);
  }
}

TEST_CASE("a time-sequence graph has bars of text and of what was sent again, SACK blocks, and both staircases") {
  const std::string picture = time_sequence_svg(Told(kLoss).all());
  CHECK(has(picture, "<title>tcp 10.0.0.1:40000 &gt; 10.0.0.2:80: time and sequence numbers</title>"));
  CHECK(has(picture, "class=\"background\""));
  CHECK(count(path_of(picture, "plain bar"), "M") == 4);  // SYN and three segments
  CHECK(count(path_of(picture, "again bar"), "M") == 1);
  CHECK(count(path_of(picture, "sack bar"), "M") == 1);
  CHECK(count(path_of(picture, "acked"), "V") == 1);
  CHECK(!path_of(picture, "window").empty());
  for (const char* words :
       {">SYN<", ">80 ms<", ">300 B<", ">sent again<", "text of 10.0.0.1:40000, ACKs of 10.0.0.2:80"})
    CHECK(has(picture, words));
}

TEST_CASE("the bar of a segment that is sent again stands at the height of the one that was lost, further right") {
  const std::string picture = time_sequence_svg(Told(kLoss).all());
  const std::string text = path_of(picture, "plain bar"), again = path_of(picture, "again bar");
  const std::string heights = again.substr(again.find(' '));
  CHECK(has(text, heights));
  CHECK(std::stod(again.substr(1)) > std::stod(text.substr(text.find(heights) - 3)));
}

TEST_CASE("a window's edge far above the text is told in words") {
  CHECK(has(time_sequence_svg(Told(kLoss).all()), "edge runs up to 1301 B"));
  const Told filled(opened({"> P. 101:1101(1000) ack 901 win 1000", "< . 901:901(0) ack 1101 win 200"}));
  CHECK(!has(time_sequence_svg(filled.all()), "edge runs"));
}

TEST_CASE("each direction with text has a graph of its own") {
  CHECK(count(time_sequence_svg(Told(kLoss).all()), "ACKs of") == 1);
  const Told both(opened({"> P. 101:201(100) ack 901 win 1000", "< P. 901:951(50) ack 201 win 1000"}));
  CHECK(count(time_sequence_svg(both.all()), "ACKs of") == 2);
  CHECK(count(time_sequence_svg(Told(kOpening).all()), "ACKs of") == 1);
}

TEST_CASE("bars that touch within a pixel are one, so a long capture makes no long picture") {
  std::vector<std::string> lines = opened({});
  for (int i = 0; i < 20000; ++i) {
    const int begin = 101 + i * 10;
    lines.push_back("> . " + std::to_string(begin) + ":" + std::to_string(begin + 10) + "(10) ack 901 win 1000");
  }
  const std::string picture = time_sequence_svg(Told(lines).all());
  CHECK(count(path_of(picture, "plain bar"), "M") < 10000);
  CHECK(picture.size() < 300'000);
}

TEST_CASE("a ladder has an arrow for each packet with its text, and what it does beside it") {
  const std::string picture = ladder_svg(Told(kLoss).all());
  CHECK(count(picture, "<line class=\"lifeline\"") == 2);
  CHECK(count(picture, "<line class=\"plain\"") == 7);
  CHECK(count(picture, "<line class=\"again\"") == 1);
  CHECK(count(picture, "<line class=\"duplicate\"") == 1);
  for (const char* words :
       {">10.0.0.1:40000<", ">10.0.0.2:80<", ">. 1:101(100) ack 1 win 1000<", ">completes the handshake<",
        ">fast retransmission (RFC 5681 3.2)<", "win 1000 &lt;mss 1000"})
    CHECK_MESSAGE(has(picture, words), std::string(words));
}

TEST_CASE("of a long conversation the ladder draws both ends, and says how many packets it leaves out") {
  const Told told(kLoss);
  const std::string picture = ladder_svg(told.all(), {.first = 4, .last = 2});
  CHECK(count(picture, "<path") == 6);
  CHECK(has(picture, "3 of 9 packets are left out here"));
  CHECK(has(picture, ">9</text>"));
  CHECK(!has(picture, ">5</text>"));
  CHECK(!has(ladder_svg(told.all(), {.first = 9, .last = 0}), "left out"));
}

TEST_CASE("a segment's colour is that of the most remarkable thing that it does") {
  CHECK(look_of({}) == "plain");
  CHECK(look_of({Deed::syn, Deed::fills_window}) == "plain");
  CHECK(look_of({Deed::retransmission, Deed::fast}) == "again");
  CHECK(look_of({Deed::out_of_order}) == "overtaken");
  CHECK(look_of({Deed::duplicate_ack}) == "duplicate");
  CHECK(look_of({Deed::keep_alive}) == "probe");
  CHECK(look_of({Deed::reset, Deed::retransmission}) == "reset");
}

}  // namespace
}  // namespace sluice::lab
