// A flag or value that makes no sense: the program ends with exit 2.
#pragma once

#include <stdexcept>
#include <string>

namespace sluice::tools {

/// what() is "FLAG: one sentence", or a sentence alone.
class UsageError : public std::runtime_error {
 public:
  explicit UsageError(const std::string& sentence) : std::runtime_error(sentence) {}
  UsageError(const std::string& flag, const std::string& sentence) : std::runtime_error(flag + ": " + sentence) {}
};

}  // namespace sluice::tools
