// See whole_file.hpp.
#include "tools/whole_file.hpp"

#include <fstream>

#include "tools/usage_error.hpp"

namespace sluice::tools {

void write_file(const std::string& path, Bytes bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) throw UsageError(path + ": can't be written");
}

}  // namespace sluice::tools
