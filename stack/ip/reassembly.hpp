// Fragments that wait for the rest of their datagram, both families, under limits of bytes, number and time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "stack/base/budget.hpp"
#include "stack/base/packet.hpp"
#include "stack/base/random.hpp"
#include "stack/base/time.hpp"
#include "stack/base/timers.hpp"
#include "stack/ip/counters.hpp"
#include "stack/ip/drop_log.hpp"
#include "stack/wire/address.hpp"

namespace sluice::ip {

/// Bytes that the 16 bits of an IP header's length can tell of: of the packet (IPv4), or of what follows its header.
inline constexpr std::size_t kMaximumLength = 65535;

/// One fragment whose own header has been checked. REQUIRES text of at least one byte, of a multiple of 8 unless it is
/// the last, and an end that fits into a datagram of 65535 bytes.
struct Fragment {
  IpAddress source;
  IpAddress destination;
  std::uint32_t identification = 0;
  std::uint8_t protocol = 0;  ///< IPv4: part of the key [R791-3.2-1]; IPv6: what the fragment header names
  Ecn ecn = Ecn::not_ect;
  bool more = false;
  std::size_t offset = 0;       ///< of its text in the datagram, bytes, a multiple of 8
  std::size_t header_size = 0;  ///< bytes before its text
  std::size_t prefix_size = 0;  ///< bytes that head the reassembled packet: the header without the fragment header
  std::size_t named_at = 0;     ///< IPv6: where in the prefix the number of the next header stands
  Packet packet;

  std::size_t text_size() const noexcept { return packet.size() - header_size; }
  std::size_t end() const noexcept { return offset + text_size(); }
};

/// RFC 815 in spirit, with the pieces themselves instead of holes. An overlap condemns the whole datagram, its later
/// fragments too [R5722-4-2]; an exact duplicate is ignored. When memory runs out the oldest datagram goes.
class Reassembly {
 public:
  static constexpr std::size_t kMaximumDatagrams = 1024;
  static constexpr std::size_t kMaximumPieces = 512;

  Reassembly(std::size_t limit, Duration timeout, const Key& key, Budget& parent, DropLog<Counter>& log);
  ~Reassembly();

  /// The whole packet with its header mended, when `fragment` completes it. What is dropped is counted.
  std::optional<Packet> add(Fragment fragment, Time now);

  /// Gives up one datagram whose time is over; nullopt when there is none. The answer is the packet that was its first
  /// fragment, for the ICMP error, or an empty one when that never came.
  std::optional<Slice> expire_one(Time now);
  Time next_expiry() const noexcept { return timers_.next(); }

 private:
  struct Id {
    IpAddress source;
    IpAddress destination;
    std::uint32_t identification = 0;
    std::uint8_t protocol = 0;
    friend bool operator==(const Id&, const Id&) noexcept = default;
  };
  struct IdHash {
    KeyedHash hash;
    std::size_t operator()(const Id& id) const noexcept;
  };
  struct Piece {
    std::size_t offset = 0;
    Slice text;
    std::size_t end() const noexcept { return offset + text.size(); }
  };
  struct Partial {
    Id id;
    std::vector<Piece> pieces;  // by offset, without overlap
    Slice first;                // the packet of the piece at offset 0
    std::size_t prefix_size = 0;
    std::size_t named_at = 0;
    std::uint8_t protocol = 0;  // what the first fragment names
    std::uint8_t ecn_seen = 0;  // a bit for each codepoint
    bool condemned = false;
    std::size_t total = 0;  // 0 = the last fragment has not come
    std::size_t held = 0;
    std::size_t charge = 0;
    TimerEntry timer;
  };
  static TimerEntry& timer_of(Partial& partial) noexcept { return partial.timer; }
  using Table = std::unordered_map<Id, Partial, IdHash>;

  Partial* find_or_make(const Fragment& fragment, Time now);
  bool charge(Partial& partial, std::size_t bytes, Time now);
  bool fits(Partial& partial, const Fragment& fragment, Time now);
  void keep(Partial& partial, const Fragment& fragment);
  void condemn(Partial& partial, Counter reason, Time now) noexcept;
  void forget(Partial& partial) noexcept;
  std::optional<Packet> assemble(Partial& partial, Time now);

  Duration timeout_;
  Budget budget_;
  DropLog<Counter>& log_;
  Table partials_;
  TimerQueue<Partial, timer_of> timers_;
};

}  // namespace sluice::ip
