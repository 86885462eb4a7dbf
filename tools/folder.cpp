// See folder.hpp.
#include "tools/folder.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "tools/usage_error.hpp"

namespace sluice::tools {

namespace fs = std::filesystem;

std::vector<std::string> files_below(const std::string& folder, std::initializer_list<std::string_view> endings) {
  std::vector<std::string> found;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string ending = at->path().extension();
    if (std::find(endings.begin(), endings.end(), ending) != endings.end()) found.push_back(at->path().string());
  }
  if (error) throw UsageError(folder + ": " + error.message());
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace sluice::tools
