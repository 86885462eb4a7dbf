// RFC 9937 section 6.2.
#include "stack/congestion/prr.hpp"

#include <algorithm>

namespace sluice::congestion {

std::uint64_t Prr::on_ack(const AckSample& sample, std::uint64_t cwnd, std::uint64_t ssthresh,
                          std::uint32_t smss) noexcept {
  const std::uint64_t delivered = sample.newly_delivered;  // DeliveredData [R9937-6.2-1]
  const std::uint64_t in_flight = sample.in_flight;        // [R9937-6.2-3]
  // Nothing delivered frees nothing, except where recovery begins by a timer: the first retransmission leaves always
  // [R9937-6.2-5].
  if (delivered == 0 && out_ > 0) return cwnd;
  delivered_ += delivered;
  std::uint64_t count = 0;  // SndCnt
  if (in_flight > ssthresh) {
    // As many bytes out for those delivered as ssthresh is of the flight: at the end of the round trip, ssthresh.
    const std::uint64_t share = recover_fs_ > 0 ? (delivered_ * ssthresh + recover_fs_ - 1) / recover_fs_ : delivered_;
    count = share > out_ ? share - out_ : 0;
  } else {
    // Conservation (CRB): out for in. While the ACKs say that all goes well, a segment more: slow start (SSRB).
    const bool safe = sample.newly_acked > 0 && sample.newly_lost == 0;  // SafeACK [R9937-6.2-4]
    count = std::max(delivered_ > out_ ? delivered_ - out_ : 0, delivered) + (safe ? smss : 0u);
    count = std::min(count, ssthresh - in_flight);
  }
  if (out_ == 0) count = std::max<std::uint64_t>(count, smss);
  return in_flight + count;
}

}  // namespace sluice::congestion
