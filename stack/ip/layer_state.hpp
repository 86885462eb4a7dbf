// The parts of an IP layer that its .cpp files share.
#pragma once

#include "stack/ip/counters.hpp"
#include "stack/ip/drop_log.hpp"
#include "stack/ip/identification.hpp"
#include "stack/ip/layer.hpp"
#include "stack/ip/path_mtu.hpp"

namespace sluice::ip {

struct Layer::State {
  State(const Config& config, const Key& key, Budget&, Tracer tracer)
      : log{.layer = "ip", .tracer = tracer}, path_mtus(config.mtu, key), identifications(key) {}

  DropLog<Counter> log;
  PathMtuCache path_mtus;
  Identifications identifications;
};

}  // namespace sluice::ip
