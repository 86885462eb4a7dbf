// ISNs, timestamps, drops and the RST for nobody; see environment.hpp.
#include "stack/tcp/environment.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "stack/wire/pseudo_header.hpp"

namespace sluice::tcp {

Environment::Environment(const Config& settings, ip::Layer& ip_layer, ip::Outbox& replies, Budget& budget,
                         const Key& key, Tracer observer)
    : config(settings),
      ip(ip_layer),
      outbox(replies),
      memory(budget),
      tracer(observer),
      rtt{settings.rto_initial, settings.rto_variance_floor, settings.rto_floor,
          std::max<Duration>(settings.rto_ceiling, std::chrono::seconds(60))},  // [R6298-2.5, R8961-4.4c]
      isn_hash(key, KeyUse::isn),
      port_hash(key, KeyUse::ephemeral_port),
      timestamp_hash(key, KeyUse::timestamp_offset),
      jitter(key, KeyUse::jitter),
      fast_open_cookies(key, settings.fast_open_period),
      fast_open_cache(key, settings.maximum_fast_open_cache, settings.fast_open_retry) {}

TupleBytes::TupleBytes(const FourTuple& tuple) noexcept {
  ByteWriter out(bytes_);
  for (const Endpoint* end : {&tuple.local, &tuple.remote}) {
    out.bytes(end->address.mapped().bytes());
    out.u16(end->port);
  }
}

WireSeq Environment::initial_sequence(const FourTuple& tuple) const noexcept {
  const auto ticks = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count() / 4;
  return WireSeq{static_cast<std::uint32_t>(ticks) + static_cast<std::uint32_t>(isn_hash(TupleBytes(tuple).bytes()))};
}

std::uint32_t Environment::timestamp_offset(const FourTuple& tuple) const noexcept {
  return static_cast<std::uint32_t>(timestamp_hash(TupleBytes(tuple).bytes()));
}

std::uint32_t Environment::timestamp(std::uint32_t offset) const noexcept {
  const auto ticks = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  return static_cast<std::uint32_t>(ticks) + offset;
}

void Environment::drop(Counter which, const Segment& segment) noexcept {
  counters.add(which);
  if (!tracer.on()) return;
  tracer.tell(
      now, TraceKind::drop, 0,
      {{"layer", 0, "tcp"}, {"reason", 0, name(which)}, {"seq", segment.header.seq}, {"len", segment.text_size}});
}

std::size_t write_control_segment(MutableBytes room, ControlSegment segment) noexcept {
  const FourTuple& tuple = segment.tuple;
  segment.header.source_port = tuple.local.port;
  segment.header.destination_port = tuple.remote.port;
  segment.header.checksum = 0;
  const std::size_t ip_size = ip::header_size(tuple.local.address.family());
  const std::size_t tcp_size = wire::tcp::write(room.subspan(ip_size), segment.header);
  const MutableBytes tcp_header = room.subspan(ip_size, tcp_size);
  ChecksumSum sum = wire::pseudo_header(tuple.local.address, tuple.remote.address,
                                        static_cast<std::uint8_t>(ip::Protocol::tcp), tcp_size);
  sum.add(tcp_header);
  wire::tcp::set_checksum(tcp_header, sum.checksum());
  ip::write_header(room, {.source = tuple.local.address,
                          .destination = tuple.remote.address,
                          .protocol = ip::Protocol::tcp,
                          .hop_limit = segment.hop_limit,
                          .dscp = segment.dscp,
                          .payload_size = tcp_size});
  return ip_size + tcp_size;
}

void reply_with_reset(Environment& env, const Segment& segment, SendReason reason) {
  if (segment.has(flag::rst)) return;
  ControlSegment reset{.tuple = segment.tuple, .header = {}, .hop_limit = env.ip.config().hop_limit};
  if (segment.has(flag::ack)) {
    reset.header.seq = segment.header.ack;
    reset.header.flags = flag::rst;
  } else {
    reset.header.ack = segment.header.seq + static_cast<std::uint32_t>(segment.length());
    reset.header.flags = flag::rst | flag::ack;
  }
  send_reset(env, reset, 0, reason);
}

void send_reset(Environment& env, const ControlSegment& reset, std::uint64_t flow, SendReason reason) {
  std::array<std::uint8_t, ip::kMaximumHeader + wire::tcp::kMaximumHeader> room;
  const std::size_t size = write_control_segment(room, reset);
  env.outbox.push(Bytes(room).first(size));
  env.count(Counter::resets_out);
  if (env.tracer.on())
    env.tracer.tell(env.now, TraceKind::segment_out, flow,
                    {{"seq", reset.header.seq},
                     {"ack", reset.header.ack},
                     {"flags", reset.header.flags},
                     {"reason", 0, name(reason)},
                     {"clause", 0, clause(reason)}});
}

}  // namespace sluice::tcp
