// Congestion avoidance of RFC 5681: a segment a round trip, half of the flight at a loss.
#include <algorithm>

#include "stack/congestion/loss_based.hpp"

namespace sluice::congestion {
namespace {

class Reno final : public LossBased {
 public:
  explicit Reno(const Settings& settings) noexcept : LossBased(settings, {.loss = {1, 2}, .mark = {4, 5}}) {}

 private:
  // RFC 3465's limit L is the number of segments that the ACK covers, as deployed stacks have it: receivers that merge
  // segments send one ACK for dozens.
  std::uint64_t slow_start_growth(const AckSample& /*sample*/, std::uint64_t bytes) noexcept override { return bytes; }

  // One SMSS for each flight of bytes: at most one a round trip [R5681-3.1-9] [R5681-3.1-10]. Each ACK adds its share,
  // as in equation 3 [R5681-3.1-11]: the half segment that halving left over waits only for its other half.
  void avoid_congestion(const AckSample& /*sample*/, std::uint64_t bytes) noexcept override {
    counted_ += std::min(bytes, full_flight()) * smss();
    const std::uint64_t growth = counted_ / full_flight();
    counted_ -= growth * full_flight();
    grow_to(cwnd() + growth);
  }

  void before_reduction(bool /*timeout*/) noexcept override { counted_ = 0; }
  void restore() noexcept override { counted_ = 0; }
  void restart_avoidance() noexcept override { counted_ = 0; }

  std::uint64_t counted_ = 0;  // what growth in whole bytes left over: bytes acknowledged, times SMSS
};

}  // namespace

std::unique_ptr<Controller> make_reno(const Settings& settings) { return std::make_unique<Reno>(settings); }

}  // namespace sluice::congestion
