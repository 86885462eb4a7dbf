// Why each segment left, beside it: the stack tells that in an event of its own, shortly before or after the packet.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/capture_record.hpp"
#include "stack/base/packet.hpp"
#include "stack/base/trace.hpp"

namespace sluice::lab {

/// What the stack told of a packet; empty when it told nothing.
struct DepartureNote {
  std::string reason;   ///< a tcp::SendReason by its name
  std::string comment;  ///< for people, two lines: the reason with its RFC section, and the connection's state
};

/// "rack_loss: retransmission: … (RFC 8985 6.2)", then of a connection its state, SND.UNA, SND.NXT, SND.WND, RCV.NXT,
/// RCV.WND, cwnd, ssthresh, pipe, SRTT and RTO. Numbers are relative to the ISNs, as Wireshark shows them; bytes.
DepartureNote departure_note(const TraceEvent& segment_out);

/// Brings packets and what is told of them together. A packet waits for its note until the next one leaves, or flush();
/// notes of packets that have not left yet wait for these.
class Departures {
 public:
  using Write = std::function<void(Time, Bytes packet, const DepartureNote&)>;
  /// `write` takes each packet, in the order in which they left; of a super-segment each packet that it is cut into,
  /// with the same note. `link`: what stands before its IP header.
  explicit Departures(Write write, LinkType link = LinkType::raw) : write_(std::move(write)), link_(link) {}

  void left(Time at, const Frame& frame);
  void left(Time at, Bytes packet);
  /// Events of other kinds mean nothing here.
  void told(const TraceEvent& event);
  /// Nothing more will be told of what has left.
  void flush();
  /// The same, and notes that still wait are forgotten.
  void clear();

 private:
  /// What tells one segment from the others around it.
  struct Name {
    std::uint32_t seq = 0;
    std::uint32_t ack = 0;
    std::uint8_t flags = 0;
    friend bool operator==(const Name&, const Name&) = default;
  };
  struct Early {
    Name name;
    DepartureNote note;
  };
  std::optional<Name> name_of(Bytes packet) const noexcept;
  void wait(Time at);

  Write write_;
  LinkType link_;
  bool pending_ = false;
  Time at_{};
  bool partial_ = false;  // of packet_: it lacks its checksum
  std::uint16_t gso_size_ = 0;
  std::vector<std::uint8_t> packet_;
  DepartureNote note_;
  std::deque<Early> early_;
};

}  // namespace sluice::lab
