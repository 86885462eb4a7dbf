// See pictures.hpp.
#include "tools/pictures.hpp"

#include <fmt/format.h>

#include <system_error>

#include "lab/ladder_svg.hpp"
#include "lab/time_sequence_svg.hpp"
#include "stack/base/bytes.hpp"
#include "tools/usage_error.hpp"
#include "tools/whole_file.hpp"

namespace sluice::tools {

namespace fs = std::filesystem;

Pictures::Pictures(const std::string& folder) : folder_(folder) {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (!error && !fs::is_directory(folder_, error)) error = std::make_error_code(std::errc::not_a_directory);
  if (error) throw UsageError("--svg", fmt::format("{}: can't be made: {}", folder, error.message()));
}

std::string Pictures::name_for(const std::string& capture) {
  const std::string stem = fs::path(capture).stem().string();
  std::string name = stem;
  for (int again = 2; !taken_.insert(name).second; ++again) name = fmt::format("{}-{}", stem, again);
  return name;
}

std::vector<std::string> Pictures::write(const std::string& name, std::size_t number,
                                         const lab::Explanation& explanation) const {
  std::vector<std::string> paths;
  const auto write_one = [&](std::string_view kind, const std::string& picture) {
    paths.push_back(folder_ / fmt::format("{}-{}-{}.svg", name, number, kind));
    write_file(paths.back(), as_bytes(picture));
  };
  write_one("ladder", lab::ladder_svg(explanation));
  if (explanation.summary.end != lab::ConversationEnd::none)
    write_one("time-sequence", lab::time_sequence_svg(explanation));
  return paths;
}

}  // namespace sluice::tools
