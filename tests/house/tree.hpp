// The source tree as the house tests see it: files, their lines, their includes.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sluice::house {

/// One #include line: the file that has it (relative to the root), its line number, what it names, and
/// whether in <>.
struct Include {
  std::string file;
  int line = 0;
  std::string target;
  bool angled = false;
};

/// The root of the source tree.
std::filesystem::path root();

/// Every file under the root that belongs to the repository, relative to it and sorted: no build trees, no
/// hidden folders except .ci, no node_modules.
std::vector<std::string> all_files();

/// The files among all_files() that end in .hpp or .cpp.
std::vector<std::string> cpp_files();

/// The lines of a file of the tree, without their ends.
std::vector<std::string> lines_of(const std::string& file);

/// The #include lines of a file of the tree.
std::vector<Include> includes_of(const std::string& file);

}  // namespace sluice::house
