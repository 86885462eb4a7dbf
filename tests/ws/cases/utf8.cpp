// Section 6: what is text, and when that must be noticed (RFC 6455 8.1, RFC 3629).
#include <utility>

#include "tests/ws/cases/sections.hpp"

namespace sluice::ws::cases {
namespace {

/// Ends in characters of one, two and three bytes, so that fragments of a byte cut inside them.
const std::string kGood = "D\xc3\xa4mmerung \xe2\x82\xac \xf0\x9f\x8c\x85";
/// A surrogate in the middle.
const std::string kBad = kGood + "\xed\xa0\x80" + " afterwards";

std::vector<Step> in_fragments(const std::vector<std::string>& parts) {
  std::vector<Step> steps;
  for (std::size_t i = 0; i < parts.size(); ++i)
    steps.push_back(frame(
        static_cast<std::uint8_t>((i + 1 == parts.size() ? kFin : 0) | (i == 0 ? kText : kContinuation)), parts[i]));
  return steps;
}

std::vector<std::string> bytes_of(const std::string& text) {
  std::vector<std::string> parts;
  for (const char c : text) parts.emplace_back(1, c);
  return parts;
}

void add_good(Cases& cases, std::string number, std::string sentence, std::vector<Step> steps,
              const std::string& whole) {
  cases.push_back({.number = std::move(number),
                   .sentence = std::move(sentence),
                   .steps = std::move(steps),
                   .answers = {echo(whole)}});
}

void add_fragmented(Cases& cases) {
  const std::string greek = "\xce\xba\xce\xbf\xcf\x83\xce\xbc\xce\xb5";
  add_good(cases, "6.1.1", "an empty text comes back", {text("")}, "");
  add_good(cases, "6.1.2", "so does one of three empty fragments", in_fragments({"", "", ""}), "");
  add_good(cases, "6.1.3", "and one with an empty fragment on either side", in_fragments({"", "middle", ""}), "middle");
  add_good(cases, "6.2.1", "text beyond ASCII comes back", {text(kGood)}, kGood);
  add_good(cases, "6.2.2", "cut between two characters too", in_fragments({kGood.substr(0, 3), kGood.substr(3)}),
           kGood);
  add_good(cases, "6.2.3", "in fragments of a byte too", in_fragments(bytes_of(kGood)), kGood);
  add_good(cases, "6.2.4", "a short one in fragments of a byte too", in_fragments(bytes_of(greek)), greek);
  cases.push_back(
      {.number = "6.3.1", .sentence = "a surrogate in a text fails", .steps = {text(kBad)}, .end = fails(1007)});
  cases.push_back({.number = "6.3.2",
                   .sentence = "in fragments of a byte too",
                   .steps = in_fragments(bytes_of(kBad)),
                   .end = fails(1007)});
}

/// A text that is fine until `good` ends, wrong from the next byte on, and not over then.
void add_fail_fast(Cases& cases, const std::string& frames, const std::string& chops, const char* what,
                   const std::string& good, const std::string& wrong) {
  const std::string rest = "\x80\x80 and so on";
  cases.push_back(
      {.number = frames,
       .sentence = std::string(what) + ": fails with its fragment, though the message goes on",
       .steps = {frame(kText, good), alive(), frame(kContinuation, wrong), dead(), frame(kFin | kContinuation, rest)},
       .end = fails(1007)});
  cases.push_back(
      {.number = chops,
       .sentence = std::string(what) + ": fails with its byte, though the frame goes on",
       .steps = {head(good.size() + wrong.size() + rest.size(), good), alive(), more(wrong), dead(), more(rest)},
       .end = fails(1007)});
}

/// A group of single texts: their numbers count from 1. "+" is text, "-" is not; then the bytes in hexadecimal.
struct Group {
  int number;
  const char* what;
  std::vector<std::string> texts;
};

std::string from_hex(std::string_view digits) {
  const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes.push_back(static_cast<char>(value(digits[i]) * 16 + value(digits[i + 1])));
  return bytes;
}

std::string to_hex(const std::string& bytes) {
  std::string digits;
  for (const char c : bytes) {
    digits += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    digits += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  }
  return digits;
}

/// Every beginning of a text of characters of two and three bytes.
std::vector<std::string> prefixes() {
  const std::string whole = "cebae1bdb9cf83cebcceb5";
  const std::string ends_character = "01001010101";  // by bytes
  std::vector<std::string> texts;
  for (std::size_t i = 1; i <= ends_character.size(); ++i)
    texts.push_back((ends_character[i - 1] == '1' ? "+" : "-") + whole.substr(0, 2 * i));
  return texts;
}

std::string every(int from, int to, const std::string& behind) {
  std::string digits;
  for (int byte = from; byte < to; ++byte) digits += to_hex(std::string(1, static_cast<char>(byte))) + behind;
  return digits;
}

/// The last two code points of each plane: no characters, but numbers that UTF-8 encodes (RFC 3629 3).
std::vector<std::string> noncharacters() {
  std::vector<std::string> texts = {"+efbfbe", "+efbfbf"};
  for (const char* lead : {"f09f", "f0af", "f0bf", "f18f", "f19f", "f1af", "f1bf", "f28f", "f29f", "f2af", "f2bf",
                           "f38f", "f39f", "f3af", "f3bf", "f48f"})
    for (const char* last : {"bfbe", "bfbf"}) texts.push_back(std::string("+") + lead + last);
  return texts;
}

std::vector<Group> groups() {
  return {
      {5,
       "text with a character of one to four bytes",
       {"+68656c6c6f24776f726c64", "+68656c6c6fc2a2776f726c64", "+68656c6c6fe282ac776f726c64",
        "+68656c6c6ff0a4ada2776f726c64", "+cebae1bdb9cf83cebcceb5"}},
      {6, "the beginning of a text", prefixes()},
      {7, "the least character of its length", {"+00", "+c280", "+e0a080", "+f0908080"}},
      {8, "the least of five or six bytes", {"-f888808080", "-fc8480808080"}},
      {9, "the greatest of its length", {"+7f", "+dfbf", "+efbfbf", "+f48fbfbf"}},
      {10, "the greatest of four to six bytes", {"-f7bfbfbf", "-fbbfbfbfbf", "-fdbfbfbfbfbf"}},
      {11, "a border", {"+ed9fbf", "+ee8080", "+efbfbd", "+f48fbfbf", "-f4908080"}},
      {12,
       "continuations of nothing",
       {"-80", "-bf", "-80bf", "-80bf80", "-80bf80bf", "-80bf80bf80", "-80bf80bf80bf", "-" + every(0x80, 0xbf, "")}},
      {13,
       "lead bytes alone",
       {"-" + every(0xc0, 0xdf, "20"), "-" + every(0xe0, 0xef, "20"), "-" + every(0xf0, 0xf7, "20"),
        "-" + every(0xf8, 0xfb, "20"), "-" + every(0xfc, 0xfd, "20")}},
      {14,
       "a character without its last byte",
       {"-c0", "-e080", "-f08080", "-f8808080", "-fc80808080", "-df", "-efbf", "-f7bfbf", "-fbbfbfbf", "-fdbfbfbfbf"}},
      {15, "all of these", {"-c0e080f08080f8808080fc80808080dfefbff7bfbffbbfbfbffdbfbfbfbf"}},
      {16, "impossible bytes", {"-fe", "-ff", "-fefeffff"}},
      {17, "a slash in too many bytes", {"-c0af", "-e080af", "-f08080af", "-f8808080af", "-fc80808080af"}},
      {18, "the greatest in one byte too many", {"-c1bf", "-e09fbf", "-f08fbfbf", "-f887bfbfbf", "-fc83bfbfbfbf"}},
      {19, "NUL in too many bytes", {"-c080", "-e08080", "-f0808080", "-f880808080", "-fc8080808080"}},
      {20, "a surrogate", {"-eda080", "-edadbf", "-edae80", "-edafbf", "-edb080", "-edbe80", "-edbfbf"}},
      {21,
       "a pair of them",
       {"-eda080edb080", "-eda080edbfbf", "-edadbfedb080", "-edadbfedbfbf", "-edae80edb080", "-edae80edbfbf",
        "-edafbfedb080", "-edafbfedbfbf"}},
      {22, "a code point that is no character", noncharacters()},
      {23, "a special one", {"+efbfb9", "+efbfba", "+efbfbb", "+efbfbc", "+efbfbd", "+efbfbe", "+efbfbf"}},
  };
}

void add_single(Cases& cases, std::string number, const std::string& what, const std::string& marked) {
  const std::string bytes = from_hex(std::string_view(marked).substr(1));
  if (marked[0] == '+') return add_good(cases, std::move(number), what + " comes back", {text(bytes)}, bytes);
  cases.push_back({.number = std::move(number),
                   .sentence = what + ", which is no text, fails",
                   .steps = {text(bytes), dead()},
                   .end = fails(1007)});
}

}  // namespace

Cases utf8() {
  Cases cases;
  add_fragmented(cases);
  add_fail_fast(cases, "6.4.1", "6.4.3", "a number beyond U+10FFFF", kGood, "\xf4\x90\x80\x80");
  add_fail_fast(cases, "6.4.2", "6.4.4", "its second byte alone", kGood + "\xf4", "\x90");
  for (const Group& group : groups())
    for (std::size_t i = 0; i < group.texts.size(); ++i)
      add_single(cases, "6." + std::to_string(group.number) + '.' + std::to_string(i + 1), group.what, group.texts[i]);
  return cases;
}

}  // namespace sluice::ws::cases
