// What every connection of a layer shares: settings, the IP layer below, memory, counters, the time.
#pragma once

#include <optional>

#include "stack/base/random.hpp"
#include "stack/base/time.hpp"
#include "stack/base/trace.hpp"
#include "stack/congestion/rtt.hpp"
#include "stack/ip/layer.hpp"
#include "stack/ip/outbox.hpp"
#include "stack/tcp/counters.hpp"
#include "stack/tcp/fast_open.hpp"
#include "stack/tcp/memory.hpp"
#include "stack/tcp/options.hpp"
#include "stack/tcp/segment.hpp"
#include "stack/tcp/send_reason.hpp"

namespace sluice::tcp {

/// Owned by the Layer, outlives its connections. `now` is the latest time that the stack was told.
struct Environment {
  Environment(const Config& settings, ip::Layer& ip_layer, ip::Outbox& replies, Budget& budget, const Key& key,
              Tracer observer);

  Config config;
  ip::Layer& ip;
  ip::Outbox& outbox;  ///< for segments that no connection waits for: RST, TIME-WAIT ACK, SYN,ACK
  Memory memory;
  Counters<Counter> counters;
  Tracer tracer;
  congestion::RttEstimator::Settings rtt;
  KeyedHash isn_hash;
  KeyedHash port_hash;
  KeyedHash timestamp_hash;
  Random jitter;
  FastOpenCookies fast_open_cookies;
  FastOpenCache fast_open_cache;
  Time now{};
  /// The path to this host has become narrower: its other connections are to hear of it [R8201-5.2-2].
  std::optional<IpAddress> narrowed;

  /// RFC 6528 section 3: a clock that ticks every 4 µs plus a keyed hash of the 4-tuple [9293 MUST-8, MUST-9, SHLD-1].
  WireSeq initial_sequence(const FourTuple& tuple) const noexcept;
  /// What a connection adds to the millisecond clock: constant for a 4-tuple (RFC 6191 needs that), secret otherwise.
  std::uint32_t timestamp_offset(const FourTuple& tuple) const noexcept;
  /// The timestamp clock: 1 ms ticks (RFC 7323 5.4).
  std::uint32_t timestamp(std::uint32_t offset) const noexcept;

  void count(Counter which, std::uint64_t amount = 1) noexcept { counters.add(which, amount); }
  /// Counts a dropped segment and tells the observer.
  void drop(Counter which, const Segment& segment) noexcept;
};

/// The 4-tuple as input for a keyed hash.
struct TupleBytes {
  explicit TupleBytes(const FourTuple& tuple) noexcept;
  Bytes bytes() const noexcept { return bytes_; }

 private:
  std::array<std::uint8_t, 36> bytes_;
};

/// RFC 9293 3.10.7.1: the RST that answers a segment for which there is no connection, or whose ACK is of something
/// never sent. Nothing is ever answered to a RST.
void reply_with_reset(Environment& env, const Segment& segment, SendReason reason);

/// A wire segment without text, with headers and checksum, into `room`; answers the size of the IP packet.
struct ControlSegment {
  FourTuple tuple;
  wire::tcp::Header header;  ///< ports are taken from the tuple
  std::uint8_t hop_limit = 64;
  std::uint8_t dscp = 0;
};
std::size_t write_control_segment(MutableBytes room, ControlSegment segment) noexcept;

/// Puts a RST into the outbox, counts it and tells the observer. `flow` is 0 without a connection.
void send_reset(Environment& env, const ControlSegment& reset, std::uint64_t flow, SendReason reason);

}  // namespace sluice::tcp
