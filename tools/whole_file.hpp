// A file written in one go.
#pragma once

#include <string>

#include "stack/base/bytes.hpp"

namespace sluice::tools {

/// Creates or replaces the file. Throws UsageError when that can't be done.
void write_file(const std::string& path, Bytes bytes);

}  // namespace sluice::tools
