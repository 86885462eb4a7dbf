// Explicit Congestion Notification of one connection (RFC 3168, RFC 9768): what the handshake agreed on, which marks
// came, and what became of the marks that the peer tells of. It exists only where a SYN asked for it.
#pragma once

#include <cstdint>
#include <string_view>

#include "stack/base/packet.hpp"
#include "stack/tcp/seq.hpp"
#include "stack/wire/tcp.hpp"

namespace sluice::tcp {

/// How marks are told of. Agreed on once, and never another [9768 3.1.5].
enum class EcnMode : std::uint8_t {
  off,
  classic,   ///< RFC 3168: ECE until CWR, one signal a round trip
  accurate,  ///< RFC 9768: counters
};
std::string_view name(EcnMode mode) noexcept;

/// AE, CWR and ECE of SYN and SYN,ACK (RFC 9768 table 2).
namespace ecn_bits {
inline constexpr std::uint8_t kNone = 0;
inline constexpr std::uint8_t kClassicAnswer = 1;
inline constexpr std::uint8_t kClassicRequest = 3;
inline constexpr std::uint8_t kAccurateRequest = 7;
}  // namespace ecn_bits

/// The mark with which a SYN or SYN,ACK came, as its answer tells it (RFC 9768 tables 2 and 3).
constexpr std::uint8_t handshake_code(Ecn mark) noexcept {
  switch (mark) {
    case Ecn::not_ect: return 2;
    case Ecn::ect1: return 3;
    case Ecn::ect0: return 4;
    case Ecn::ce: return 6;
  }
  return 2;
}

/// The receiver's half of AccECN: counts marks and says when they are to be told.
class AccurateEcnReceiver {
 public:
  AccurateEcnReceiver() = default;
  explicit AccurateEcnReceiver(std::uint8_t ace) noexcept : packets_(ace) {}

  /// An acceptable segment that stands for `packets` of the wire. True: an ACK must leave now (RFC 9768 3.2.2.5.1).
  /// `unacknowledged`: text waits for its ACK.
  bool take(Ecn mark, std::uint32_t packets, std::uint32_t text, bool unacknowledged) noexcept;
  /// SYN,ACKs came with CE, however many [9768 3.2.2.2].
  void take_marked_syn_ack() noexcept { packets_ += syn_ack_counted_ ? 0u : 1u, syn_ack_counted_ = true; }
  void on_ack_sent(bool with_option) noexcept;

  std::uint8_t ace() const noexcept { return packets_ & 7; }
  /// All three counters, or those that ever moved, the fewest in front that the order permits (RFC 9768 3.2.3.3).
  wire::tcp::AccurateEcn whole_option() const noexcept;
  wire::tcp::AccurateEcn option() const noexcept;
  /// A counter moved since the last option.
  bool option_due() const noexcept { return option_due_; }

 private:
  // 9768 3.2.1: not zero, so that a middlebox which clears the fields is found out.
  std::uint32_t packets_ = 5;
  std::uint32_t ect0_ = 1, ect1_ = 1, ce_ = 0;  // bytes
  std::uint8_t marks_untold_ = 0;
  bool last_was_ce_ = false;
  bool syn_ack_counted_ = false;
  bool option_due_ = false;
};

/// The sender's half: follows the peer's counters, though the header has only three bits of one.
class AccurateEcnSender {
 public:
  struct Heard {
    std::uint64_t marked = 0;    ///< bytes newly told of as marked
    bool contradiction = false;  ///< bytes were marked, but no packet [9768 3.2.3.2.5]
  };
  /// An ACK that isn't superseded and delivered so many bytes for the first time; `mss` is their usual segment.
  Heard hear(std::uint8_t ace, const wire::tcp::AccurateEcn& option, std::uint64_t delivered,
             std::uint32_t mss) noexcept;
  /// The handshake said that the SYN,ACK was marked (RFC 9768 table 4).
  void syn_ack_was_marked() noexcept { packets_ = 6; }
  /// The first option of a connection: with a counter of zero all are ignored (RFC 9768 3.2.3.2.4).
  void check_first(const wire::tcp::AccurateEcn& option) noexcept;

 private:
  std::uint32_t packets_ = 5;
  std::uint32_t ce_ = 0;                                      // bytes, modulo 2^24
  std::uint32_t guessed_ = 0;                                 // bytes told from packets alone, since the last option
  std::uint32_t packets_marked_ = 0, packets_delivered_ = 0;  // since then
  bool first_ = true;
  bool options_come_ = false;
  bool ignores_options_ = false;
};

struct EcnState {
  EcnMode mode = EcnMode::off;
  EcnMode asked = EcnMode::off;    ///< by our SYN
  bool client = false;             ///< a SYN,ACK answered our SYN
  bool ect = true;                 ///< new text may leave as ECT
  bool plain_syn = false;          ///< a SYN or SYN,ACK of ours said nothing of ECN
  bool syn_repeated = false;       ///< by the peer
  Ecn arrived = Ecn::not_ect;      ///< how the latest SYN or SYN,ACK of the peer came
  bool echo = false;               ///< RFC 3168 6.1.3: ECE until CWR comes
  bool cwr_due = false;            ///< RFC 3168 6.1.2: on the next new text
  bool held = false;               ///< RFC 3168 6.1.2: new text waits for the retransmission timer
  bool reduced_by_mark = false;    ///< the last reduction was for a mark and worth a loss's
  bool deaf = false;               ///< the peer's feedback means nothing (RFC 9768 table 4, 3.2.2.4)
  bool third_ack = false;          ///< the segment at hand ends the handshake: its bits are no counter
  bool heard_first = false;        ///< a counter came after the handshake
  bool first_text_option = false;  ///< our first text tries the option's path (RFC 9768 3.2.3.2.1)
  Seq point;                       ///< one reduction a window: the next only for an ACK of what is behind this
  AccurateEcnReceiver received;
  AccurateEcnSender told;
  std::uint64_t ce_received = 0;
  std::uint64_t reductions = 0;
};

}  // namespace sluice::tcp
