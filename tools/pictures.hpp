// Pictures of conversations as files in one folder: what `sluice explain --svg` writes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "lab/explain.hpp"

namespace sluice::tools {

class Pictures {
 public:
  /// Makes the folder if there is none. Throws UsageError when that can't be done.
  explicit Pictures(const std::string& folder);

  /// What begins the names of a capture's pictures: the file's own name without its ending, with a number behind it if
  /// a capture before it was called the same.
  std::string name_for(const std::string& capture);
  /// Writes NAME-NUMBER-ladder.svg, and of TCP NAME-NUMBER-time-sequence.svg; files of those names are replaced.
  /// Returns their paths. Throws UsageError when one can't be written.
  std::vector<std::string> write(const std::string& name, std::size_t number,
                                 const lab::Explanation& explanation) const;

 private:
  std::filesystem::path folder_;
  std::set<std::string> taken_;
};

}  // namespace sluice::tools
