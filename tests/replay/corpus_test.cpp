// The captures of pcaps/ as a corpus: enough of them, each with its kept verdict and a line in the README.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "tests/support/golden.hpp"

namespace sluice::test {
namespace {

namespace fs = std::filesystem;

const fs::path& folder() {
  static const fs::path kFolder = fs::path(golden_path("README.md")).parent_path();
  return kFolder;
}

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// All files below the folder, without the ending.
std::set<std::string> names_with(std::string_view ending) {
  std::set<std::string> names;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder())) {
    const std::string name = fs::relative(entry.path(), folder()).string();
    if (name.ends_with(ending)) names.insert(name.substr(0, name.size() - ending.size()));
  }
  return names;
}

std::set<std::string> captures() {
  std::set<std::string> names = names_with(".pcapng");
  for (const std::string& name : names_with(".replayed.pcapng")) names.erase(name + ".replayed");
  names.merge(names_with(".pcap"));
  return names;
}

TEST_CASE("the corpus has forty captures and more, each with a verdict and a recording that were kept, and no others") {
  CHECK(captures().size() >= 40);
  CHECK(names_with(".verdict") == captures());
  CHECK(names_with(".replayed.pcapng") == captures());
}

TEST_CASE("each capture stands in the README") {
  const std::string readme = content(folder() / "README.md");
  const std::string front = "linux-linux-";  // which a table may leave out
  for (const std::string& path : captures()) {
    const std::string name = fs::path(path).filename();
    CAPTURE(name);
    const bool whole = readme.find('`' + name + '`') != std::string::npos;
    const bool rest =
        name.starts_with(front) && readme.find('`' + name.substr(front.size()) + '`') != std::string::npos;
    CHECK((whole || rest));
  }
}

TEST_CASE("what is kept of a capture is the same at some level: a difference that stays must be understood") {
  for (const std::string& name : captures()) {
    CAPTURE(name);
    const std::string verdict = content(folder() / (name + ".verdict"));
    CHECK(verdict.find("difference") == std::string::npos);
  }
}

}  // namespace
}  // namespace sluice::test
