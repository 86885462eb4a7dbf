// One run a section, role and scheme.
#include "tests/ws/cases/results.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <tuple>
#include <utility>

#include "tests/ws/cases/secure_subject.hpp"

namespace sluice::ws::cases {
namespace {

/// Over TLS the same is said less often: what matters there are the kinds of messages, and records cost time.
Case abridged(Case one) {
  const bool full = std::getenv("SLUICE_CASES_FULL") != nullptr;
  if (!full && one.rounds > 1) one.rounds = std::max(2, one.rounds / 4);
  return one;
}

std::vector<Result> run(const std::string& number, Judged role, Scheme scheme) {
  std::vector<Result> found;
  for (const Section& section : sections()) {
    if (section.number != number) continue;
    for (const Case& one : section.cases()) {
      const Verdict verdict =
          scheme == Scheme::ws ? judge(one, role, make_session) : judge(abridged(one), role, make_secure_session);
      found.push_back({one.number, one.sentence, verdict});
    }
  }
  return found;
}

}  // namespace

const std::vector<Result>& results(const std::string& section, Judged role, Scheme scheme) {
  static std::map<std::tuple<std::string, Judged, Scheme>, std::vector<Result>> known;
  const auto key = std::tuple(section, role, scheme);
  if (!known.contains(key)) known[key] = run(section, role, scheme);
  return known[key];
}

}  // namespace sluice::ws::cases
