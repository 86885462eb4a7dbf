// A Membership machine on virtual time, with a querier's hand on its link; what it sends is told in words.
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "stack/host/membership.hpp"
#include "stack/wire/igmp.hpp"
#include "stack/wire/ipv4.hpp"
#include "stack/wire/ipv6.hpp"
#include "stack/wire/ipv6_chain.hpp"
#include "stack/wire/mld.hpp"
#include "stack/wire/router_alert.hpp"

namespace sluice::host {

using namespace std::chrono_literals;
using Octets = std::vector<std::uint8_t>;
using Texts = std::vector<std::string>;
using ip::FilterMode;
using ip::SourceFilter;
using wire::GroupQuery;
using wire::GroupVersion;

inline IpAddress address(const char* text) { return *IpAddress::parse(text); }

inline SourceFilter only(const std::vector<const char*>& sources) {
  SourceFilter filter;
  for (const char* source : sources) filter.sources.push_back(address(source));
  return filter;
}

inline SourceFilter all_but(const std::vector<const char*>& sources) {
  SourceFilter filter = only(sources);
  filter.mode = FilterMode::exclude;
  return filter;
}

/// "to_exclude 239.1.1.1 {10.0.0.7}", "v2 report 239.1.1.1", "leave 239.1.1.1".
inline Texts told(const wire::GroupMessage& message) {
  if (const auto* report = std::get_if<wire::GroupReport>(&message))
    return {(report->version == GroupVersion::v1 ? "v1 report " : "v2 report ") + report->group.to_string()};
  if (const auto* leave = std::get_if<wire::GroupLeave>(&message)) return {"leave " + leave->group.to_string()};
  constexpr std::array kTypes = {"", "is_include", "is_exclude", "to_include", "to_exclude", "allow", "block"};
  Texts texts;
  wire::RecordReader reader = std::get<wire::RecordReader>(message);
  while (const auto record = reader.next()) {
    std::string text = kTypes.at(static_cast<std::size_t>(record->type)) + (" " + record->group.to_string()) + " {";
    for (std::size_t i = 0; i < record->sources.size(); ++i) text += (i ? " " : "") + record->sources[i].to_string();
    texts.push_back(text + "}");
  }
  return texts;
}

/// What the querier's packet around a query is like; as it should be by default.
struct Envelope {
  std::uint8_t hop_limit = 1;
  bool alert = true;
  const char* source = nullptr;
};

class Member : FrameSink {
 public:
  explicit Member(Family family_of = Family::ipv4, const MembershipSettings& settings = {})
      : family(family_of), machine(family_of, settings, Key{7}) {}

  bool v4() const noexcept { return family == Family::ipv4; }
  const char* own_source() const noexcept { return v4() ? "10.0.0.1" : "fe80::1"; }
  const char* querier() const noexcept { return v4() ? "10.0.0.2" : "fe80::2"; }

  void change(const char* group, const SourceFilter& filter) { machine.change(address(group), filter, now); }
  void join(const char* group) { change(group, SourceFilter::everybody()); }
  void leave(const char* group) { change(group, {}); }

  void in(const Octets& message, const Envelope& envelope = {}) {
    const IpAddress from = address(envelope.source ? envelope.source : querier());
    Octets packet(v4() ? 20 : 40);
    std::size_t head = packet.size();
    if (v4()) {
      packet.resize(60);
      head = wire::ipv4::write(packet, {.source = from, .destination = {}},
                               envelope.alert ? Bytes(wire::kRouterAlertOption) : Bytes());
      packet.resize(head);
    } else if (envelope.alert) {
      packet[6] = wire::ipv6::kHopByHop;
      packet.resize(head + wire::kRouterAlertHeader);
      head += wire::write_router_alert(MutableBytes(packet).subspan(head), 58);
    }
    if (!v4()) packet[0] = 0x60;
    packet.insert(packet.end(), message.begin(), message.end());
    machine.receive({.source = from,
                     .destination = address(v4() ? "224.0.0.1" : "ff02::1"),
                     .protocol = v4() ? ip::Protocol::igmp : ip::Protocol::icmpv6,
                     .hop_limit = envelope.hop_limit,
                     .header_size = static_cast<std::uint32_t>(head),
                     .packet = Packet::copy_of(pool, packet)},
                    now);
  }
  Octets message_of(GroupQuery query, const std::vector<IpAddress>& sources = {}) const {
    Octets bytes(1500);
    if (!v4() && query.group.is_unspecified()) query.group = IpAddress::any(Family::ipv6);
    bytes.resize(v4() ? wire::igmp::write(bytes, query, sources)
                      : wire::mld::write(bytes, query, {address(querier()), address("ff02::1")}, sources));
    return bytes;
  }
  void query(const GroupQuery& asked, const std::vector<IpAddress>& sources = {}) { in(message_of(asked, sources)); }
  /// Another member's report.
  void report(GroupVersion version, const char* group) {
    Octets bytes(64);
    const wire::GroupReport said{version, address(group)};
    bytes.resize(v4() ? wire::igmp::write(bytes, said) : wire::mld::write(bytes, said, {}));
    in(bytes);
  }

  /// What it sends now.
  Texts out(const char* source = nullptr) {
    packets.clear();
    machine.poll_transmit(address(source ? source : own_source()), now, *this);
    Texts texts;
    for (const Octets& packet : packets) {
      const Bytes payload = Bytes(packet).subspan(v4() ? 24 : 48);
      const auto message = v4() ? wire::igmp::parse(payload) : wire::mld::parse(payload);
      REQUIRE(message);
      for (std::string& text : told(*message)) texts.push_back(std::move(text));
    }
    return texts;
  }
  /// Lets time pass; what is sent meanwhile, and when each was.
  Texts wait(Duration duration) {
    const Time end = now + duration;
    Texts texts;
    while (machine.next_timeout() <= end) {
      now = std::max(now, machine.next_timeout());
      for (std::string& text : out()) {
        texts.push_back(std::move(text));
        times.push_back(now);
      }
    }
    now = end;
    return texts;
  }
  std::uint64_t count(MembershipCounter counter) const { return machine.counters()[counter]; }

  Family family;
  BufferPool pool;
  Membership machine;
  Time now = Time{} + 1h;
  std::vector<Octets> packets;
  std::vector<Time> times;
  bool full = false;

 private:
  bool accept(const Frame& frame) noexcept override {
    if (!full) packets.emplace_back(frame.head.begin(), frame.head.end());
    return !full;
  }
};

}  // namespace sluice::host
