// What every file of the tree owes the reader: a first line that says why it exists, and no path of
// somebody's machine.
#include <doctest/doctest.h>

#include <algorithm>
#include <regex>
#include <string>

#include "tests/house/tree.hpp"

namespace sluice::house {
namespace {

bool is_text(const std::string& file) {
  static const std::regex kText(R"(.*\.(cpp|hpp|cmake|in|txt|md|json|yml|yaml|py|js|sh|dict|script)$)");
  const bool bare = file.find('.', file.find_last_of('/') + 1) == std::string::npos;  // tools/test, .ci/run
  return std::regex_match(file, kText) || (bare && (file.starts_with("tools/") || file.starts_with(".ci/")));
}

/// The part of a line that names a place on one machine only, or "". `${TMPDIR:-/tmp}` is a fair default.
std::string machine_path(const std::string& line) {
  static const std::regex kFair(R"(\$\{TMPDIR:-/tmp\})");
  static const std::regex kPath(R"((^|[^A-Za-z0-9_.$}*-])/(home|root|work|Users|mnt|tmp)/[A-Za-z0-9_.-]+)");
  const std::string rest = std::regex_replace(line, kFair, "");
  std::smatch match;
  return std::regex_search(rest, match, kPath) ? match.str() : "";
}

}  // namespace

TEST_CASE("each source file begins with a line on why it exists, and each header with one guard") {
  for (const std::string& file : cpp_files()) {
    const auto lines = lines_of(file);
    REQUIRE_MESSAGE(!lines.empty(), file << " is empty");
    CHECK_MESSAGE((lines[0].starts_with("// ") && lines[0].size() > 10), file << ": no first line on why it exists");
    if (!file.ends_with(".hpp")) continue;
    const bool guarded = std::find(lines.begin(), lines.end(), "#pragma once") != lines.end();
    CHECK_MESSAGE(guarded, file << ": no #pragma once");
  }
}

TEST_CASE("each source begins its includes with its own header, which so is known to stand alone") {
  const auto files = cpp_files();
  for (const std::string& file : files) {
    if (!file.ends_with(".cpp")) continue;
    const std::string header = file.substr(0, file.size() - 3) + "hpp";
    if (std::find(files.begin(), files.end(), header) == files.end()) continue;
    const auto includes = includes_of(file);
    CHECK_MESSAGE((!includes.empty() && includes[0].target == header),
                  file << ": " << header << " does not come first");
  }
}

TEST_CASE("no file names a path of one machine") {
  for (const std::string& file : all_files()) {
    if (!is_text(file)) continue;
    int number = 0;
    for (const std::string& line : lines_of(file)) {
      ++number;
      const std::string path = machine_path(line);
      CHECK_MESSAGE(path.empty(), file << ":" << number << ": " << path);
    }
  }
}

TEST_CASE("a machine path would be seen, a route or a default would not") {
  const std::string slash = "/";
  CHECK(machine_path("open(\"" + slash + "home/ada/x\")") != "");
  CHECK(machine_path(slash + "tmp/build") != "");
  CHECK(machine_path("cd " + slash + "work/tree") != "");
  CHECK(machine_path("dir=${TMPDIR:-/tmp}/run") == "");
  CHECK(machine_path("GET /index.html and tests/tmp/x") == "");
}

TEST_CASE("none of our own applications sends urgent data [SHLD-13]") {
  const std::vector<std::string> rooms = {"http/", "ws/", "tun/", "lab/", "tools/", "examples/"};
  for (const std::string& file : cpp_files()) {
    const bool ours = std::any_of(rooms.begin(), rooms.end(), [&](const auto& room) { return file.starts_with(room); });
    if (!ours) continue;
    for (const std::string& line : lines_of(file)) CHECK_MESSAGE(line.find("write_urgent") == line.npos, file);
  }
}

}  // namespace sluice::house
