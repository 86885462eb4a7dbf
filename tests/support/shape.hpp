// The shape of the hosts in this run of the tests: by the environment, so that every test is one of each.
#pragma once

#include "lab/host.hpp"

namespace sluice::test {

/// From SLUICE_OFFLOAD (1) and SLUICE_SHARDS (2..16), else a plain host of one stack. What fails by nature then stands
/// in tests/shapes.txt: such a test case has to fail.
lab::HostShape shape_of_run();

}  // namespace sluice::test
