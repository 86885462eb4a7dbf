// Walks the source tree for the house tests.
#include "tests/house/tree.hpp"

#include <algorithm>
#include <fstream>
#include <regex>

namespace sluice::house {

namespace fs = std::filesystem;

fs::path root() { return SLUICE_SOURCE_DIR; }

std::vector<std::string> all_files() {
  std::vector<std::string> files;
  for (auto entry = fs::recursive_directory_iterator(root()); entry != fs::recursive_directory_iterator(); ++entry) {
    const std::string name = entry->path().filename().string();
    const bool skipped = name == "build" || name == "node_modules" || name == "__pycache__" ||
                         (name.front() == '.' && name != ".ci" && entry->is_directory());
    if (entry->is_directory() && skipped) entry.disable_recursion_pending();
    if (entry->is_regular_file()) files.push_back(fs::relative(entry->path(), root()).generic_string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> cpp_files() {
  std::vector<std::string> files;
  for (std::string& file : all_files()) {
    if (file.ends_with(".hpp") || file.ends_with(".cpp")) files.push_back(std::move(file));
  }
  return files;
}

std::vector<std::string> lines_of(const std::string& file) {
  std::ifstream in(root() / file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(std::move(line));
  return lines;
}

std::vector<Include> includes_of(const std::string& file) {
  static const std::regex kInclude(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"].*)");
  std::vector<Include> found;
  int number = 0;
  for (const std::string& line : lines_of(file)) {
    ++number;
    if (std::smatch match; line.find("include") != std::string::npos && std::regex_match(line, match, kInclude)) {
      found.push_back({file, number, match[2], match[1] == "<"});
    }
  }
  return found;
}

}  // namespace sluice::house
