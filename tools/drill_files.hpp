// Scripts as command lines name them, and what running them came to.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "lab/drill/run.hpp"

namespace sluice::tools {

/// The scripts that the arguments mean: a folder stands for all .pkt files below it, in the order of their names.
/// Throws UsageError for a path that isn't there and a folder without any.
std::vector<std::string> script_files(const std::vector<std::string>& paths);

struct MutantCount {
  std::size_t all = 0;
  std::size_t caught = 0;
  std::vector<std::string> missed;  ///< "line 7: ack + 1"
};

/// One script's part of the report.
struct DrillResult {
  std::string path;
  lab::drill::Outcome outcome;
  MutantCount mutants = {};
  double seconds = 0;      ///< of real time
  std::string trace;       ///< with --trace: an event a line
  bool rewritten = false;  ///< by --update
  std::string known = {};  ///< why this failure counts as none, by --known
};

struct DrillTotals {
  std::size_t passed = 0, failed = 0, errors = 0, unsupported = 0, rewritten = 0;
  std::size_t known = 0;  ///< failed as --known says
  MutantCount mutants = {};
  lab::HostCounts counts = {};
};
DrillTotals totals_of(const std::vector<DrillResult>& results);
/// 0 all passed, 1 one failed or a mutant was missed, 2 one is no script, 3 one asks for what we don't have.
int exit_code(const DrillTotals& totals);

/// JUnit's XML, as continuous integration reads it.
std::string junit_xml(const std::vector<DrillResult>& results);
/// One line of JSON.
std::string drill_json(const std::vector<DrillResult>& results);
/// "name.pkt:7:3: sentence" and the detail below it; empty when there is nothing to say.
std::string drill_text(const DrillResult& result, bool colour);
/// "312 scripts: 310 passed, 2 failed in 1.52 s".
std::string totals_text(const DrillTotals& totals, double seconds);

}  // namespace sluice::tools
