// The receiving half of a session: bytes to pieces of messages and control frames, every rule of RFC 6455 5 checked.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "stack/base/bytes.hpp"
#include "ws/event.hpp"
#include "ws/frame.hpp"
#include "ws/inflation.hpp"
#include "ws/settings.hpp"
#include "ws/utf8.hpp"

namespace sluice::ws {

/// One thing that the peer said.
struct Received {
  enum class Kind : std::uint8_t { nothing, data, ping, pong, close, fault };
  Kind kind = Kind::nothing;
  Fault fault = Fault::none;               ///< of Kind::fault; nothing may be received after it
  MessageType type = MessageType::binary;  ///< these three of Kind::data, as Data has them
  bool first = false;
  bool last = false;
  MutableBytes bytes;  ///< of Kind::data; of a control frame: in the input, or in the receiver until the next receive()
};

/// Knows framing, fragmentation, limits and UTF-8; knows nothing of answers, closing or time.
class Receiver {
 public:
  /// `settings` outlives the receiver. `role` is ours: a server demands masks, a client refuses them.
  /// `deflate` is what the peer's compressed messages obey; nullopt: there are none.
  Receiver(Role role, const Settings& settings, const std::optional<DeflateWindow>& deflate = {});

  /// Consumes bytes from the front of `input` until it has something to report or the input ends, and says how many.
  /// Payload is unmasked in place. Takes at least one byte of a non-empty input.
  std::size_t receive(MutableBytes input, Received& out);

  /// More comes of what was received: call resume() until this is false, before the next receive().
  bool waiting() const noexcept { return inflation_ && inflation_->waiting(); }
  void resume(Received& out);
  /// Lets go of what the last Data showed.
  void rest() noexcept {
    if (inflation_) inflation_->rest();
  }

  /// True from a message's first frame to its last byte.
  bool in_message() const noexcept { return in_message_; }
  /// Frames of the message that is being received, or of the last one.
  std::uint32_t fragments() const noexcept { return fragments_; }
  /// RFC 7692 compressed that message.
  bool compressed() const noexcept { return compressed_; }
  /// Whether anything moved a message on since the last call: to see whether one stands still.
  bool take_progress() noexcept { return std::exchange(progress_, false); }

 private:
  std::size_t take_header(MutableBytes input, Received& out);
  void begin_frame(const FrameHeader& header, Received& out);
  Fault begin_data(const FrameHeader& header) noexcept;
  std::size_t take_payload(MutableBytes input, Received& out);
  std::size_t take_compressed(MutableBytes input, Received& out);
  void take_data(MutableBytes piece, bool last, Received& out) noexcept;
  void take_inflated(const Inflation::Output& output, Received& out) noexcept;
  void take_control(MutableBytes piece, Received& out);

  const Settings& settings_;
  HeaderRules rules_;

  // The frame: header bytes that arrived so far, then what is left of its payload.
  std::array<std::uint8_t, kMaxHeader> partial_{};
  std::uint8_t partial_size_ = 0;
  bool in_frame_ = false;
  bool fin_ = false;
  Opcode opcode_ = Opcode::continuation;
  MaskKey key_{};  ///< rotated to the next byte
  std::uint64_t left_ = 0;

  // The message.
  bool in_message_ = false;
  bool fresh_ = false;       ///< no Data of it was given out yet
  bool compressed_ = false;  ///< RSV1 stood on its first frame
  MessageType type_ = MessageType::binary;
  Utf8Validator text_;
  bool progress_ = false;
  std::uint32_t fragments_ = 0;
  std::uint64_t message_size_ = 0;  ///< as promised by the frames' headers so far

  /// Payload of a control frame that arrives in pieces; kept until the next frame begins.
  struct Control {
    std::array<std::uint8_t, kMaxControlPayload> bytes;
    std::size_t size = 0;
  };
  std::unique_ptr<Control> control_;
  std::unique_ptr<Inflation> inflation_;  ///< when compression was agreed on
};

}  // namespace sluice::ws
