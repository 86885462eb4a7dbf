// Copies of small frames in a ring; see outbox.hpp.
#include "stack/ip/outbox.hpp"

#include <cstring>

namespace sluice::ip {

MutableBytes Outbox::append(std::size_t size) {
  if (size > limit_ - bytes_) {
    ++dropped_;
    return {};
  }
  frames_.push_back(Slice(Buffer::allocate(size), 0, size));
  bytes_ += size;
  return frames_.back().mutable_bytes();
}

bool Outbox::push(Bytes head, Bytes body) {
  const MutableBytes room = append(head.size() + body.size());
  if (room.empty()) return false;
  ByteWriter writer(room);
  writer.bytes(head);
  writer.bytes(body);
  return true;
}

bool Outbox::push(const Frame& frame) {
  const MutableBytes room = append(frame.size());
  if (room.empty()) return false;
  ByteWriter writer(room);
  writer.bytes(frame.head);
  for (const Slice& piece : frame.body) writer.bytes(piece.bytes());
  return true;
}

void Outbox::offer_all(FrameSink& sink) {
  while (!frames_.empty()) {
    const Frame frame{.head = frames_.front().bytes(), .body = {}};
    if (!sink.accept(frame)) return;
    bytes_ -= frame.head.size();
    frames_.pop_front();
  }
  frames_.release();
}

}  // namespace sluice::ip
