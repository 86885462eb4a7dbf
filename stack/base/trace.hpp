// Structured events that a stack tells an observer; free when nobody listens.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "stack/base/time.hpp"

namespace sluice {

/// The version of the events' names and fields; grows when one changes its meaning.
inline constexpr int kTraceVersion = 1;

enum class TraceKind : std::uint8_t {
  segment_in,  ///< seq, ack, len, flags, win
  /// The same, and reason + clause: why it left and which RFC section says so. Of a connection also as it was when the
  /// segment left: state, una, nxt, wnd, rcv_nxt, rcv_wnd (numbers relative to the ISNs), cwnd, ssthresh (-1: none
  /// yet), pipe, srtt_us (0: no sample yet), rto_us.
  segment_out,
  state,        ///< from, to
  timer_set,    ///< timer, in_us
  timer_fired,  ///< timer
  rtt_sample,   ///< rtt_us, srtt_us, rttvar_us, rto_us
  congestion,   ///< cwnd, ssthresh, pipe, phase
  loss,         ///< from, to, cause
  drop,         ///< layer, reason
};

std::string_view name(TraceKind kind) noexcept;

/// One named value: a number, or (when text isn't empty) a text that outlives the call.
struct TraceField {
  std::string_view key;
  std::int64_t number = 0;
  std::string_view text = {};
};

/// Valid only during Observer::on_event().
struct TraceEvent {
  Time at;
  TraceKind kind;
  std::uint64_t flow = 0;  ///< the same for all events of one connection; 0 = none
  std::span<const TraceField> fields;
};

class Observer {
 public:
  virtual void on_event(const TraceEvent& event) noexcept = 0;

 protected:
  ~Observer() = default;
};

/// Where a layer reports. Copy it freely; the observer must outlive it.
class Tracer {
 public:
  Tracer() noexcept = default;
  explicit Tracer(Observer* observer) noexcept : observer_(observer) {}

  /// Ask before gathering fields: `if (tracer.on()) tracer.tell(...)`.
  bool on() const noexcept { return observer_ != nullptr; }
  void tell(Time at, TraceKind kind, std::uint64_t flow, std::initializer_list<TraceField> fields) const noexcept {
    observer_->on_event({at, kind, flow, {fields.begin(), fields.size()}});
  }

 private:
  Observer* observer_ = nullptr;
};

}  // namespace sluice
