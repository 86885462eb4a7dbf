// Sections 12 and 13: permessage-deflate, by the size and kind of what is sent and by what was agreed on (RFC 7692).
#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "tests/ws/cases/samples.hpp"
#include "tests/ws/cases/sections.hpp"

namespace sluice::ws::cases {
namespace {

struct Traffic {
  std::size_t size;
  std::size_t fragment;  ///< bytes of a compressed message in one frame; 0: all
};

constexpr std::array<Traffic, 18> kTraffic = {{{16, 0},
                                               {64, 0},
                                               {256, 0},
                                               {1024, 0},
                                               {4096, 0},
                                               {8192, 0},
                                               {16384, 0},
                                               {32768, 0},
                                               {65536, 0},
                                               {131072, 0},
                                               {8192, 256},
                                               {16384, 256},
                                               {32768, 256},
                                               {65536, 256},
                                               {131072, 256},
                                               {131072, 1024},
                                               {131072, 4096},
                                               {131072, 32768}}};

/// The suite sends a thousand messages of any size: gigabytes in all. A window has slid several times after fewer.
int messages_of(std::size_t size) {
  if (std::getenv("SLUICE_CASES_FULL") != nullptr) return 1000;
  return static_cast<int>(std::clamp<std::size_t>((64u << 10) / size, 3, 1000));
}

struct Sample {
  const char* name;
  std::uint8_t opcode;
  const std::string& (*bytes)();
};

void add_traffic(Cases& cases, const std::string& group, const Sample& sample, const std::string& how,
                 const Case& agreed) {
  for (std::size_t i = 0; i < kTraffic.size(); ++i) {
    const auto [size, fragment] = kTraffic[i];
    Case one = agreed;
    one.number = group + std::to_string(i + 1);
    one.sentence = std::string(sample.name) + ", " + std::to_string(size) + " bytes a message" +
                   (fragment > 0 ? " in fragments of " + std::to_string(fragment) : "") + how;
    one.steps = {cases::sample(sample.opcode, size, fragment)};
    one.rounds = messages_of(size);
    one.sample = &sample.bytes();
    cases.push_back(std::move(one));
  }
}

/// The window of the cases that agree on a small one.
constexpr int kSmall = 9;

struct Agreement {
  const char* what;
  const char* offer;   ///< of the judge as client
  const char* answer;  ///< of the judge as server
  DeflateTerms terms;
};

constexpr DeflateTerms judged(bool takeover, int bits) { return {bits, takeover, 15, true}; }

constexpr Agreement kDefault = {"the default",
                                "permessage-deflate; client_no_context_takeover; client_max_window_bits",
                                "permessage-deflate; server_no_context_takeover",
                                {15, true, 15, false}};

/// What the judge asks of the direction of what is judged.
constexpr std::array<Agreement, 7> kAgreements = {{
    kDefault,
    {"no context takeover", "permessage-deflate; server_no_context_takeover",
     "permessage-deflate; client_no_context_takeover", judged(false, 15)},
    {"a window of 9 bits", "permessage-deflate; server_max_window_bits=9",
     "permessage-deflate; client_max_window_bits=9", judged(true, kSmall)},
    {"a window of 15 bits", "permessage-deflate; server_max_window_bits=15",
     "permessage-deflate; client_max_window_bits=15", judged(true, 15)},
    {"no context takeover and a window of 9 bits",
     "permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
     "permessage-deflate; client_no_context_takeover; client_max_window_bits=9", judged(false, kSmall)},
    {"no context takeover and a window of 15 bits",
     "permessage-deflate; server_no_context_takeover; server_max_window_bits=15",
     "permessage-deflate; client_no_context_takeover; client_max_window_bits=15", judged(false, 15)},
    {"the first of three offers",
     "permessage-deflate; server_no_context_takeover; server_max_window_bits=9, "
     "permessage-deflate; server_no_context_takeover, permessage-deflate",
     "permessage-deflate; client_no_context_takeover; client_max_window_bits=9", judged(false, kSmall)},
}};

Case agreed_on(const Agreement& agreement) {
  Case pattern;
  pattern.deflate = agreement.terms;
  pattern.offer = agreement.offer;
  pattern.answer = agreement.answer;
  return pattern;
}

constexpr Sample kJson = {"JSON", kText, json_sample};

}  // namespace

Cases compression() {
  constexpr std::array<Sample, 5> kSamples = {{kJson,
                                               {"a picture", kBinary, picture_sample},
                                               {"prose", kBinary, prose_sample},
                                               {"a page", kText, page_sample},
                                               {"a document", kBinary, document_sample}}};
  Cases cases;
  for (std::size_t i = 0; i < kSamples.size(); ++i)
    add_traffic(cases, "12." + std::to_string(i + 1) + '.', kSamples[i], "", agreed_on(kDefault));
  return cases;
}

Cases agreements() {
  Cases cases;
  for (std::size_t i = 0; i < kAgreements.size(); ++i)
    add_traffic(cases, "13." + std::to_string(i + 1) + '.', kJson, std::string(", ") + kAgreements[i].what,
                agreed_on(kAgreements[i]));
  return cases;
}

}  // namespace sluice::ws::cases
