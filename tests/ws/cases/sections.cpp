// Which sections there are.
#include "tests/ws/cases/sections.hpp"

namespace sluice::ws::cases {

const std::vector<Section>& sections() {
  static const std::vector<Section> kAll = {
      {"1", "Framing", framing},
      {"2", "Pings and Pongs", pings},
      {"3", "Reserved bits", reserved_bits},
      {"4", "Opcodes", opcodes},
      {"5", "Fragmentation", fragmentation},
      {"6", "UTF-8", utf8},
      {"7", "Closing", closing},
      {"9", "Limits and speed", limits},
      {"10", "Automatic fragments", auto_fragments},
      {"12", "Compression, by what is sent", compression},
      {"13", "Compression, by what is agreed", agreements},
  };
  return kAll;
}

}  // namespace sluice::ws::cases
