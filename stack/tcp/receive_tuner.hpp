// How large the receive buffer has to be: by what the application reads each round trip (dynamic right-sizing).
#pragma once

#include <cstddef>

#include "stack/base/time.hpp"
#include "stack/tcp/seq.hpp"

namespace sluice::tcp {

/// A sender that the window holds back sends one window a round trip. So the buffer is twice what was read in the last
/// one: a sender that doubles its rate each round trip finds the room before it needs it. The buffer never shrinks.
class ReceiveTuner {
 public:
  /// Where the buffer begins, bytes; it stays so until on_consumed() grows it.
  void set_buffer(std::size_t bytes) noexcept { buffer_ = bytes; }
  std::size_t buffer() const noexcept { return buffer_; }
  /// The handshake's round trip; 0 = not measured.
  void start(Time now, Duration rtt) noexcept;

  /// Text arrived in order, up to `nxt`; the window reaches to `edge`. `echoed` is how long ago the segment left whose
  /// timestamp this one echoes; 0 = no timestamps: then the time that a whole window takes counts as a round trip.
  void on_text(Time now, Duration echoed, Seq nxt, Seq edge) noexcept;
  /// The application read `bytes`. Once a round trip the buffer grows, to `maximum` at most. How much was read in the
  /// round trip that ends with this, bytes; 0 = none ends.
  std::size_t on_consumed(std::size_t bytes, Time now, std::size_t maximum) noexcept;

  Duration rtt() const noexcept { return rtt_; }

 private:
  std::size_t buffer_ = 0;
  std::size_t consumed_ = 0;              // in this round
  Time round_at_{};                       // when it began
  Time window_at_ = Time::min();          // since then a window is being filled; min = none
  Seq window_end_;                        // up to here
  Duration smallest_ = Duration::zero();  // of this round's samples; 0 = none
  Duration rtt_{};
};

}  // namespace sluice::tcp
