// SOCK_DGRAM: a UDP socket in the shape that the kernel's have.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "stack/posix/socket_file.hpp"
#include "stack/udp/socket.hpp"

namespace sluice::posix {

/// A change of membership, as setsockopt() tells it.
struct GroupStep {
  enum class Kind : std::uint8_t { join, leave, block, unblock, join_source, leave_source };
  Kind kind = Kind::join;
  IpAddress group;
  IpAddress source = {};    ///< of the last four
  std::uint32_t index = 0;  ///< of the interface, counted from 1; 0: the one that has `at`
  IpAddress at = {};        ///< an address of the interface; unspecified: the first one
};

class DatagramSocket final : public SocketFile {
 public:
  DatagramSocket(Host& host, int domain) noexcept : SocketFile(host, domain, SOCK_DGRAM, IPPROTO_UDP) {}

  Answer bind(const Endpoint& local) override;
  Answer connect(const Endpoint& remote) override;
  Answer shutdown(int how) override;
  Answer local(Endpoint& out) const override;
  Answer remote(Endpoint& out) const override;
  Answer receive(std::span<const MutableBytes> room, int flags, Received* info) override;
  Answer send(Gather pieces, int flags, const Endpoint* to) override;
  Answer ioctl(unsigned long request, int& value) override;
  std::uint32_t ready() override;

 private:
  Answer set_protocol_option(int level, int name, Bytes value) override;
  Answer get_protocol_option(int level, int name, MutableBytes room, std::size_t& length) override;
  std::optional<Answer> set_group_option(int level, int name, Bytes value) override;
  std::optional<int> group_number(int level, int name) const noexcept override;
  Answer apply() override;
  int take_error() noexcept override;
  int path_mtu() const noexcept override;
  int send_buffer_now() const noexcept override;
  int receive_buffer_now() const noexcept override;
  bool is_bound() const noexcept override { return static_cast<bool>(socket_); }

  udp::Options udp_options(Family of) const noexcept;
  Family peer_family() const noexcept;
  std::uint8_t multicast_hops(Family of) const noexcept;
  Answer bind_to(const Endpoint& local);
  Answer set_multicast_hops(bool v6, std::optional<int> value);
  Answer set_multicast_loop(bool v6, std::optional<int> value);
  Answer take(const GroupStep& step);
  Result<udp::GroupAt> place_of(const GroupStep& step) const noexcept;
  /// Takes the next datagram and the pending error out of the layer, unless they are here already.
  void fetch();
  /// Of what is held: the next datagram's text (a super-segment stands for several).
  Bytes next_text() const noexcept;
  void drop_next() noexcept;
  void describe(Received& info) const noexcept;
  Result<std::size_t> transmit(udp::Outgoing& datagram);

  udp::Socket socket_;
  std::vector<GroupStep> early_;  ///< made before there was a socket: they are taken when it is bound
  std::optional<udp::Received> held_;
  int pending_error_ = 0;
  bool read_shut_ = false;
  bool write_shut_ = false;
};

}  // namespace sluice::posix
