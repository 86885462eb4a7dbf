// How much may be in the network: the one interface of Reno and of all that comes after it. Bytes and time only.
#pragma once

#include <cstdint>
#include <memory>

#include "stack/base/time.hpp"

namespace sluice::congestion {

/// What an ACK told about delivery; made by loss recovery, read by rtt and congestion control.
struct AckSample {
  Time now;
  std::uint64_t newly_acked = 0;       ///< bytes that the cumulative ACK covers now and did not before
  std::uint64_t newly_delivered = 0;   ///< bytes that left the network, by ACK or SACK, for the first time
  std::uint64_t newly_lost = 0;        ///< bytes marked lost
  std::uint64_t in_flight_before = 0;  ///< pipe before this ACK, bytes
  std::uint64_t in_flight = 0;         ///< pipe now, bytes
  Duration rtt{};                      ///< a sample by Karn's rule; 0 = none
  bool in_recovery = false;            ///< before this ACK or after it
  bool ended_recovery = false;         ///< and now it is over
  bool cwnd_limited = false;           ///< the window, not the application, held the sender back

  // Of the newest transmission that this ACK delivered: its rate sample (draft-ietf-ccwg-bbr section 4.1).
  std::uint64_t delivered = 0;        ///< bytes delivered on the connection up to now
  std::uint64_t prior_delivered = 0;  ///< the same when that transmission left
  std::uint64_t tx_in_flight = 0;     ///< pipe when it left, itself included
  std::uint64_t lost_since_sent = 0;  ///< bytes marked lost since it left
  Duration rate_interval{};           ///< the longer of the times it took to send and to acknowledge; 0 = no sample
  bool app_limited = false;           ///< the application held the sender back when it left

  std::uint64_t marked = 0;  ///< bytes newly reported as CE-marked (RFC 3168: all that an ACK with ECE covers)
};

/// Owns cwnd and ssthresh, in bytes. Never called with time going backwards.
class Controller {
 public:
  virtual ~Controller() = default;

  /// Text was acknowledged outside of loss recovery, or inside it (sample.in_recovery).
  virtual void on_ack(const AckSample& sample) noexcept = 0;
  /// Loss was found by something else than a timeout; once per recovery, and again for a lost retransmission.
  /// `flight` is what counts as FlightSize in RFC 5681 eq. 4 (without limited-transmit bytes).
  virtual void on_congestion_event(Time now, std::uint64_t flight) noexcept = 0;
  /// Everything sent before the event is acknowledged.
  virtual void on_recovery_end(Time now) noexcept = 0;
  /// The retransmission timer fired; `first` is false when the same segment timed out again (RFC 5681 3.1).
  virtual void on_timeout(Time now, std::uint64_t flight, bool first) noexcept = 0;
  /// Nothing was sent for longer than one RTO (RFC 5681 4.1).
  virtual void on_idle(Time now) noexcept = 0;
  /// The last congestion event or timeout proved spurious: the window is what it would have been (RFC 4015 3.4,
  /// RFC 9438 4.9). Called before the on_ack() of the ACK that proved it.
  virtual void on_undo(Time now) noexcept = 0;
  /// The network marked packets instead of dropping them; at most once a round trip (RFC 3168 6.1.2).
  virtual void on_ecn(Time now, std::uint64_t flight) noexcept = 0;
  /// Text left (first time or again); `in_flight` is pipe with it.
  virtual void on_sent(Time /*now*/, std::uint64_t /*bytes*/, std::uint64_t /*in_flight*/) noexcept {}
  /// The sender maximum segment size changed (path MTU).
  virtual void on_mss(std::uint32_t smss) noexcept = 0;

  virtual std::uint64_t cwnd() const noexcept = 0;
  virtual std::uint64_t ssthresh() const noexcept = 0;
  /// Bytes per second at which to pace; 0 = don't.
  virtual std::uint64_t pacing_rate() const noexcept { return 0; }
};

/// RFC 6928: min(10 SMSS, max(2 SMSS, 14600)).
constexpr std::uint64_t initial_window(std::uint32_t smss) noexcept {
  const std::uint64_t floor = 2u * std::uint64_t{smss} > 14600 ? 2u * std::uint64_t{smss} : 14600;
  return 10u * std::uint64_t{smss} < floor ? 10u * std::uint64_t{smss} : floor;
}

/// How an ECN mark is answered: as a loss would be (RFC 3168, softened by RFC 8511), or in proportion to how many
/// packets were marked (RFC 8257; only where the whole path marks at a low threshold, as in a data centre).
enum class EcnResponse : std::uint8_t { classic, dctcp };

/// What a controller is made with.
struct Settings {
  std::uint32_t smss = 536;   ///< bytes
  std::uint64_t initial = 0;  ///< the first cwnd, bytes; at least one SMSS (all there is after a lost SYN)
  bool pacing = false;        ///< spread what cwnd allows over the round trip (BBR does in any case)
  EcnResponse ecn = EcnResponse::classic;
  std::uint64_t seed = 0;  ///< of BBR's random waits
};

/// RFC 5681 with byte counting.
std::unique_ptr<Controller> make_reno(const Settings& settings);
/// RFC 9438, with HyStart++ (RFC 9406).
std::unique_ptr<Controller> make_cubic(const Settings& settings);
/// draft-ietf-ccwg-bbr, version 3. It lives on rate samples, and always paces.
std::unique_ptr<Controller> make_bbr(const Settings& settings);

}  // namespace sluice::congestion
