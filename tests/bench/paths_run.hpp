// What one run of the paths bench is: a path, who sends over it to whom, and the figures that come of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lab/impairment.hpp"
#include "stack/tcp/options.hpp"

namespace sluice::bench {

enum class System : std::uint8_t { sluice, kernel };

/// One flow's sender: whose TCP, and its congestion control.
struct Sender {
  System system = System::sluice;
  std::string congestion = "reno";
};

/// As the command line has it; times in milliseconds and seconds, rates in Mbit/s of IP packets.
struct Run {
  double rate = 50;
  double rtt = 20;
  double loss = 0;  ///< 0..1, of what leaves the senders
  double burst_enter = 0;
  double burst_leave = 1;
  double reorder = 0;  ///< 0..1; held back by an eighth of the round trip
  double buffer = 1;   ///< of the bottleneck, in bandwidth-delay products
  double seconds = 10;
  std::string seed = "1";
  std::string trace = {};  ///< file for the senders' events; sluice only
  std::vector<Sender> senders = {};
  System receiver = System::sluice;
  bool priority = false;  ///< the emulator goes before all other work of the machine
  bool real = false;      ///< in real time, with a TUN at each end; else in virtual time, sluice only

  /// Towards the receivers: the bottleneck with all that is bad about it.
  lab::ImpairmentSettings there() const;
  /// Towards the senders: half of the round trip and nothing else.
  lab::ImpairmentSettings back() const;
};

inline constexpr std::size_t kMtu = 1500;
/// Each side's buffer on either system: more than the largest cell's queue and pipe, so that no window decides.
inline constexpr std::size_t kSocketBuffer = std::size_t{16} << 20;
/// The receivers' ports: flow 0 has this, flow 1 the next.
inline constexpr std::uint16_t kFirstPort = 5001;

/// What a sender tells of its flow.
struct SenderFigures {
  std::uint64_t sent = 0;           ///< bytes of text, with what was sent again
  std::uint64_t retransmitted = 0;  ///< of them
};

struct Figures {
  std::vector<double> goodput;        ///< Mbit/s of text that the receiver's application read, by flow
  std::vector<double> second_half;    ///< the same, of the second half of the time
  std::vector<double> retransmitted;  ///< share of the text sent, by flow
  double queue_p50 = 0;               ///< ms that a packet waited for the rate
  double queue_p99 = 0;
  double queue_max = 0;
  double capacity = 0;  ///< Mbit/s that the emulator alone carried just before; 0 in virtual time
  double late_p99 = 0;  ///< µs that packets left the emulator after their time
  double late_max = 0;
  std::uint64_t acks = 0;  ///< packets that came back
  std::uint64_t offered = 0, lost = 0, queue_full = 0, reordered = 0;
  std::string notes;  ///< counters of sluice that tell of trouble
};

/// Of the words after the verb: key=value. Throws std::runtime_error with a sentence.
Run parse_run(const std::vector<std::string>& words);
tcp::CongestionControl congestion_named(std::string_view name);
/// The congestion controls that sluice has.
std::vector<std::string> congestion_names();
std::string as_json(const Figures& figures);

}  // namespace sluice::bench
