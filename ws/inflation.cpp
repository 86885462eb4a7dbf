// RFC 7692 7.2.2, buffer by buffer: a bomb is cut off where it passes the limit, not after [A-WS-02].
#include "ws/inflation.hpp"

#include <algorithm>

namespace sluice::ws {
namespace {

constexpr std::size_t kBuffer = BufferPool::kClasses[1];

/// Inflated bytes from which on the ratio is looked at: short runs of one letter are no bomb.
constexpr std::uint64_t kRatioFrom = 64u << 10;

}  // namespace

Inflation::~Inflation() { give_back(inflater_, settings_.deflate_pool); }

void Inflation::begin_message() {
  compressed_ = inflated_ = 0;
  if (inflater_) return;
  DeflatePool* pool = settings_.deflate_pool;
  inflater_ = pool ? pool->take_inflater(window_.bits) : std::make_unique<Inflater>(window_.bits);
}

Inflation::Output Inflation::fill(Bytes input, bool last) {
  if (!buffer_) buffer_ = settings_.pool ? settings_.pool->take(kBuffer) : Buffer::allocate(kBuffer);
  const MutableBytes room{buffer_.data(), buffer_.capacity()};
  Output output;
  const Inflater::Step step = inflater_->inflate(input, room);
  std::size_t produced = step.produced;
  bool failed = step.failed;
  output.used = step.used;
  last_ = last && step.used == input.size();
  if (last_ && !failed && produced < room.size()) {
    const Inflater::End end = inflater_->end(room.subspan(produced));
    failed = end.failed;
    if (!failed) produced += end.produced;  // else these are bytes of the tail, which is no part of the message
    output.done = end.done;
  }
  const std::uint64_t allowed = settings_.max_message - inflated_;
  output.bytes = room.first(static_cast<std::size_t>(std::min<std::uint64_t>(produced, allowed)));
  compressed_ += output.used;
  inflated_ += produced;
  waiting_ = !output.done && produced == room.size();
  output.fault = check_limits();
  if (output.fault == Fault::none && failed) output.fault = Fault::not_deflate;
  if (output.done || output.fault != Fault::none) end_message();
  return output;
}

Fault Inflation::check_limits() const noexcept {
  if (inflated_ > settings_.max_message) return Fault::message_too_big;
  // Blocks that come to nothing would let a message go on for ever.
  if (compressed_ / 2 > settings_.max_message + kBuffer) return Fault::message_too_big;
  const std::uint64_t ratio = settings_.max_inflate_ratio;
  const bool bomb = ratio > 0 && inflated_ > kRatioFrom && inflated_ / ratio > compressed_;
  return bomb ? Fault::inflates_too_much : Fault::none;
}

void Inflation::end_message() {
  waiting_ = false;
  if (!window_.takeover) give_back(inflater_, settings_.deflate_pool);
}

}  // namespace sluice::ws
