// What tshark makes of a capture, field by field.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "tests/tools/said.hpp"

namespace sluice::tools {

/// REQUIREs that tshark is there: without it nothing is tested, and that must be seen.
inline void require_tshark() {
  REQUIRE_MESSAGE(std::system("command -v tshark >/dev/null") == 0,
                  "tshark is not installed: run tools/setup test, which installs it");
}

/// The fields of each packet, in its own row; empty ones stay.
inline std::vector<std::vector<std::string>> fields_by_tshark(const std::string& path,
                                                              const std::vector<std::string>& fields) {
  std::string command = "tshark -n -o tcp.analyze_sequence_numbers:TRUE -r " + path + " -T fields";
  for (const std::string& field : fields) command += " -e " + field;
  const Said said = shell(command);
  CHECK_MESSAGE(said.status == 0, said.text);
  std::vector<std::vector<std::string>> rows;
  std::istringstream lines(said.text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("Running as user")) continue;
    std::vector<std::string>& row = rows.emplace_back();
    std::istringstream cells(line);
    for (std::string cell; std::getline(cells, cell, '\t');) row.push_back(cell);
    row.resize(fields.size());
  }
  return rows;
}

}  // namespace sluice::tools
