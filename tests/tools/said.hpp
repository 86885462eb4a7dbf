// Runs the command as a shell does, and keeps what it said.
#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>

namespace sluice::tools {

struct Said {
  int status = -1;
  std::string text;  ///< both streams
};

inline Said shell(const std::string& words) {
  Said said;
  std::FILE* pipe = ::popen((words + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::array<char, 4096> bytes;
  for (std::size_t count = 0; (count = std::fread(bytes.data(), 1, bytes.size(), pipe)) > 0;)
    said.text.append(bytes.data(), count);
  const int status = ::pclose(pipe);
  said.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return said;
}

inline Said sluice(const std::string& words) { return shell(std::string(SLUICE_COMMAND) + " " + words); }

}  // namespace sluice::tools
