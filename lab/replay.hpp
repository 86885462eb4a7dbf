// A conversation of a capture played again: a stack takes the place of one side, and what it says is compared with
// what the capture's own side said.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/conversation.hpp"
#include "lab/host.hpp"
#include "stack/stack.hpp"

namespace sluice::lab {

enum class Side : std::uint8_t { opener, other };
std::string_view name(Side side) noexcept;

/// What has to be the same in the capture and in its replay; each level asks for all of those before it.
enum class Level : std::uint8_t {
  messages,  ///< what ReplaySettings::interpret makes of the bytes both ways
  stream,    ///< all bytes both ways, in order, and how the connection ended
  acks,      ///< what was acknowledged, not later than `ack_delay`
  segments,  ///< each packet, as the notation shows it
  timing,    ///< and when it left, by `time_slack`
};
std::string_view name(Level level) noexcept;
std::optional<Level> level_of(std::string_view name) noexcept;

/// Time is virtual and starts as the capture does; nothing is random but what `stack.key` says, so the same input gives
/// the same verdict. Numbers are translated: the ISN and the timestamp base that the stack chooses stand for those of
/// the capture in everything that the peer says about them.
///
/// Of TCP below level `segments` only what the connection came to is compared, so a capture of any stack will do,
/// super-segments of an offload included: where the stack sends less at a time than the side of the capture did, the
/// peer acknowledges that, too; the replay then goes on for `after` a while longer than the capture.
///
/// Of UDP and ICMP at these levels the messages and their contents count, and nothing of their IP headers.
///
/// Compared at `segments` is what the notation shows of a packet (flags, numbers, length, window, options, TTL, TOS,
/// ECN), DF, the text, and the time at `timing`. Identifications and flow labels are not: they are random, and of
/// whole packets without meaning.
///
/// The application is inferred from the capture:
/// - It connects when our first SYN left, or listens from the start if our side answered one. A UDP socket is bound
///   unless our side called the port unreachable.
/// - Text up to a PSH was one write, made when its first byte left. Text behind the last PSH is one more.
/// - Our FIN was a half-close when it left; if a RST of ours answered later text of the peer's, it was a close.
/// - Our RST was an abort if the connection is still alive at its time.
/// - A keep-alive of ours was due when it left.
/// - With Fast Open our first text was written before the SYN left. The replayed client has no cookie and asks for one;
///   the replayed server is shown one of its own where the captured one took the text.
/// - It reads at once. So a window that its reader had let fill is a difference.
/// - An echo request of ours leaves as it was captured: the stack itself has no ping.
struct ReplaySettings {
  Level level = Level::segments;
  Duration ack_delay = std::chrono::milliseconds(500);  ///< RFC 9293 MUST-40
  Config stack;                                         ///< ip.addresses is set by replay()
  HostShape shape;                                      ///< of our side; the verdict ought to be the same
  tcp::Options socket;                                  ///< of the one TCP connection
  udp::Options datagrams;                               ///< of the one UDP socket
  bool fast_open = false;              ///< our SYN asks for it, or our side takes text that comes with a SYN (RFC 7413)
  Duration distance{0};                ///< one way from where the capture was taken to our side; 0: taken there
  bool windows = true;                 ///< compare TCP windows
  std::uint32_t stamp_slack = 0;       ///< ticks by which our timestamps may differ
  Duration time_slack{0};              ///< by which our times may differ at level `timing`
  Duration after{0};                   ///< how long after the last packet nothing more may come
  std::size_t until = 0;               ///< the number in the capture of the last packet that is played; 0: all
  std::size_t most_differences = 200;  ///< listed; more are counted
  /// At level `messages`: the lines by which two runs are compared; none: it can make nothing of these bytes.
  std::function<std::vector<std::string>(const Conversation&)> interpret = nullptr;
  /// Told each packet as the stack says it or hears it, and when.
  std::function<void(Time, Direction, Bytes)> on_packet = nullptr;
};

/// What the capture tells of our side: MTU, which options it offered or took, receive buffer, Nagle, TTL, DSCP, Fast
/// Open. Everything else is the stack's default.
ReplaySettings settings_from(const Conversation& conversation, Side us);

struct Difference {
  enum class Kind : std::uint8_t {
    changed,  ///< another packet than in the capture
    missing,  ///< in the capture only
    extra,    ///< in the replay only
    waiting,  ///< the peer's: acknowledges what our side never sent here, so it could not come
  };
  Kind kind = Kind::changed;
  std::size_t number = 0;  ///< in the capture; of an extra packet: of the one of ours before it, 0 = before all
  Duration at{};           ///< since the conversation's first packet
  std::string reason;      ///< the fields in which it differs
  std::string expected;    ///< in the notation, numbers relative; empty for an extra packet
  std::string got;         ///< empty for a missing one
};

/// A row of the ladder around the first difference.
struct ReplayRung {
  std::size_t number = 0;  ///< in the capture; 0: only in the replay
  std::size_t place = 0;   ///< the same, but of a packet only in the replay that of the one before it
  Duration at{};
  std::string captured;  ///< in short: without window and options; empty when it is only in the replay
  std::string replayed;  ///< empty when it is only in the capture, or the peer's
  bool of_peer = false;
  bool differs = false;
};

struct Verdict {
  std::string title;               ///< which conversation and side
  std::string error;               ///< one sentence: why there was no replay
  std::size_t expected = 0;        ///< packets of our side in the capture
  std::size_t got = 0;             ///< packets that the stack sent
  Level level = Level::segments;   ///< at which both were compared
  std::size_t unfinished = 0;      ///< packets whose checksum was left to a device
  std::size_t super_segments = 0;  ///< packets larger than the MTU, which a device would cut
  std::size_t added = 0;           ///< packets that the peer had to say besides, below level `segments`
  std::size_t late = 0;            ///< of the peer's that had to wait until our side had sent what they acknowledge
  std::size_t messages = 0;        ///< compared at level `messages`
  std::size_t cut = 0;             ///< packets of which the capture kept only the front
  HostCounts counts;               ///< of ReplaySettings::shape
  std::vector<Difference> differences;
  std::vector<ReplayRung> ladder;  ///< around the first of them, at levels `segments` and `timing`
  std::size_t unlisted = 0;        ///< differences beyond the limit

  bool same() const noexcept { return error.empty() && differences.empty(); }
};

/// Plays `us`. TCP conversations need their opening SYN in the capture.
Verdict replay(const Conversation& conversation, Side us, const ReplaySettings& settings);

/// A verdict for people and golden files: a line when all is the same, else each difference with its reason.
/// `reference`: what the replay is held against, in a word.
std::string to_text(const Verdict& verdict, std::string_view reference = "captured");

}  // namespace sluice::lab
