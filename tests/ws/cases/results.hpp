// What our sessions did in each case, found out once and asked for by the tests and by the documents.
#pragma once

#include <string>
#include <vector>

#include "tests/ws/cases/judge.hpp"
#include "tests/ws/cases/sections.hpp"

namespace sluice::ws::cases {

struct Result {
  std::string number;
  std::string sentence;
  Verdict verdict;
};

/// What lies between the judge and what is judged: nothing, or TLS.
enum class Scheme : std::uint8_t { ws, wss };

/// Runs the section at the first call.
const std::vector<Result>& results(const std::string& section, Judged role, Scheme scheme = Scheme::ws);

}  // namespace sluice::ws::cases
