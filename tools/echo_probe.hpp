// Middleware that pings: it writes ICMP echo requests beside the stack's packets and watches for the answers to them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stack/wire/address.hpp"
#include "tun/device.hpp"

namespace sluice::tools {

/// RFC 792, RFC 4443 4.1.
struct EchoRequest {
  IpAddress source;
  IpAddress destination;  ///< of the same family
  std::uint16_t identifier = 0;
  std::uint16_t sequence = 0;
  std::uint8_t hop_limit = 64;
  std::size_t size = 56;  ///< bytes of payload; the packet must fit the MTU
};

/// What came back for an EchoRequest.
struct EchoAnswer {
  IpAddress from;
  std::uint16_t identifier = 0;
  std::uint16_t sequence = 0;
  std::uint8_t hop_limit = 0;
  std::size_t size = 0;    ///< of the ICMP message, bytes
  std::string_view error;  ///< empty: the reply; else what an ICMP error says, of static storage
};

/// The packet that asks.
std::vector<std::uint8_t> write_echo_request(const EchoRequest& request);
/// An answer to anybody's echo request; nullopt for every other packet and for damaged ones. Fragments and packets with
/// IPv6 extension headers are not looked into.
std::optional<EchoAnswer> read_echo_answer(Bytes packet);

/// All packets pass; those that answer our identifier are told, too. The stack counts and ignores them.
class EchoProbe final : public tun::DeviceLayer {
 public:
  using DeviceLayer::DeviceLayer;

  using Handler = std::function<void(const EchoAnswer&)>;
  /// Answers with this identifier go to `handler`, during the turn in which they arrive.
  void listen(std::uint16_t identifier, Handler handler);
  /// Within a turn of the loop. False: the device is full.
  bool send(const EchoRequest& request) noexcept;

  bool receive_batch(std::vector<Packet>& into) noexcept override;

 private:
  std::uint16_t identifier_ = 0;
  Handler handler_;
};

}  // namespace sluice::tools
