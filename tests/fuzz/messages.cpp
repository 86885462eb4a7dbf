// What a connection's bytes mean, whatever they are: nothing is read out of bounds, no line has another byte than
// printable ASCII, and no more is said than a small multiple of what was heard.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "tools/messages.hpp"

/// The first two bytes say how many of the rest are the opener's, the size which side finished.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  if (size < 2) return 0;
  const Bytes all(data + 2, size - 2);
  const std::size_t cut = std::min<std::size_t>(static_cast<std::size_t>(data[0] << 8 | data[1]), all.size());
  const tools::Spoken opener{all.first(cut), (size & 1) != 0}, other{all.subspan(cut), (size & 2) != 0};
  const auto lines = tools::messages_of(opener, other);
  std::size_t said = 0;
  for (const std::string& line : lines) {
    if (!std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; })) std::abort();
    said += line.size();
  }
  if (said > 16 * size + 1024) std::abort();
  return 0;
}
