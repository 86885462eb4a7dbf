// Which numbers of the wire a script's numbers stand for, one flow at a time.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <vector>

#include "lab/exchange.hpp"
#include "lab/notation.hpp"
#include "stack/ip/datagram.hpp"
#include "stack/wire/address.hpp"

namespace sluice::lab::drill {

/// Both directions between two endpoints. The peer's sequence numbers are those of the script; ours begin wherever the
/// stack chose, and timestamps likewise.
struct Flow {
  Endpoint local;
  Endpoint remote;
  ip::Protocol protocol = ip::Protocol::tcp;
  SideNumbers ours = {};
  SideNumbers peers = {};
  bool numbers_known = false;                              ///< a SYN of ours was compared with the script's
  std::uint32_t script_isn = 0;                            ///< of that SYN
  std::uint32_t live_isn = 0;                              ///< the same on the wire
  std::optional<std::uint32_t> last_stamp = std::nullopt;  ///< of ours, as on the wire
  std::uint32_t peer_isn = 0;                              ///< of the SYN of the peer that came last
  bool peer_opens_anew = false;                            ///< a SYN came since: our next SYN may have other numbers

  /// The bytes of a packet of the peer. nullopt: there is no such packet.
  std::optional<std::vector<std::uint8_t>> build(const PacketLine& line) const;
  /// A packet of ours in the script's numbers.
  PacketLine read(const OpenedPacket& packet) const { return to_line(packet, ours, peers); }
  /// Before a packet of ours is compared with what a script expects: a SYN's number and the first timestamp written in
  /// the script tell where the script's numbers begin.
  void learn(const PacketLine& expected, const OpenedPacket& packet);
};

class Flows {
 public:
  Flow* find(const Endpoint& local, const Endpoint& remote) noexcept;
  Flow& add(const Endpoint& local, const Endpoint& remote, ip::Protocol protocol = ip::Protocol::tcp);
  const std::list<Flow>& all() const noexcept { return all_; }
  /// The one to which packets without ports belong: the latest. nullptr before there is one.
  Flow* current() noexcept { return all_.empty() ? nullptr : &all_.back(); }

 private:
  std::list<Flow> all_;
};

/// The bytes that scripts write without saying which: a pattern by place in the stream, another for the peer's.
std::uint8_t our_byte(std::uint64_t place) noexcept;
std::uint8_t peer_byte(std::uint64_t place) noexcept;

}  // namespace sluice::lab::drill
