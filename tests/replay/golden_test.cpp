// The golden captures are what this build says: each is made again and compared byte by byte.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <set>

#include "tests/support/golden.hpp"

namespace sluice::test {
namespace {

constexpr std::size_t kSmall = 80 * 1024;

TEST_CASE("each golden capture comes out the same, byte by byte") {
  for (const Golden& golden : goldens()) {
    CAPTURE(golden.name);
    const std::vector<std::uint8_t> made = golden.record();
    CHECK(made.size() < kSmall);
    const std::string path = golden_path(std::string(golden.name) + ".pcapng");
    if (std::getenv("SLUICE_UPDATE_PCAPS")) {
      std::ofstream(path, std::ios::binary)
          .write(reinterpret_cast<const char*>(made.data()), static_cast<std::streamsize>(made.size()));
      continue;
    }
    CHECK_MESSAGE(load_golden(golden.name).file == made,
                  "run the tests with SLUICE_UPDATE_PCAPS=1, look at what changed, and commit pcaps/");
  }
}

TEST_CASE("making one twice gives the same, whatever the seed of the run") {
  const char* const before = std::getenv("SLUICE_SEED");
  const std::string kept = before ? before : "";
  const auto first = goldens().front().record();
  setenv("SLUICE_SEED", "beef", 1);
  CHECK(goldens().front().record() == first);
  CHECK(std::getenv("SLUICE_SEED") == std::string("beef"));
  before ? setenv("SLUICE_SEED", kept.c_str(), 1) : unsetenv("SLUICE_SEED");
}

}  // namespace
}  // namespace sluice::test
