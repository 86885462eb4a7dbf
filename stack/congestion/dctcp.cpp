// RFC 8257 section 3.3, steps 1 to 7.
#include "stack/congestion/dctcp.hpp"

#include <algorithm>

namespace sluice::congestion {

void MarkedShare::on_ack(const AckSample& sample) noexcept {
  delivered_ += sample.newly_delivered;
  marked_ += sample.marked;
  if (delivered_ == 0 || delivered_ < window_) return;
  const std::uint64_t share = std::min(marked_, delivered_) * kOne / delivered_;
  // Rounded to where it is going, so that it gets there.
  alpha_ = static_cast<std::uint32_t>(alpha_ - alpha_ / 16u + share / 16u);
  if (share == 0 && alpha_ < 16u) alpha_ = 0;
  delivered_ = marked_ = 0;
  window_ = sample.in_flight;
}

}  // namespace sluice::congestion
