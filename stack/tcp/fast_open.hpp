// TCP Fast Open (RFC 7413): the cookies that a server gives out, and what a client remembers of servers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "stack/base/random.hpp"
#include "stack/base/slot_map.hpp"
#include "stack/base/time.hpp"
#include "stack/ip/address_hash.hpp"
#include "stack/tcp/info.hpp"
#include "stack/wire/address.hpp"
#include "stack/wire/tcp.hpp"

namespace sluice::tcp {

/// The server's side: a cookie proves that its bearer once received a packet at this address. [R7413-4.1.2-1]
class FastOpenCookies {
 public:
  /// A cookie is good for the period in which it was made, and the next.
  FastOpenCookies(const Key& key, Duration period) noexcept : hash_(key, KeyUse::fast_open), period_(period) {}

  /// For the client at this address; `experimental` as it asked.
  wire::tcp::FastOpen make(const IpAddress& client, bool experimental, Time now) const noexcept;

  enum class Verdict : std::uint8_t { bad, good, old };  ///< old: still good, but to be replaced
  Verdict judge(const wire::tcp::FastOpen& shown, const IpAddress& client, Time now) const noexcept;

 private:
  std::uint64_t epoch(Time now) const noexcept { return static_cast<std::uint64_t>(now.time_since_epoch() / period_); }
  std::uint64_t mark(const IpAddress& client, std::uint64_t epoch) const noexcept;

  KeyedHash hash_;
  Duration period_;
};

/// The client's side: cookies and disappointments by server address, at most so many; the longest unused goes first.
class FastOpenCache {
 public:
  struct Entry {
    wire::tcp::FastOpen cookie;  ///< size 0: none yet
    std::uint16_t mss = 0;       ///< that came with the cookie [R7413-4.1.3-1]
    Time avoid_until{};          ///< no attempt before [R7413-4.1.3-2]
    Time used_at{};
    std::uint8_t failures = 0;  ///< since text on a SYN last was taken
  };

  FastOpenCache(const Key& key, std::size_t limit, Duration retry)
      : entries_(16, ip::AddressHash{KeyedHash(key, KeyUse::hash_table)}), limit_(limit), retry_(retry) {}

  /// nullptr: nothing is known.
  const Entry* find(const IpAddress& server, Time now) noexcept;
  void learn(const IpAddress& server, const wire::tcp::FastOpen& cookie, std::uint16_t mss, Time now);
  /// Text on a SYN was taken.
  void worked(const IpAddress& server) noexcept;
  /// No answer to a request, or to a SYN with this option: the way there is avoided, each time twice as long.
  void failed(const IpAddress& server, Time now);
  std::size_t size() const noexcept { return entries_.size(); }

 private:
  Entry& entry(const IpAddress& server, Time now);
  void drop_oldest() noexcept;

  std::unordered_map<IpAddress, Entry, ip::AddressHash> entries_;
  std::size_t limit_;
  Duration retry_;
};

/// What a connection that opens fast keeps, on demand.
struct FastOpenState {
  wire::tcp::FastOpen option;  ///< for the first SYN or SYN,ACK
  FastOpen outcome = FastOpen::unused;
  std::uint16_t mss = 0;  ///< client: what a segment to this server may hold, options included
  SlotId listener;        ///< server: in whose queue it stands until the handshake is complete
  bool takes_text = false;
  bool reset_by_peer = false;  ///< server: its place in that queue stays taken for a while
};

}  // namespace sluice::tcp
