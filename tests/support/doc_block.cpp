// Reading, comparing, and writing on demand; see doc_block.hpp.
#include "tests/support/doc_block.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace sluice::test {

void expect_doc_block(const std::string& file, const std::string& name, const std::string& expected) {
  const std::string path = std::string(SLUICE_SOURCE_DIR "/docs/") + file;
  std::stringstream read;
  read << std::ifstream(path).rdbuf();
  std::string text = read.str();
  const std::string begin = "<!-- begin " + name + " -->\n", end = "<!-- end " + name + " -->";
  const std::size_t from = text.find(begin), to = text.find(end);
  REQUIRE(from != std::string::npos);
  REQUIRE(to != std::string::npos);
  const std::size_t start = from + begin.size();
  if (std::getenv("SLUICE_UPDATE_DOCS")) {
    std::ofstream(path) << text.replace(start, to - start, expected);
    return;
  }
  CHECK_MESSAGE(text.substr(start, to - start) == expected,
                "run the tests with SLUICE_UPDATE_DOCS=1 and commit docs/" << file);
}

}  // namespace sluice::test
