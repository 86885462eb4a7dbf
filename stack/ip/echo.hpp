// Echo requests of our own (RFC 792, RFC 4443 4.1): who asked, and what came back for it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "stack/base/counters.hpp"
#include "stack/base/result.hpp"
#include "stack/base/ring.hpp"
#include "stack/base/time.hpp"
#include "stack/base/trace.hpp"
#include "stack/ip/datagram.hpp"
#include "stack/ip/drop_log.hpp"
#include "stack/ip/layer.hpp"
#include "stack/ip/outbox.hpp"

namespace sluice::ip {

struct EchoRequest {
  IpAddress destination;
  std::uint16_t identifier = 0;
  std::uint16_t sequence = 0;
  std::uint8_t hop_limit = 0;  ///< 0: the host's usual one, and 1 to a multicast group
  std::size_t size = 56;       ///< bytes of data
  std::optional<IpAddress> source = std::nullopt;
  bool dont_fragment = true;
};

/// What came back for an EchoRequest: the reply, or an ICMP error about it.
struct EchoAnswer {
  IpAddress from;  ///< who answered; of an error who reported it, which may be this host itself
  std::uint16_t identifier = 0;
  std::uint16_t sequence = 0;
  std::uint8_t hop_limit = 0;                    ///< of a reply, as it arrived
  std::size_t size = 0;                          ///< of a reply: bytes of the ICMP message
  std::optional<IcmpKind> error = std::nullopt;  ///< none: the reply
  std::uint8_t code = 0;                         ///< of an error: the ICMP message's
};

enum class EchoCounter : std::uint8_t {
  requests_out,
  replies_in,
  errors_in,
  drop_unasked,     ///< nobody here asked so, or not that host, or long ago
  drop_queue_full,  ///< nobody fetches the answers
  count,
};
std::string_view name(EchoCounter counter) noexcept;

class Echo {
 public:
  /// No packet lives longer (RFC 9293 3.4.2's MSL): what comes later answers nobody.
  static constexpr Duration kPatience = std::chrono::minutes(2);
  /// So many pairs of identifier and destination are known at once; the longest unused gives way.
  static constexpr std::size_t kMaximumAsked = 16;
  static constexpr std::size_t kMaximumAnswers = 256;

  /// `layer` and `outbox` outlive it.
  Echo(Layer& layer, Outbox& outbox, Tracer tracer) noexcept
      : layer_(layer), outbox_(outbox), log_{.layer = "echo", .tracer = tracer} {}

  /// Puts a request into the outbox. network_unreachable, address_not_available (the source is not ours,
  /// or another shard of this host would hear the answer), address_family, message_too_large (for the path, without
  /// fragmentation; or for IP), would_block (no room now).
  Result<void> send(const EchoRequest& request, Time now);
  /// An echo reply; REQUIRES that its checksum is right.
  void receive(const Datagram& reply, Time now);
  /// An error that quotes ICMP.
  void icmp_error(const IcmpError& error, Time now);
  /// The next answer, in the order of their coming.
  std::optional<EchoAnswer> poll() noexcept { return answers_.take_front(); }
  bool has_answers() const noexcept { return !answers_.empty(); }

  const Counters<EchoCounter>& counters() const noexcept { return log_.counters; }

 private:
  struct Asked {
    std::uint16_t identifier = 0;
    IpAddress destination;
    Time until{};  ///< kPatience after the latest request
  };

  void remember(const EchoRequest& request, Time now) noexcept;
  bool asked(std::uint16_t identifier, const IpAddress& destination, Time now) const noexcept;
  bool asked_group(std::uint16_t identifier, Time now) const noexcept;
  void keep(const EchoAnswer& answer, EchoCounter what, Time now);

  Layer& layer_;
  Outbox& outbox_;
  DropLog<EchoCounter> log_;
  std::array<Asked, kMaximumAsked> asked_{};
  Ring<EchoAnswer> answers_;
};

}  // namespace sluice::ip
