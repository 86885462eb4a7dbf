// JSON whose members keep their order. Who uses one includes <nlohmann/json.hpp>, too.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace sluice::tools {

using Json = nlohmann::ordered_json;

}  // namespace sluice::tools
