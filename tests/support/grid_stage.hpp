// The state × event grid: every kind of segment, call and timer in one state, played on a real stack and asked of the
// model (grid_model.hpp).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/grid_model.hpp"
#include "tests/support/script.hpp"

namespace sluice::test::grid {

/// A script that knows the right edge which the stack has promised so far.
class Stage : public Script {
 public:
  explicit Stage(Family which) { family = which; }
  /// All that left since the last call, as the grid writes it.
  std::vector<std::string> replies();
  Number edge = 0;
};

/// How a state is reached, and the control block that must stand there then; its rcv_edge is observed.
struct Scenario {
  std::string name;   ///< of the golden file
  std::string title;  ///< a sentence
  std::function<void(Stage&)> reach;
  Block block;
};

struct Row {
  std::string event;
  Outcome seen;
  Outcome predicted;
  std::string counters;  ///< drops that were counted
};

/// All events of this state, each on a stack of its own.
std::vector<Row> play(const Scenario& scenario, Family family);

}  // namespace sluice::test::grid
