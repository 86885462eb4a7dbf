// Sections 9 and 10: long messages, many messages, and long ones in many pieces.
#include <array>

#include "tests/ws/cases/sections.hpp"

namespace sluice::ws::cases {
namespace {

constexpr std::size_t kKilo = 1024;
constexpr std::size_t kMega = kKilo * kKilo;

struct Kind {
  std::uint8_t opcode;
  const char* name;
  const char* unit;  ///< of the payload; not a length that keys and pieces have, so that what is shifted shows
};
constexpr Kind kTexts = {kText, "a text", "eleven byte"};
constexpr Kind kBinaries = {kBinary, "a binary message", "\xfe\xff\x01 seven"};

std::string show(std::size_t bytes) {
  if (bytes >= kMega) return std::to_string(bytes / kMega) + " MiB";
  return bytes >= kKilo ? std::to_string(bytes / kKilo) + " KiB" : std::to_string(bytes) + " bytes";
}

void add_sizes(Cases& cases, std::string group, const Kind& kind) {
  int number = 0;
  for (const std::size_t size : {64 * kKilo, 256 * kKilo, kMega, 4 * kMega, 8 * kMega, 16 * kMega})
    cases.push_back({.number = group + std::to_string(++number),
                     .sentence = std::string(kind.name) + " of " + show(size) + " comes back",
                     .steps = {message(kind.opcode, {kind.unit, size})}});
}

void add_fragments(Cases& cases, std::string group, const Kind& kind) {
  int number = 0;
  for (std::size_t size = 64; size <= 4 * kMega; size *= 4)
    cases.push_back({.number = group + std::to_string(++number),
                     .sentence = std::string(kind.name) + " of 4 MiB in fragments of " + show(size) + " comes back",
                     .steps = {message(kind.opcode, {kind.unit, 4 * kMega}, size)}});
}

void add_pieces(Cases& cases, std::string group, const Kind& kind) {
  int number = 0;
  for (std::size_t size = 64; size <= 2048; size *= 2)
    cases.push_back(
        {.number = group + std::to_string(++number),
         .sentence = std::string(kind.name) + " of 1 MiB that comes " + show(size) + " at a time comes back",
         .steps = {message(kind.opcode, {kind.unit, kMega})},
         .cut = size});
}

void add_many(Cases& cases, std::string group, const Kind& kind) {
  int number = 0;
  for (const std::size_t size : {0u, 16u, 64u, 256u, 1024u, 4096u})
    cases.push_back(
        {.number = group + std::to_string(++number),
         .sentence = "a thousand times " + std::string(kind.name) + " of " + show(size) + ", one after another",
         .steps = {message(kind.opcode, {kind.unit, size})},
         .rounds = 1000});
}

}  // namespace

Cases limits() {
  Cases cases;
  add_sizes(cases, "9.1.", kTexts);
  add_sizes(cases, "9.2.", kBinaries);
  add_fragments(cases, "9.3.", kTexts);
  add_fragments(cases, "9.4.", kBinaries);
  add_pieces(cases, "9.5.", kTexts);
  add_pieces(cases, "9.6.", kBinaries);
  add_many(cases, "9.7.", kTexts);
  add_many(cases, "9.8.", kBinaries);
  return cases;
}

Cases auto_fragments() {
  return {{.number = "10.1.1",
           .sentence = "a text of 64 KiB that the sender cuts into fragments of 1300 bytes comes back",
           .steps = {message(kText, {kTexts.unit, 64 * kKilo}, 1300)}}};
}

}  // namespace sluice::ws::cases
