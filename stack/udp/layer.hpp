// All UDP sockets of a stack: demultiplexing, queues, errors (RFC 768, RFC 1122 4.1, RFC 8085).
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "stack/base/budget.hpp"
#include "stack/base/counters.hpp"
#include "stack/base/random.hpp"
#include "stack/base/trace.hpp"
#include "stack/ip/datagram.hpp"
#include "stack/ip/layer.hpp"
#include "stack/udp/counters.hpp"
#include "stack/udp/socket.hpp"

namespace sluice::udp {

class Layer {
 public:
  /// `maximum_frame`: bytes of IP packet in one frame with gso_size, which the device cuts; 0 = it cuts none.
  Layer(ip::Layer& ip, const Key& key, Budget& budget, Tracer tracer, std::size_t maximum_frame = 0);
  ~Layer();
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;

  /// A socket bound to `local`; the unspecified address means all of ours, port 0 an ephemeral one (RFC 6056).
  /// A bound address and the wildcard may share a port: the more specific one gets the datagram. A multicast address
  /// means its datagrams alone, once it is joined. address_in_use, address_not_available (not ours, or no port is
  /// free), invalid_argument (dscp above 63).
  Result<Socket> bind(const Endpoint& local, const Options& options = {});

  /// Bytes of the largest packet that is known to pass to this host.
  std::size_t path_mtu(const IpAddress& to) const noexcept;
  /// The interface with this address of ours; address_not_available when it is nobody's.
  Result<InterfaceNumber> interface_with(const IpAddress& address) const noexcept;

  void receive(ip::Datagram datagram, Time now);
  void icmp_error(const ip::IcmpError& error, Time now);
  void poll_transmit(Time now, FrameSink& sink);
  /// True while poll_transmit() has something to offer.
  bool wants_transmit() const noexcept;
  /// The next socket whose readiness changed, and what it can do now.
  std::optional<std::pair<SlotId, Readiness>> poll_event();

  const Counters<Counter>& counters() const noexcept;

 private:
  friend class Socket;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::udp
