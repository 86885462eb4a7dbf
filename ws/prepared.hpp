// A server's message as it goes over the wire, made once for however many sessions are to send it.
#pragma once

#include <string_view>

#include "stack/base/buffer.hpp"
#include "stack/base/bytes.hpp"
#include "stack/base/result.hpp"
#include "ws/event.hpp"

namespace sluice::ws {

/// Header and payload in one block. Only a server's frames can be shared: a client masks each one anew (RFC 6455 5.3).
/// Cheap to copy; like every Slice it stays on one thread.
class Prepared {
 public:
  /// The payload is copied, once. invalid_argument: text that is not UTF-8.
  static Result<Prepared> make(MessageType type, Bytes payload);
  static Result<Prepared> text(std::string_view payload) { return make(MessageType::text, as_bytes(payload)); }
  static Prepared binary(Bytes payload) { return *make(MessageType::binary, payload); }

  /// The whole frame. Nobody may change its bytes.
  const Slice& frame() const noexcept { return frame_; }

 private:
  explicit Prepared(Slice frame) noexcept : frame_(std::move(frame)) {}

  Slice frame_;
};

}  // namespace sluice::ws
