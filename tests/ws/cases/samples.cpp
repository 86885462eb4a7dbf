// A generator each, always with the same numbers.
#include "tests/ws/cases/samples.hpp"

#include <array>
#include <cstdint>

namespace sluice::ws::cases {
namespace {

constexpr std::size_t kSize = 200'000;

class Dice {
 public:
  std::uint32_t below(std::uint32_t bound) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state_ >> 33) % bound;
  }

 private:
  std::uint64_t state_ = 20;
};

constexpr std::array<const char*, 24> kWords = {
    "river",  "stone", "the",  "a",   "harbour", "ship",   "sails", "night", "over",   "under", "and",    "with",
    "slowly", "light", "wind", "old", "water",   "closes", "opens", "gate",  "keeper", "who",   "writes", "waits"};

std::string word(Dice& dice) { return kWords[dice.below(kWords.size())]; }

/// Calls `add(text, dice)` until the text is long enough.
template <class Add>
std::string grow(Add add) {
  Dice dice;
  std::string text;
  while (text.size() < kSize) add(text, dice);
  text.resize(kSize);
  return text;
}

void add_record(std::string& text, Dice& dice) {
  text += "{\"id\": " + std::to_string(dice.below(1'000'000)) + ", \"name\": \"" + word(dice) +
          "\", \"open\": " + (dice.below(2) == 0 ? "true" : "false") + ", \"tags\": [\"" + word(dice) + "\", \"" +
          word(dice) + "\"], \"weight\": " + std::to_string(dice.below(1000)) + "." + std::to_string(dice.below(100)) +
          "},\n";
}

/// A row of grey: a slope with noise.
void add_row(std::string& text, Dice& dice) {
  const std::size_t row = text.size() / 512;
  for (std::size_t x = 0; x < 512; ++x) text.push_back(static_cast<char>((x / 4 + row / 3 + dice.below(6)) & 0xff));
}

void add_sentence(std::string& text, Dice& dice) {
  const std::uint32_t words = 4 + dice.below(12);
  for (std::uint32_t i = 0; i < words; ++i) text += (i == 0 ? "" : " ") + word(dice);
  text += dice.below(4) == 0 ? ".\r\n" : ". ";
}

void add_section(std::string& text, Dice& dice) {
  text += "<div class=\"" + word(dice) + "\"><h2>" + word(dice) + "</h2><ul>";
  for (int i = 0; i < 4; ++i)
    text += "<li><a href=\"/" + word(dice) + "/" + word(dice) + "\">" + word(dice) + "</a></li>";
  text += "</ul></div>\n";
}

/// An object of a document: words around bytes that don't pack at all.
void add_object(std::string& text, Dice& dice) {
  text += std::to_string(text.size()) + " 0 obj << /Length 700 /Filter /" + word(dice) + " >> stream\n";
  for (int i = 0; i < 700; ++i) text.push_back(static_cast<char>(dice.below(256)));
  text += "\nendstream endobj\n";
}

}  // namespace

const std::string& json_sample() {
  static const std::string kText = grow(add_record);
  return kText;
}
const std::string& picture_sample() {
  static const std::string kBytes = grow(add_row);
  return kBytes;
}
const std::string& prose_sample() {
  static const std::string kText = grow(add_sentence);
  return kText;
}
const std::string& page_sample() {
  static const std::string kText = grow(add_section);
  return kText;
}
const std::string& document_sample() {
  static const std::string kBytes = grow(add_object);
  return kBytes;
}

}  // namespace sluice::ws::cases
