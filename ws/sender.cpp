// One copy from the caller's bytes into the chunk; a client's copy masks on the way.
#include "ws/sender.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sluice::ws {
namespace {

/// Payload up to this size is copied rather than referenced: a small slice would pin a large chunk.
constexpr std::size_t kSmall = 4096;
/// The same for what many share, and what is pinned is no larger.
constexpr std::size_t kTiny = 64;

constexpr Opcode opcode_of(MessageType type) noexcept { return static_cast<Opcode>(type); }

void copy_payload(MutableBytes target, Bytes source, const FrameHeader& header, std::uint64_t offset) noexcept {
  if (header.masked)
    copy_masked(target, source, rotated(header.key, offset));
  else if (!source.empty())
    std::memcpy(target.data(), source.data(), source.size());
}

/// Frames that fit a claim are contiguous, header and payload; longer payloads run over chunks.
void write_frame(ChunkQueue& queue, const FrameHeader& header, Bytes payload) {
  const std::size_t head = header_size(header.length, header.masked);
  const bool small = head + payload.size() <= ChunkQueue::kMaxClaim;
  const MutableBytes room = queue.claim(small ? head + payload.size() : head);
  write_header(room, header);
  if (small) return copy_payload(room.subspan(head), payload, header, 0);
  for (std::size_t done = 0; done < payload.size();) {
    const MutableBytes part = queue.claim_some(payload.size() - done);
    copy_payload(part, payload.subspan(done, part.size()), header, done);
    done += part.size();
  }
}

void mask_slices(std::span<const Slice> slices, const MaskKey& key) noexcept {
  std::uint64_t offset = 0;
  for (const Slice& slice : slices) {
    apply_mask(slice.mutable_bytes(), rotated(key, offset));
    offset += slice.size();
  }
}

}  // namespace

Sender::Sender(Role role, const Settings& settings, Random* random, const std::optional<DeflateWindow>& deflate)
    : settings_(settings), random_(role == Role::client ? random : nullptr), queue_(settings.pool) {
  assert(role == Role::server || random);
  assert(settings.fragment_size > 0);
  if (deflate) compression_ = std::make_unique<Compression>(*deflate, settings);
}

std::size_t Sender::room() const noexcept {
  const std::size_t waiting = queue_.size() + (draft_ ? draft_->payload.size() : 0);
  return settings_.high_water - std::min(waiting, settings_.high_water);
}

Errc Sender::may_send(MessageType type, Bytes payload) const noexcept {
  if (draft_) return Errc::invalid_argument;  // messages don't interleave [WS-5.4-4]
  if (settings_.check_sent_text && type == MessageType::text && !is_utf8(payload)) return Errc::invalid_argument;
  return room() == 0 ? Errc::would_block : Errc::none;
}

/// A fresh key for every frame, drawn when its payload is known [WS-5.3-1].
FrameHeader Sender::header_for(Opcode opcode, bool fin, std::uint64_t length) noexcept {
  FrameHeader header{fin, 0, opcode, random_ != nullptr, {}, length};
  if (random_) random_->fill(header.key);
  return header;
}

Result<void> Sender::send(MessageType type, Bytes payload, Compress compress) {
  if (const Errc error = may_send(type, payload); error != Errc::none) return error;
  if (compression_ && compress == Compress::yes && payload.size() >= settings_.deflate_min)
    send_compressed(type, payload);
  else
    write_frame(queue_, header_for(opcode_of(type), true, payload.size()), payload);
  return {};
}

void Sender::send_compressed(MessageType type, Bytes payload) {
  Draft draft(settings_.pool, type, true);
  compression_->add(payload, draft.payload);
  compression_->end(draft.payload);
  emit(draft, true);
}

Result<void> Sender::send(MessageType type, Slice payload) {
  if (random_ || compression_ || payload.size() <= kSmall) return send(type, payload.bytes(), Compress::yes);
  if (const Errc error = may_send(type, payload.bytes()); error != Errc::none) return error;
  write_frame(queue_, header_for(opcode_of(type), true, payload.size()), {});
  queue_.push(std::move(payload));
  return {};
}

/// A slice costs less than the chunk that an idle session would need for a copy; behind others a tiny one is copied,
/// for a list of slices is longer than they are.
Result<void> Sender::send(const Prepared& message) {
  assert(!random_);
  if (const Errc error = may_send(MessageType::binary, {}); error != Errc::none) return error;
  const Slice& frame = message.frame();
  if (queue_.empty() || frame.size() > kTiny)
    queue_.push(frame);
  else
    queue_.write(frame.bytes());
  return {};
}

void Sender::control(Opcode opcode, Bytes payload) {
  assert(payload.size() <= kMaxControlPayload);
  write_frame(queue_, header_for(opcode, true, payload.size()), payload);
}

Result<void> Sender::begin(MessageType type, Compress compress) {
  if (const Errc error = may_send(type, {}); error != Errc::none) return error;
  draft_ = std::make_unique<Draft>(settings_.pool, type, compression_ && compress == Compress::yes);
  return {};
}

Result<void> Sender::append(Bytes piece) {
  if (!draft_) return Errc::invalid_argument;
  if (room() == 0) return Errc::would_block;
  const bool check = settings_.check_sent_text && draft_->type == MessageType::text;
  if (check && !draft_->text.feed(piece)) return Errc::invalid_argument;
  while (!piece.empty()) {
    if (draft_->payload.size() >= settings_.fragment_size) emit(*draft_, false);
    const std::size_t size = std::min(piece.size(), settings_.fragment_size - draft_->payload.size());
    if (draft_->compressed)
      compression_->add(piece.first(size), draft_->payload);
    else
      draft_->payload.write(piece.first(size));
    piece = piece.subspan(size);
  }
  return {};
}

Result<void> Sender::end() {
  if (!draft_) return Errc::invalid_argument;
  const bool check = settings_.check_sent_text && draft_->type == MessageType::text;
  if (check && !draft_->text.complete()) return Errc::invalid_argument;
  if (draft_->compressed) compression_->end(draft_->payload);
  emit(*draft_, true);
  draft_.reset();
  return {};
}

/// Puts a header before the payload drafted so far and both into the queue (RFC 6455 5.4, 6.1).
void Sender::emit(Draft& draft, bool fin) {
  ChunkQueue& payload = draft.payload;
  const bool first = !std::exchange(draft.started, true);
  FrameHeader header = header_for(first ? opcode_of(draft.type) : Opcode::continuation, fin, payload.size());
  if (first && draft.compressed) header.rsv = kRsv1;  // [WSD-6-1]
  write_frame(queue_, header, {});
  if (header.masked) mask_slices(payload.slices(), header.key);
  if (payload.size() > kSmall) return queue_.splice(payload);
  for (const Slice& slice : payload.slices()) queue_.write(slice.bytes());
  payload.consume(payload.size());
}

void Sender::transmitted(std::size_t count) noexcept {
  queue_.consume(count);
  sent_ += count;
}

}  // namespace sluice::ws
