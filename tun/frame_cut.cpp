// Walks over the text of a frame by the sizes that PieceHeads gives.
#include "tun/frame_cut.hpp"

#include <algorithm>
#include <cstring>

#include "stack/base/checksum.hpp"

namespace sluice::tun {

bool FrameCut::begin(const Frame& frame) {
  if (!frame.checksum_partial) return false;
  const auto place = find_transport(frame.head);
  const bool known = place && place->offset == frame.transport_offset && frame.head.size() <= kHeadRoom;
  if (!known || place->offset + transport_header_size(frame.head, *place) != frame.head.size()) return false;
  const std::size_t text = frame.size() - frame.head.size();
  head_ = frame.head;
  body_ = frame.body;
  offset_ = 0;
  heads_ = PieceHeads(*place, head_.size(), text, frame.gso_size == 0 ? text : frame.gso_size);
  make();
  first_ = true;
  return true;
}

void FrameCut::next() {
  first_ = false;
  if (heads_.done())
    drop();
  else
    make();
}

/// Puts the next packet together and moves on behind its text.
void FrameCut::make() {
  std::size_t left = heads_.text();
  shown_ = body_;
  packet_size_ = head_.size() + left;
  together_.clear();
  together_.reserve(left);  // what pieces_ shows of it stays in its place
  count_ = 1;               // the head's place
  ChecksumSum sum;
  while (left > 0) {
    const Bytes behind = body_.front().bytes().subspan(offset_);
    const Bytes run = behind.first(std::min(left, behind.size()));
    sum.add(run);
    add(run);
    left -= run.size();
    offset_ += run.size();
    if (run.size() < behind.size()) break;
    body_ = body_.subspan(1);
    offset_ = 0;
  }
  const MutableBytes head = MutableBytes(packet_head_).first(head_.size());
  std::memcpy(head.data(), head_.data(), head.size());
  heads_.write_next(head, sum.folded());
  pieces_[0] = {head.data(), head.size()};
}

/// The last place takes all that has none of its own.
void FrameCut::add(Bytes run) {
  if (run.empty()) return;
  if (count_ < kMaximumPieces - 1) {
    pieces_[count_++] = {const_cast<std::uint8_t*>(run.data()), run.size()};
    return;
  }
  together_.insert(together_.end(), run.begin(), run.end());
  count_ = kMaximumPieces;
  pieces_[kMaximumPieces - 1] = {together_.data(), together_.size()};
}

void FrameCut::keep() {
  if (done() || head_.data() == kept_head_.data()) return;
  std::memcpy(kept_head_.data(), head_.data(), head_.size());
  head_ = Bytes(kept_head_).first(head_.size());
  const std::size_t behind = shown_.size() - body_.size();
  kept_body_.assign(shown_.begin(), shown_.end());
  shown_ = kept_body_;
  body_ = shown_.subspan(behind);
}

void FrameCut::drop() noexcept {
  heads_ = {};
  head_ = {};
  body_ = shown_ = {};
  kept_body_.clear();
  count_ = packet_size_ = 0;
}

}  // namespace sluice::tun
