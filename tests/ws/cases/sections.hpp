// The sections of the suite's list, each made when it is asked for.
#pragma once

#include <string>
#include <vector>

#include "tests/ws/cases/case.hpp"

namespace sluice::ws::cases {

using Cases = std::vector<Case>;

Cases framing();         ///< section 1
Cases pings();           ///< section 2
Cases reserved_bits();   ///< section 3
Cases opcodes();         ///< section 4
Cases fragmentation();   ///< section 5
Cases utf8();            ///< section 6
Cases closing();         ///< section 7
Cases limits();          ///< section 9
Cases auto_fragments();  ///< section 10

Cases compression();  ///< section 12
Cases agreements();   ///< section 13

struct Section {
  std::string number;
  std::string title;
  Cases (*cases)();
};

const std::vector<Section>& sections();

}  // namespace sluice::ws::cases
