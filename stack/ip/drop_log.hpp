// A layer's counters and its tracer together: no packet disappears without a name.
#pragma once

#include <string_view>

#include "stack/base/counters.hpp"
#include "stack/base/time.hpp"
#include "stack/base/trace.hpp"

namespace sluice::ip {

/// REQUIRES that name(Counter) exists beside the enum.
template <class Counter>
struct DropLog {
  std::string_view layer;  ///< "ip" or "udp", in the trace
  Tracer tracer;
  Counters<Counter> counters{};

  void add(Counter which) noexcept { counters.add(which); }
  /// Counts a packet that ends here and tells the observer why.
  void drop(Counter reason, Time now) noexcept {
    counters.add(reason);
    if (tracer.on())
      tracer.tell(now, TraceKind::drop, 0, {{.key = "layer", .text = layer}, {.key = "reason", .text = name(reason)}});
  }
};

}  // namespace sluice::ip
