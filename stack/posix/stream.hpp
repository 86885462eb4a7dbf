// SOCK_STREAM: a TCP socket in the shape that the kernel's have, before, while and after it is connected.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "stack/base/byte_stream.hpp"
#include "stack/posix/socket_file.hpp"
#include "stack/tcp/socket.hpp"

namespace sluice::posix {

/// stream_open.cpp: naming, opening, ending. stream_transfer.cpp: text. stream_options.cpp: IPPROTO_TCP.
class StreamSocket final : public SocketFile {
 public:
  StreamSocket(Host& host, int domain);

  Answer bind(const Endpoint& local) override;
  Answer listen(int backlog) override;
  Answer accept(std::unique_ptr<StreamSocket>& made, Endpoint* peer) override;
  Answer connect(const Endpoint& remote) override;
  Answer shutdown(int how) override;
  Answer local(Endpoint& out) const override;
  Answer remote(Endpoint& out) const override;
  Answer receive(std::span<const MutableBytes> room, int flags, Received* info) override;
  Answer send(Gather pieces, int flags, const Endpoint* to) override;
  Answer ioctl(unsigned long request, int& value) override;
  Answer abandon(int error) noexcept override;
  std::uint32_t ready() override;
  StreamSocket* as_stream() noexcept override { return this; }

  // splice() and sendfile(): `now` is O_NONBLOCK or SPLICE_F_NONBLOCK.
  /// The next received text, at most `count` bytes; the value says how many, and 0 is the end.
  Answer take_slice(std::size_t count, bool now, Slice& taken);
  /// Sends of `text` as much as fits; the value says how much.
  Answer send_slice(const Slice& text, bool now);

  tcp::Socket* connection() noexcept { return socket_ ? &socket_ : nullptr; }
  /// What this side is bound to or connected from, not as applications see it; nullopt = nothing yet.
  std::optional<Endpoint> holds() const noexcept;
  bool is_listening() const noexcept { return phase_ == Phase::listening; }
  /// May share its port (SO_REUSEADDR).
  bool shares() const noexcept { return options_.reuse_address; }
  /// To be called once it has a name.
  void own_socket();
  /// What is new of a readiness event: the first after accept() tells of the handshake, too, which is none.
  Readiness news_of(Readiness ready) noexcept;

 private:
  enum class Phase : std::uint8_t {
    idle,
    listening,
    deferred,    ///< TCP_FASTOPEN_CONNECT: connect() was called, the first write opens
    connecting,  ///< connect() has not told the outcome yet
    connected,   ///< or it was, once
  };
  /// A blocking call that has to be made again.
  struct Unfinished {
    bool going = false;
    bool opens = false;     ///< it opened the connection, and fails with that
    std::size_t moved = 0;  ///< bytes
  };

  Answer set_protocol_option(int level, int name, Bytes value) override;
  Answer get_protocol_option(int level, int name, MutableBytes room, std::size_t& length) override;
  Answer apply() override;
  int take_error() noexcept override;
  bool accepts_connections() const noexcept override { return is_listening(); }
  int path_mtu() const noexcept override;
  int send_buffer_now() const noexcept override;
  int receive_buffer_now() const noexcept override;
  bool is_bound() const noexcept override { return bound_.has_value() || phase_ != Phase::idle; }

  // stream_open.cpp
  bool is_free(const Endpoint& local) const;
  std::optional<std::uint16_t> choose_port(const IpAddress& address) const;
  Answer bind_to(Endpoint local);
  Answer open(const Endpoint& remote, bool fast_open);
  Answer outcome(bool may_block);
  int refuses_peer(const Endpoint& remote) const noexcept;
  void back_to_idle() noexcept;

  // stream_transfer.cpp
  struct Look {
    std::size_t count = 0;  ///< bytes moved
    bool at_mark = false;   ///< the next byte is urgent, and text came before it
  };
  Look take_text(std::span<const MutableBytes> room, std::size_t done, int flags);
  Answer nothing_to_read(bool may_block);
  bool reading_is_over() const noexcept;
  Answer send_opening(Gather pieces, int flags, const Endpoint* to);
  Answer send_urgent(Gather pieces);
  void expect_more(bool more);
  Answer broken(std::size_t moved) noexcept;
  bool in_handshake() const noexcept;
  bool writing_is_over() const noexcept;
  bool has_error() const noexcept;
  bool is_over() const noexcept;

  // stream_options.cpp
  tcp::Options tcp_options(Family of) const noexcept;
  tcp::ListenOptions listen_options() const noexcept;
  Family peer_family() const noexcept;
  Answer set_congestion(Bytes name);
  Answer set_keep_alive(int name, int value);
  Answer set_number(int name, int value);
  std::optional<int> number(int name) const noexcept;

  Phase phase_ = Phase::idle;
  bool accepted_ = false;  ///< by a listener
  bool fresh_ = false;     ///< accepted, and no event came since
  bool read_shut_ = false;
  bool write_shut_ = false;
  bool error_told_ = false;  ///< the connection's error was reported
  bool named_ = false;       ///< by bind(): that outlives a connection
  int pending_error_ = 0;    ///< an error that no connection holds any more
  std::optional<Endpoint> bound_;
  Endpoint deferred_to_;
  tcp::Socket socket_;
  tcp::Listener listener_;
  Unfinished sending_;
  Unfinished receiving_;

  tcp::Options tcp_;  ///< what IPPROTO_TCP sets; tcp_options() adds the rest
  std::optional<tcp::CongestionControl> congestion_;
  std::size_t backlog_ = 0;
  int fast_open_queue_ = 0;
  bool fast_open_connect_ = false;
  bool quick_ack_ = true;
  bool corked_ = false;
  bool more_comes_ = false;  ///< the last write said MSG_MORE
};

}  // namespace sluice::posix
