// Plays one case against what is judged and says how that did.
#pragma once

#include <string>

#include "tests/ws/cases/subject.hpp"

namespace sluice::ws::cases {

/// There is nothing between ok and failed: what the suite calls non-strict is failed.
enum class Outcome : std::uint8_t { ok, informational, failed };

struct Verdict {
  Outcome outcome = Outcome::ok;
  std::string why;  ///< of failed: the first thing that was wrong
};

/// In virtual time and without chance: the same case and the same subject give the same verdict.
Verdict judge(const Case& judged, Judged role, const MakeSubject& make);

}  // namespace sluice::ws::cases
