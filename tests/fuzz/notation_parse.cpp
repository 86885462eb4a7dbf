// Any text: the notation's parsers refuse it with a column inside it, or read something whose printing reads the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "lab/notation.hpp"
#include "lab/script.hpp"
#include "stack/base/bytes.hpp"

namespace {

void demand(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const std::string_view text = as_text({data, size});
  if (const auto packet = lab::parse_packet(text)) {
    const auto again = lab::parse_packet(lab::to_text(*packet));
    demand(again && *again == *packet);
  } else {
    demand(packet.error().column >= 1 && packet.error().column <= size + 1 && !packet.error().message.empty());
  }
  if (const auto lines = lab::parse_exchange(text)) {
    for (const lab::ExchangeLine& line : *lines) {
      const auto again = lab::parse_line(lab::to_text(line));
      demand(again && again->packet == line.packet && again->when == line.when);
    }
  } else {
    demand(lines.error().line >= 1 && !lines.error().message.empty());
  }
  return 0;
}
