// A short conversation of the two hosts of a World, ended in a chosen way: what the tests of loss lose packets of.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <set>
#include <string_view>

#include "tests/support/world.hpp"

namespace sluice::test {

/// Who ends it, and how.
enum class Ending : std::uint8_t {
  left_closes,
  right_closes,
  both_close,          ///< at the same moment
  left_half_closes,    ///< and the right says more before it closes too
  right_half_closes,   ///< the mirror
  left_leaves_unread,  ///< close() with text unread: RST
  left_aborts,
  right_aborts,
};
inline constexpr std::array<Ending, 8> kEndings = {
    Ending::left_closes,       Ending::right_closes,       Ending::both_close,  Ending::left_half_closes,
    Ending::right_half_closes, Ending::left_leaves_unread, Ending::left_aborts, Ending::right_aborts};
std::string_view name(Ending ending) noexcept;
/// With FIN both ways, so that all text arrives and nobody sees an error.
constexpr bool is_orderly(Ending ending) noexcept { return ending < Ending::left_leaves_unread; }

struct TalkSettings {
  WorldSettings world = {};
  Ending ending = Ending::left_closes;
  int rounds = 3;                                  ///< request and answer
  Duration delay = std::chrono::milliseconds(10);  ///< of the link, each way
  tcp::Options options = {};                       ///< of both sockets
};

class Talk {
 public:
  static constexpr std::uint64_t kRequest = 100, kAnswer = 300, kMore = 3000;  ///< bytes
  static constexpr std::uint16_t kLeftPort = 40001, kRightPort = 80;

  explicit Talk(const TalkSettings& settings);

  /// Packets lost by their number; the first that either host emits is number 1.
  std::set<std::uint64_t> lose;
  /// Beyond so many packets nothing arrives any more.
  std::uint64_t dark_after = std::numeric_limits<std::uint64_t>::max();
  /// Called for each packet that isn't lost; true = it goes no further.
  std::function<bool(bool to_right, Bytes packet)> take_packet;

  /// Until both applications are done; false when the limit passes first.
  bool play(Duration limit = std::chrono::minutes(30));
  /// Since the beginning.
  Duration elapsed() const noexcept { return world.now() - start_; }
  /// Lets the stacks finish alone, and CHECKs that nothing is left of the conversation.
  void expect_nothing_left(Duration wait = std::chrono::minutes(10));
  /// CHECKs what the applications saw, by the ending.
  void expect_outcome() const;

  struct Side {
    tcp::Socket socket;
    std::uint64_t written = 0;
    std::uint64_t read = 0;
    bool finished = false;
    bool done = false;
    Errc error = Errc::none;
    Time ended{};
  };
  World world;
  Side left;
  Side right;

 private:
  void step();
  void talk_on();
  void end_it();
  void receive(Side& side, std::uint64_t seed);
  void say(Side& side, std::uint64_t bytes, std::uint64_t seed);
  void finish(Side& side);
  void see_end(Side& side);
  bool rounds_over() const noexcept;
  bool keeps_unread(const Side& side) const noexcept;

  TalkSettings settings_;
  tcp::Listener listener_;
  Time start_;
  std::uint64_t emitted_ = 0;
  bool ending_ = false;
};

}  // namespace sluice::test
