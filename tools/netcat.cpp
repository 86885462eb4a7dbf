// Nothing is read on one side before there is room on the other.
#include "tools/netcat.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <utility>
#include <variant>

#include "tools/commands.hpp"
#include "tools/connection_attempts.hpp"
#include "tools/standard_streams.hpp"

namespace sluice::tools {
namespace {

/// What TCP and UDP have in common: the streams, the patience, the verdict.
class Netcat {
 public:
  Netcat(Host& host, const NetcatOptions& options)
      : host_(host),
        options_(options),
        input_(host.loop(), STDIN_FILENO, [this] { pump(); }),
        output_(host.loop(), STDOUT_FILENO, [this] { pump(); }) {
    if (options.wait) be_patient(*options.wait);
  }
  virtual ~Netcat() = default;
  Netcat(const Netcat&) = delete;
  Netcat& operator=(const Netcat&) = delete;

  int code() const noexcept { return code_; }
  virtual void pump() = 0;
  virtual void close() = 0;

 protected:
  void end(int code) {
    if (ended_) return;
    ended_ = true;
    code_ = code;
    loop().stop();
  }
  void fail(const std::string& sentence) {
    if (ended_) return;
    fmt::print(stderr, "sluice nc: {}\n", sentence);
    end(kFailure);
  }
  void say(const std::string& sentence) const {
    if (options_.verbose) fmt::print(stderr, "sluice nc: {}\n", sentence);
  }
  /// Something moved: silence begins anew.
  void moved() noexcept { last_move_ = loop().now(); }
  tun::EventLoop& loop() noexcept { return host_.loop(); }
  bool ended() const noexcept { return ended_; }
  bool started() const noexcept { return started_; }
  void start() noexcept {
    started_ = true;
    moved();
  }

  Host& host_;
  const NetcatOptions& options_;
  Input input_;
  Output output_;

 private:
  void be_patient(Duration wait) {
    last_move_ = loop().now();
    watch_silence(wait);
  }
  void watch_silence(Duration wait) {
    loop().at(last_move_ + wait, [this, wait] {
      if (last_move_ + wait > loop().now()) return watch_silence(wait);
      if (started_) return end(kSuccess);
      fail("timed out");
    });
  }

  Time last_move_{};
  int code_ = kFailure;
  bool ended_ = false;
  bool started_ = false;
};

class TcpNetcat final : public Netcat {
 public:
  using Netcat::Netcat;

  void connect(const std::vector<IpAddress>& addresses, std::uint16_t port) {
    attempts_.emplace(loop(), addresses, port, tcp::OpenOptions{}, [this](std::variant<Reached, NotReached> outcome) {
      if (const auto* failure = std::get_if<NotReached>(&outcome)) return fail(failure->sentence);
      peer_ = std::get<Reached>(outcome).remote;
      adopt(std::move(std::get<Reached>(outcome).socket));
      connected();
      pump();
    });
    attempts_->begin();
  }

  void listen(const Endpoint& local) {
    Result<tcp::Listener> listener = host_.stack().listen(local, {.backlog = 1});
    if (!listener) return fail(fmt::format("cannot listen on {}: {}", local.to_string(), describe(listener.error())));
    listener_ = std::move(*listener);
    say(fmt::format("listening on port {}", local.port));
    loop().on(listener_, [this](Readiness) { accept(); });
  }

  void pump() override {
    if (ended() || !socket_) return;
    if (socket_.error() != Errc::none && socket_.readable() == 0)
      return fail(fmt::format("{}: {}", peer_.to_string(), describe(socket_.error())));
    if (!started()) return;
    from_socket();
    to_socket();
    const bool gone = peer_ended_ && ::isatty(STDIN_FILENO) == 1;  // nobody types against a closed door
    if (peer_ended_ && (finished_ || gone)) end(kSuccess);
  }

  void close() override {
    attempts_.reset();
    if (socket_) loop().off({SocketKind::tcp, socket_.id()});
    socket_.close();
    listener_.close();
  }

 private:
  void adopt(tcp::Socket socket) {
    socket_ = std::move(socket);
    loop().on(socket_, [this](Readiness) { pump(); });
  }

  void connected() {
    if (started()) return;
    start();
    say(fmt::format("connected to {}", peer_.to_string()));
  }

  void accept() {
    Result<tcp::Socket> socket = listener_.accept();
    if (!socket || socket_) return;
    if (const auto remote = socket->remote()) peer_ = {remote->address.unmapped(), remote->port};
    adopt(std::move(*socket));
    loop().off({SocketKind::tcp_listener, listener_.id()});
    listener_.close();
    connected();
    pump();
  }

  void to_socket() {
    std::array<std::uint8_t, 65536> bytes;
    while (!finished_) {
      const std::size_t room = std::min(socket_.writable(), bytes.size());
      if (room == 0) return;
      const std::size_t count = input_.read(MutableBytes(bytes).first(room));
      if (count == 0 && !input_.at_eof()) return input_.want();
      if (count == 0) {
        socket_.finish();
        finished_ = true;
      } else {
        (void)socket_.write(Bytes(bytes).first(count));
        moved();
      }
    }
  }

  void from_socket() {
    for (MutableBytes bytes = socket_.peek(); !bytes.empty(); bytes = socket_.peek()) {
      const Result<std::size_t> written = output_.write(bytes);
      if (!written) return fail("standard output is closed");
      if (*written == 0) return output_.want();
      socket_.consume(*written);
      moved();
    }
    peer_ended_ = socket_.at_eof();
  }

  std::optional<ConnectionAttempts> attempts_;
  tcp::Socket socket_;
  tcp::Listener listener_;
  Endpoint peer_;
  bool finished_ = false;
  bool peer_ended_ = false;
};

class UdpNetcat final : public Netcat {
 public:
  using Netcat::Netcat;

  void open(const Endpoint& where) {
    const Endpoint local = options_.listen ? where : Endpoint{IpAddress::any(where.address.family()), 0};
    Result<udp::Socket> socket = host_.stack().bind_udp(local);
    if (!socket) return fail(fmt::format("cannot bind {}: {}", local.to_string(), describe(socket.error())));
    socket_ = std::move(*socket);
    if (!options_.listen) connect(where);
    loop().on(socket_, [this](Readiness) { pump(); });
    if (started()) loop().defer([this] { pump(); });
  }

  void pump() override {
    if (ended() || !socket_) return;
    from_socket();
    if (started()) to_socket();
  }

  void close() override {
    if (socket_) loop().off({SocketKind::udp, socket_.id()});
    socket_.close();
  }

 private:
  void connect(const Endpoint& peer) {
    const Endpoint shown{peer.address.unmapped(), peer.port};
    const Result<void> connected = socket_.connect(peer);
    if (!connected) return fail(fmt::format("cannot reach {}: {}", shown.to_string(), describe(connected.error())));
    say(fmt::format("talking to {}", shown.to_string()));
    start();
  }

  void to_socket() {
    while (!input_ended_ && !ended()) {
      if (!waiting_.empty()) {
        const std::array<udp::Outgoing, 1> datagram{udp::Outgoing{.data = waiting_}};
        const Result<std::size_t> sent = socket_.send(datagram);
        if (!sent) return fail(std::string(describe(sent.error())));
        if (*sent == 0) return;
        waiting_ = {};
        moved();
      }
      std::array<std::uint8_t, 16384> bytes;
      const std::size_t count = input_.read(bytes);
      if (count > 0) {
        waiting_ = Slice::copy_of(Bytes(bytes).first(count));
      } else if (!input_.at_eof()) {
        return input_.want();
      } else {
        input_ended_ = true;
        if (!options_.wait) loop().after(std::chrono::seconds(1), [this] { end(kSuccess); });
      }
    }
  }

  void from_socket() {
    std::array<udp::Received, 1> one;
    for (;;) {
      const Result<std::size_t> count = socket_.receive(one);
      if (!count) return fail(std::string(describe(count.error())));
      if (*count == 0) return;
      if (!started()) connect(one[0].from);
      moved();
      // A datagram that standard output has no room for is lost, as datagrams are.
      if (!output_.write(one[0].data.bytes())) return fail("standard output is closed");
    }
  }

  udp::Socket socket_;
  Slice waiting_;
  bool input_ended_ = false;
};

int run_until_end(Host& host, Netcat& netcat) {
  host.loop().stop_on({SIGINT, SIGTERM});
  host.loop().on_stop([&] { netcat.close(); });
  const Result<void> result = host.loop().run();
  if (result) return netcat.code();
  fmt::print(stderr, "sluice nc: the device is gone: {}\n", describe(result.error()));
  return kFailure;
}

}  // namespace

int run_netcat(Host& host, const std::vector<IpAddress>& addresses, std::uint16_t port, const NetcatOptions& options) {
  const Endpoint where{addresses.front(), port};
  if (options.udp) {
    UdpNetcat netcat(host, options);
    netcat.open(where);
    return run_until_end(host, netcat);
  }
  TcpNetcat netcat(host, options);
  if (options.listen)
    netcat.listen(where);
  else
    netcat.connect(addresses, port);
  return run_until_end(host, netcat);
}

}  // namespace sluice::tools
