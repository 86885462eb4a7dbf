// Copies of small frames in a ring; see outbox.hpp.
#include "stack/ip/outbox.hpp"

#include <cstring>

namespace sluice::ip {

bool Outbox::push(Bytes head, Bytes body) {
  const std::size_t size = head.size() + body.size();
  if (size > limit_ - bytes_) {
    ++dropped_;
    return false;
  }
  Buffer buffer = Buffer::allocate(size);
  std::memcpy(buffer.data(), head.data(), head.size());
  if (!body.empty()) std::memcpy(buffer.data() + head.size(), body.data(), body.size());
  frames_.push_back(Slice(std::move(buffer), 0, size));
  bytes_ += size;
  return true;
}

void Outbox::drain(FrameSink& sink) {
  while (!frames_.empty()) {
    const Frame frame{.head = frames_.front().bytes(), .body = {}};
    if (!sink.accept(frame)) return;
    bytes_ -= frame.head.size();
    frames_.pop_front();
  }
  frames_.release();
}

}  // namespace sluice::ip
