// What a connection's bytes mean, whatever they are: nothing is read out of bounds, and there are no more lines than
// bytes.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "tools/messages.hpp"

/// The first two bytes say how many of the rest are the opener's.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  if (size < 2) return 0;
  const Bytes all(data + 2, size - 2);
  const std::size_t cut = std::min<std::size_t>(static_cast<std::size_t>(data[0] << 8 | data[1]), all.size());
  const auto lines = tools::messages_of(all.first(cut), all.subspan(cut));
  if (lines.size() > 2 * size + 4) std::abort();
  return 0;
}
