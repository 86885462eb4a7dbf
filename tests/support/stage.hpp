// One end of a connection in any of the eleven states, its peer a real stack behind a link that can be cut: where tests
// inject segments that nobody sent.
#pragma once

#include <array>
#include <cstdint>

#include "tests/support/segment_view.hpp"
#include "tests/support/world.hpp"

namespace sluice::test {

inline constexpr std::array<tcp::State, tcp::kStateCount> kStates = {
    tcp::State::closed,      tcp::State::listen,     tcp::State::syn_sent,   tcp::State::syn_received,
    tcp::State::established, tcp::State::fin_wait_1, tcp::State::fin_wait_2, tcp::State::close_wait,
    tcp::State::closing,     tcp::State::last_ack,   tcp::State::time_wait};

/// The subject is the end that is in the state: the left one if it opened or closed first, else the right one.
class Stage {
 public:
  static constexpr std::uint16_t kLeftPort = 40001, kRightPort = 80;

  explicit Stage(tcp::State state, Family family = Family::ipv4);

  /// What the subject is in now: of its connection, else of its record, else LISTEN or CLOSED.
  tcp::State state();
  /// Why the subject's connection ended; none while it lives.
  Errc error() const { return subject().error(); }
  /// An empty segment as the subject's peer would send it now: in order, acknowledging all, newer by its timestamp.
  SegmentView from_peer() const;
  /// Where the subject's receive window ends, and where its peer's numbers began.
  std::uint32_t window_edge() const noexcept;
  std::uint32_t peer_isn() const noexcept { return numbers_[!subject_is_left].isn; }
  /// Brings a segment to the subject at once and lets it act; answers what it sent to the peer, which hears nothing.
  std::vector<SegmentView> inject(const SegmentView& segment);
  /// Mends the link; both applications read what comes and finish. False: one of them never came to an end.
  bool play_on();
  /// Closes all, waits, and CHECKs that both stacks are empty.
  void expect_nothing_left();

  World world;
  tcp::Listener listener;
  tcp::Socket left;
  tcp::Socket right;
  bool subject_is_left = false;
  /// What the applications saw when they ended.
  Errc left_error = Errc::none;
  Errc right_error = Errc::none;

 private:
  struct Numbers {
    std::uint32_t isn = 0;
    std::uint32_t nxt = 0;  ///< behind all that it sent
    std::uint32_t ack = 0;  ///< what it acknowledged last
    std::uint16_t window = 0;
    std::uint32_t stamp = 0;
    bool stamps = false;
    bool spoke = false;
  };

  void reach(tcp::State state);
  void open();
  void accept();
  void note(bool from_left, const SegmentView& segment);
  void end_of(tcp::Socket& socket, bool& done, Errc& error);
  const tcp::Socket& subject() const { return subject_is_left ? left : right; }
  Stack& subject_stack() noexcept { return subject_is_left ? world.left() : world.right(); }

  std::array<Numbers, 2> numbers_{};  ///< of the right and the left end
  std::array<bool, 2> cut_{};         ///< nothing passes to the left, to the right
  std::vector<SegmentView> answers_;
};

}  // namespace sluice::test
