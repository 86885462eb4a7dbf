// How many of the packets were marked, smoothed: DCTCP's alpha (RFC 8257 section 3.3).
#pragma once

#include <cstdint>

#include "stack/congestion/controller.hpp"

namespace sluice::congestion {

class MarkedShare {
 public:
  /// Counts an ACK; once a window of data the estimate moves by 1/16 (g) of the difference.
  void on_ack(const AckSample& sample) noexcept;
  /// Alpha as a fraction of kOne. It begins at one: the first mark halves the window.
  std::uint32_t alpha() const noexcept { return alpha_; }
  static constexpr std::uint32_t kOne = 1u << 20;
  /// `window` as alpha shrinks it: (1 - alpha/2) of it.
  std::uint64_t reduced(std::uint64_t window) const noexcept { return window - window * alpha_ / (2u * kOne); }

 private:
  std::uint64_t delivered_ = 0;  // DCTCP.BytesAcked of this window
  std::uint64_t marked_ = 0;     // DCTCP.BytesMarked
  std::uint64_t window_ = 0;     // bytes after which the window ends
  std::uint32_t alpha_ = kOne;
};

}  // namespace sluice::congestion
