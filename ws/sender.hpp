// The sending half of a session: messages and control frames to frames in a queue.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "stack/base/buffer.hpp"
#include "stack/base/bytes.hpp"
#include "stack/base/random.hpp"
#include "stack/base/result.hpp"
#include "ws/chunk_queue.hpp"
#include "ws/compression.hpp"
#include "ws/event.hpp"
#include "ws/frame.hpp"
#include "ws/prepared.hpp"
#include "ws/settings.hpp"
#include "ws/utf8.hpp"

namespace sluice::ws {

/// Knows framing, masking and the queue; knows nothing of closing. Calls are those of Session, which documents them.
class Sender {
 public:
  /// `settings` and `random` outlive the sender. REQUIRES random for the client, which masks.
  /// `deflate` is what our compressed messages obey; nullopt: there are none.
  Sender(Role role, const Settings& settings, Random* random, const std::optional<DeflateWindow>& deflate = {});

  Result<void> send(MessageType type, Bytes payload, Compress compress);
  Result<void> send(MessageType type, Slice payload);
  Result<void> send(const Prepared& message);

  Result<void> begin(MessageType type, Compress compress);
  Result<void> append(Bytes piece);
  Result<void> end();
  /// Forgets what is not yet a frame.
  void drop_draft() noexcept { draft_.reset(); }

  /// Queues a control frame, whatever waits. REQUIRES payload.size() <= 125.
  void control(Opcode opcode, Bytes payload);

  const Settings& settings() const noexcept { return settings_; }
  const ChunkQueue& queue() const noexcept { return queue_; }
  /// Bytes that left, and bytes that ever were queued.
  std::uint64_t sent() const noexcept { return sent_; }
  std::uint64_t queued() const noexcept { return sent_ + queue_.size(); }
  void transmitted(std::size_t count) noexcept;

  /// Bytes below the high-water mark.
  std::size_t room() const noexcept;

 private:
  /// A message that the caller sends piece by piece: what is not yet framed.
  struct Draft {
    Draft(BufferPool* pool, MessageType message_type, bool is_compressed) noexcept
        : payload(pool), type(message_type), compressed(is_compressed) {}
    ChunkQueue payload;
    MessageType type;
    bool compressed;
    bool started = false;  ///< its first frame is out
    Utf8Validator text;
  };

  Errc may_send(MessageType type, Bytes payload) const noexcept;
  FrameHeader header_for(Opcode opcode, bool fin, std::uint64_t length) noexcept;
  void send_compressed(MessageType type, Bytes payload);
  void emit(Draft& draft, bool fin);

  const Settings& settings_;
  Random* random_;  ///< nullptr: a server, which never masks
  ChunkQueue queue_;
  std::uint64_t sent_ = 0;
  std::unique_ptr<Draft> draft_;
  std::unique_ptr<Compression> compression_;  ///< when it was agreed on
};

}  // namespace sluice::ws
