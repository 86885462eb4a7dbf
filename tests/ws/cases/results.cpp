// One run a section and role.
#include "tests/ws/cases/results.hpp"

#include <map>
#include <utility>

namespace sluice::ws::cases {
namespace {

std::vector<Result> run(const std::string& number, Judged role) {
  std::vector<Result> found;
  for (const Section& section : sections()) {
    if (section.number != number) continue;
    for (const Case& one : section.cases()) found.push_back({one.number, one.sentence, judge(one, role, make_session)});
  }
  return found;
}

}  // namespace

const std::vector<Result>& results(const std::string& section, Judged role) {
  static std::map<std::pair<std::string, Judged>, std::vector<Result>> known;
  const auto key = std::pair(section, role);
  if (!known.contains(key)) known[key] = run(section, role);
  return known[key];
}

}  // namespace sluice::ws::cases
