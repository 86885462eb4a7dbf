// The parts of an IP layer that its .cpp files share.
#pragma once

#include "stack/ip/counters.hpp"
#include "stack/ip/drop_log.hpp"
#include "stack/ip/identification.hpp"
#include "stack/ip/layer.hpp"
#include "stack/ip/limiter.hpp"
#include "stack/ip/path_mtu.hpp"
#include "stack/ip/reassembly.hpp"
#include "stack/wire/icmp.hpp"
#include "stack/wire/ipv4.hpp"
#include "stack/wire/ipv6.hpp"
#include "stack/wire/ipv6_chain.hpp"

namespace sluice::ip {

struct Layer::State {
  State(Layer& owner, const Key& key, Outbox& replies, Budget& budget, Tracer tracer)
      : layer(owner),
        config(owner.config_),
        outbox(replies),
        log{.layer = "ip", .tracer = tracer},
        path_mtus(key),
        identifications(key, config.shard),
        reassembly(config.reassembly_limit, config.reassembly_timeout, key, budget, log),
        error_limit(config.icmp_errors_per_second, key, 1),
        echo_limit(config.echo_replies_per_second, key, 2) {}

  std::monostate drop(Counter reason, Time now) noexcept {
    log.drop(reason, now);
    return {};
  }

  // receive.cpp
  bool admits(const IpAddress& source, const IpAddress& destination, bool to_group, const Packet& packet,
              Time now) noexcept;
  bool is_for_us(const IpAddress& destination, InterfaceNumber interface) const noexcept;
  bool options_pass(const wire::ipv4::Header& header, Bytes packet, Time now);
  Received receive_v4(Packet packet, Time now);
  Received receive_v6(Packet packet, bool reassembled, Time now);
  Received receive_unspecified(const wire::ipv6::Header& header, Packet packet, Time now);
  Received deliver(Datagram datagram, std::size_t named_at, Time now);

  // receive_fragment.cpp
  Received receive_fragment(const wire::ipv4::Header& header, Packet packet, Time now);
  Received receive_fragment(const wire::ipv6::Header& header, const wire::ipv6::Chain& chain, Packet packet, Time now);
  bool is_first_whole(Bytes packet, const wire::ipv6::Chain& chain, Time now);

  // icmp_receive.cpp
  Received receive_icmp(Datagram datagram, Time now);
  Received receive_icmpv6(Datagram datagram, Time now);
  Received receive_error(Datagram datagram, IcmpKind kind, std::size_t mtu, Time now);
  Received receive_redirect(const Datagram& datagram, std::uint32_t gateway, Time now);
  void answer_echo(const Datagram& datagram, std::uint8_t reply_type, Time now);

  // icmp_send.cpp
  bool may_report(Bytes packet, bool even_to_group) const noexcept;
  /// Sends `error`, which quotes `packet`, if the rules (RFC 1122 3.2.2, RFC 4443 2.4) and the rate allow.
  void send_error(Bytes packet, const wire::icmp::Header& error, Time now, bool even_to_group = false);
  void send_time_exceeded(Bytes packet, Time now);
  void send_parameter_problem_v4(Bytes packet, std::size_t at, Time now);
  /// Drops the packet, and tells its sender if `problem` says so.
  void refuse(Bytes packet, const wire::ipv6::ChainProblem& problem, Counter reason, Time now);

  // send.cpp
  Result<void> send_fragments(const HeaderFields& fields, Bytes transport, std::span<const Slice> body,
                              FrameSink& sink);

  Layer& layer;
  const Config& config;
  Outbox& outbox;
  DropLog<Counter> log;
  PathMtuCache path_mtus;
  Identifications identifications;
  Reassembly reassembly;
  Limiter error_limit;
  Limiter echo_limit;
};

}  // namespace sluice::ip
