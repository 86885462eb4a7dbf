// A World whose packets are captured at both ends, as a tap on each host would see them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lab/capture_record.hpp"
#include "lab/departures.hpp"
#include "tests/support/world.hpp"

namespace sluice::test {

/// The link between the hosts: every packet takes the same time, and some get lost, or fare as said.
struct RecordedLink {
  Duration delay = std::chrono::milliseconds(10);  ///< one way
  std::vector<std::uint64_t> lost_to_right = {};   ///< by number, the first packet in this direction is number 1
  std::vector<std::uint64_t> lost_to_left = {};
  std::vector<std::uint64_t> held_to_right = {};  ///< take `hold` longer, so that later ones overtake them
  Duration hold = std::chrono::milliseconds(3);
  std::vector<std::uint64_t> copied_to_right = {};  ///< arrive once more a millisecond later
  std::vector<std::uint64_t> marked_to_right = {};  ///< of IPv4: with CE
};

/// Packets of the host at which a capture is taken bear as a comment why they left and
/// how their connection stood. Independent of
/// SLUICE_SEED, because what it makes is compared with files.
class Recording {
 public:
  explicit Recording(const RecordedLink& link = {}, WorldSettings settings = {});
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  World& world() noexcept { return *world_; }
  /// A packet that no stack sends leaves the left host.
  void send_from_left(std::vector<std::uint8_t> packet);
  /// The capture of one end: a pcapng file, times as the World's.
  std::vector<std::uint8_t> taken_at_left() { return left_.file(); }
  std::vector<std::uint8_t> taken_at_right() { return right_.file(); }

 private:
  struct Seen {
    Time at;
    lab::Direction direction;
    std::vector<std::uint8_t> bytes;
    std::string comment;
  };
  /// What one end saw, and what its stack told of what it sent.
  class End final : public Observer {
   public:
    void on_event(const TraceEvent& event) noexcept override { departures_.told(event); }
    void sent(Time at, Bytes packet) { departures_.left(at, packet); }
    void received(Time at, Bytes packet) {
      seen_.push_back({at, lab::Direction::in, {packet.begin(), packet.end()}, {}});
    }
    std::vector<std::uint8_t> file();

   private:
    std::vector<Seen> seen_;
    lab::Departures departures_{[this](Time at, Bytes packet, const lab::DepartureNote& note) {
      seen_.push_back({at, lab::Direction::out, {packet.begin(), packet.end()}, note.comment});
    }};
  };

  void carry(bool to_right, Bytes packet);
  void deliver(bool to_right, Bytes packet, Duration delay);

  std::string seed_;  ///< SLUICE_SEED before
  bool seeded_ = false;
  RecordedLink link_;
  End left_;
  End right_;
  std::uint64_t sent_right_ = 0;
  std::uint64_t sent_left_ = 0;
  std::unique_ptr<World> world_;
};

}  // namespace sluice::test
