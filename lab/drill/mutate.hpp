// Scripts with one expectation broken on purpose: each must fail, or the script doesn't test what it seems to.
#pragma once

#include <string>
#include <vector>

#include "lab/drill/script.hpp"

namespace sluice::lab::drill {

struct Mutant {
  std::size_t line = 0;
  std::string what;  ///< "ack + 1"
  Script script;
};

/// One for each field that is compared: of packets that are expected, results of calls, values that options are to
/// have, assertions, and times (twice as late, and ten seconds more).
std::vector<Mutant> mutants_of(const Script& script);

}  // namespace sluice::lab::drill
