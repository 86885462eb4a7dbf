// Pieces of text in any order, over one another, with holes.
#include "lab/stream_text.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

namespace sluice::lab {
namespace {

using namespace std::string_view_literals;

Bytes bytes(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

std::string copy(const StreamText& text) {
  const auto all = text.copy();
  return {all.begin(), all.end()};
}

TEST_CASE("pieces that come out of order fill the holes they belong in") {
  StreamText text;
  CHECK(text.empty());
  CHECK(text.place(0, bytes("ab")));
  CHECK(text.place(5, bytes("fg")));
  CHECK(copy(text) == "ab\0\0\0fg"sv);
  CHECK(text.place(3, bytes("d")));
  CHECK(text.place(2, bytes("cXe")));
  CHECK(copy(text) == "abcdefg");
  CHECK(text.size() == 7);
}

TEST_CASE("of a byte that comes twice the first copy counts") {
  StreamText text;
  text.place(2, bytes("cd"));
  CHECK_FALSE(text.place(2, bytes("XY")));
  CHECK_FALSE(text.place(3, bytes("Z")));
  CHECK_FALSE(text.place(9, {}));
  CHECK(text.place(0, bytes("abQRefg")));
  CHECK(copy(text) == "abcdefg");
}

TEST_CASE("text is held against what belongs in its place, and ends with it") {
  StreamText text;
  text.place(0, bytes("abc"));
  text.place(3, bytes("def"));
  CHECK(text.agreement(0, bytes("abcdef")) == 6);
  CHECK(text.agreement(2, bytes("cdX")) == 2);
  CHECK(text.agreement(4, bytes("efg")) == 2);
  CHECK(text.agreement(100, bytes("e")) == 0);
}

TEST_CASE("a run is what lies together, and a hole reads as zeros") {
  StreamText text;
  text.place(0, bytes("ab"));
  text.place(10000, bytes("z"));
  CHECK(text.run_at(1).size() == 1);
  CHECK(text.run_at(2).size() == 4096);
  CHECK(text.run_at(9999).size() == 1);
  CHECK(text.run_at(9999)[0] == 0);
  CHECK(text.run_at(10001).empty());
}

}  // namespace
}  // namespace sluice::lab
