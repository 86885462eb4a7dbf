// The play itself, a step after the other; see run.hpp.
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "lab/drill/caller.hpp"
#include "lab/drill/code.hpp"
#include "lab/drill/flows.hpp"
#include "lab/drill/run.hpp"
#include "lab/ladder.hpp"

namespace sluice::lab::drill {

/// The stack did something else.
class Deviation : public std::runtime_error {
 public:
  Deviation(const std::string& sentence, std::string sides) : std::runtime_error(sentence), detail(std::move(sides)) {}
  std::string detail;  ///< expected beside actual, or empty
};

class Player {
 public:
  Player(const Script& script, const RunOptions& options);
  Outcome play();
  /// Of several stacks: a key with which all flows of the play belong to the application's. nullopt: with this one they
  /// do, or none was found.
  std::optional<Key> better_key() const;

 private:
  /// A call that waits.
  struct Blocked {
    const Step* step;
    Duration began;
    Duration end;  ///< when the script says that it returns
    Duration tolerance;
    std::optional<Duration> finished = std::nullopt;
    Attempt attempt = {};
  };
  /// When a step may happen.
  struct Span {
    Duration first{};
    Duration last{};
    Duration tolerance{};
  };

  void apply_options();
  void perform(const Step& step);
  void finish();
  Stage& stage();
  void check_addresses() const;
  Span span_of(const Step& step) const;
  /// Time goes on to when the step begins.
  Span go_to(const Step& step);

  void arrive(const Step& step, const PacketLine& packet);
  /// Whether the step behind this one is a packet that arrives at the same moment.
  bool next_arrives_now() const;
  void expect(const Step& step, const PacketLine& packet);
  void call(const Step& step, const CallStep& call);
  void shell(const Step& step, const ShellStep& shell);
  void code(const Step& step, const CodeStep& code);

  // calls that block
  bool retry();
  void finish_blocked();
  void judge_call(const Step& step, const Attempt& attempt) const;

  // packets: player_packets.cpp
  Flow& flow_for(const PacketLine& packet);
  Flow& new_flow();
  void note_in(const PacketLine& packet, const std::vector<std::uint8_t>& bytes);
  struct Seen {
    Flow* flow = nullptr;
    PacketLine line;  ///< in the script's numbers
    Duration at{};
    std::uint32_t dropped = 0;  ///< bytes of text in packets before the one that is still there
  };
  Seen read_front(const PacketLine& expected);
  void drop_front();
  void gather_more(Seen& seen, const PacketLine& expected, const Span& span);
  std::string leftover_text();
  bool next_step_continues(const Step& step, const PacketLine& expected) const;
  void check_text(const OpenedPacket& packet, const PacketLine& line, const Flow& flow);
  [[noreturn]] void fail_missing(const PacketLine& expected, const Span& span);
  void correct(const Step& step, const PacketLine& expected, const Seen& seen);

  // words: player_report.cpp
  [[noreturn]] void fail(const std::string& sentence, std::string detail = {}) const;
  std::string state_text();
  void describe(Outcome& outcome, const Deviation& deviation);
  void note(Rung::Kind kind, std::string text, std::string why = {});

  const Script& script_;
  const RunOptions& options_;
  Settings settings_;
  std::unique_ptr<Stage> stage_;
  std::unique_ptr<Caller> caller_;
  Flows flows_;
  CodeWorld world_;
  std::optional<Blocked> blocked_;
  std::vector<Rung> rungs_;
  std::vector<std::string> printed_;
  std::vector<Correction> corrections_;
  Duration base_{};        // when the step before happened
  std::size_t index_ = 0;  // of the step that is played
  std::uint16_t next_port_ = 40001;
  std::string text_fault_;
};

/// "expected … / actual …" with signs below the words that differ.
std::string side_by_side(const std::string& expected, const std::string& actual);

}  // namespace sluice::lab::drill
