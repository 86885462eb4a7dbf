// The names of trace events, as they stand in files.
#include "stack/base/trace.hpp"

namespace sluice {

std::string_view name(TraceKind kind) noexcept {
  switch (kind) {
    case TraceKind::segment_in: return "segment_in";
    case TraceKind::segment_out: return "segment_out";
    case TraceKind::state: return "state";
    case TraceKind::timer_set: return "timer_set";
    case TraceKind::timer_fired: return "timer_fired";
    case TraceKind::rtt_sample: return "rtt_sample";
    case TraceKind::congestion: return "congestion";
    case TraceKind::loss: return "loss";
    case TraceKind::drop: return "drop";
  }
  return "unknown";
}

}  // namespace sluice
