// A test that this machine can't make.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace sluice::test {

/// Says so, and where CI=true fails: there nothing may go unnoticed. The caller returns.
inline void skip(const std::string& reason) {
  const char* ci = std::getenv("CI");
  MESSAGE("SKIPPED: " << reason);
  CHECK_MESSAGE(std::string_view(ci ? ci : "") != "true", "CI skips nothing");
}

}  // namespace sluice::test
