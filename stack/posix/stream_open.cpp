// Naming, opening and ending a stream: bind, listen, accept, connect, shutdown, as net/ipv4/af_inet.c has them.
#include <errno.h>
#include <sys/epoll.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "stack/posix/host.hpp"
#include "stack/posix/stream.hpp"

namespace sluice::posix {
namespace {

// Whether a packet for the one could be for the other.
bool overlap(const Endpoint& a, const Endpoint& b) noexcept {
  if (a.port != b.port) return false;
  if (a.address == b.address) return true;
  const bool same_family = a.address.family() == b.address.family();
  const bool a_is_all = a.address.is_unspecified() && (same_family || a.address.is_v6());
  const bool b_is_all = b.address.is_unspecified() && (same_family || b.address.is_v6());
  return a_is_all || b_is_all;
}

}  // namespace

StreamSocket::StreamSocket(Host& host, int domain)
    : SocketFile(host, domain, SOCK_STREAM, IPPROTO_TCP), tcp_(host.settings.tcp_defaults) {
  options_.keep_alive = tcp_.keep_alive.on;
  options_.tos = options_.traffic_class = tcp_.dscp << 2;
  options_.ttl = options_.hops = tcp_.hop_limit;
}

void StreamSocket::own_socket() {
  if (socket_) host_.own(Table::tcp, socket_.id(), id);
  if (listener_) host_.own(Table::tcp_listener, listener_.id(), id);
}

std::optional<Endpoint> StreamSocket::holds() const noexcept {
  if (bound_) return bound_;
  const Result<Endpoint> local = socket_.local();
  if (!local) return std::nullopt;
  return Endpoint{local->address.unmapped(), local->port};
}

Readiness StreamSocket::news_of(Readiness ready) noexcept {
  constexpr Readiness kHandshake = Readiness::connected | Readiness::writable;
  if (!std::exchange(fresh_, false) || !any(ready & Readiness::connected)) return ready;
  return static_cast<Readiness>(static_cast<unsigned>(ready) & ~static_cast<unsigned>(kHandshake));
}

// --- bind --------------------------------------------------------------------------------------------------------

// Descriptors that share may meet, unless one listens; what has no descriptor any more is in the way of others alone.
bool StreamSocket::is_free(const Endpoint& local) const {
  bool is_taken = false;
  host_.files.for_each([&](SlotId, File& file) {
    StreamSocket* const other = file.as_stream();
    const std::optional<Endpoint> held = other && other != this ? other->holds() : std::nullopt;
    if (!held || !overlap(*held, local)) return;
    const bool both_share = shares() && other->shares() && !other->is_listening();
    const bool both_reuse = options_.reuse_port && other->options_.reuse_port;
    is_taken |= !both_share && !both_reuse;
  });
  if (is_taken || shares()) return !is_taken;
  host_.tcp.for_each_socket([&](const tcp::Info& info) {
    is_taken |= overlap({info.local.address.unmapped(), info.local.port}, local);
  });
  return !is_taken;
}

// The layer knows the range, and gives another port as long as the last one is held.
std::optional<std::uint16_t> StreamSocket::choose_port(const IpAddress& address) const {
  std::vector<tcp::Listener> refused;
  while (true) {
    Result<tcp::Listener> trial = host_.tcp.listen({address, 0}, {});
    if (!trial) return std::nullopt;
    const std::uint16_t port = trial->local()->port;
    refused.push_back(*std::move(trial));
    bool is_taken = false;
    host_.files.for_each([&](SlotId, File& file) {
      StreamSocket* const other = file.as_stream();
      const std::optional<Endpoint> held = other && other != this ? other->holds() : std::nullopt;
      is_taken |= held && held->port == port;
    });
    if (!is_taken) return port;
  }
}

Answer StreamSocket::bind_to(Endpoint local) {
  if (!local.address.is_unspecified()) {
    const Result<tcp::Listener> trial = host_.tcp.listen({local.address, 0}, {});
    if (!trial) return Answer::fail(errno_of(trial.error()));
  }
  if (local.port != 0 && !is_free(local)) return Answer::fail(EADDRINUSE);
  if (local.port == 0) {
    const std::optional<std::uint16_t> port = choose_port(local.address);
    if (!port) return Answer::fail(EADDRINUSE);
    local.port = *port;
  }
  bound_ = local;
  return Answer::ok();
}

Answer StreamSocket::bind(const Endpoint& local) {
  if (const int error = refuses(local)) return Answer::fail(error);
  if (is_bound()) return Answer::fail(EINVAL);
  if (options_.v6_only && local.address.is_v4_mapped()) return Answer::fail(EINVAL);
  const Answer bound = bind_to({local.address.unmapped(), local.port});
  named_ = bound.good();
  return bound;
}

// --- listen and accept -------------------------------------------------------------------------------------------

// The kernel lets one connection more wait than it was told.
Answer StreamSocket::listen(int backlog) {
  const std::size_t limit = host_.settings.backlog_limit;
  backlog_ = 1 + (backlog < 0 ? limit : std::min(limit, static_cast<std::size_t>(backlog)));
  if (phase_ == Phase::listening) return answer_of(listener_.set_options(listen_options()));
  if (phase_ != Phase::idle) return Answer::fail(EINVAL);
  if (!bound_) {
    const Answer bound = bind_to({IpAddress::any(family()), 0});
    if (!bound.good()) return bound;
  }
  Result<tcp::Listener> made = host_.tcp.listen(*bound_, listen_options());
  if (!made) return Answer::fail(errno_of(made.error()));
  listener_ = *std::move(made);
  phase_ = Phase::listening;
  own_socket();
  return Answer::ok();
}

Answer StreamSocket::accept(std::unique_ptr<StreamSocket>& made, Endpoint* peer) {
  if (phase_ != Phase::listening) return Answer::fail(EINVAL);
  Result<tcp::Socket> accepted = listener_.accept();
  if (accepted.error() == Errc::would_block) return not_now(!nonblocking);
  if (!accepted) return Answer::fail(errno_of(accepted.error()));
  made = std::make_unique<StreamSocket>(host_, domain_);
  made->socket_ = *std::move(accepted);
  made->phase_ = Phase::connected;
  made->accepted_ = made->fresh_ = true;
  made->options_ = options_;
  made->tcp_ = tcp_;
  made->congestion_ = congestion_;
  if (peer) (void)made->remote(*peer);
  return Answer::ok();
}

// --- connect -----------------------------------------------------------------------------------------------------

int StreamSocket::refuses_peer(const Endpoint& remote) const noexcept {
  if (const int error = refuses(remote)) return error;
  if (options_.v6_only && remote.address.is_v4_mapped()) return ENETUNREACH;
  return remote.address.unmapped().is_multicast() ? ENETUNREACH : 0;
}

void StreamSocket::back_to_idle() noexcept {
  socket_ = {};
  listener_ = {};
  phase_ = Phase::idle;
  accepted_ = read_shut_ = write_shut_ = error_told_ = false;
  sending_ = receiving_ = {};
  if (!named_) bound_.reset();
}

// REQUIRES that the peer was not refused.
Answer StreamSocket::open(const Endpoint& remote, bool fast_open) {
  const Endpoint to{remote.address.unmapped(), remote.port};
  std::optional<Endpoint> from = bound_;
  if (from && from->address.is_unspecified()) from->address = IpAddress::any(to.address.family());
  const tcp::OpenOptions how{.local = from,
                             .congestion = congestion_,
                             .options = tcp_options(to.address.family()),
                             .fast_open = fast_open && host_.settings.fast_open_client};
  Result<tcp::Socket> made = host_.tcp.connect(to, how);
  if (made.error() == Errc::address_in_use) return Answer::fail(EADDRNOTAVAIL);
  if (!made) return Answer::fail(errno_of(made.error()));
  socket_ = *std::move(made);
  phase_ = Phase::connecting;
  error_told_ = false;
  own_socket();
  return Answer::ok();
}

Answer StreamSocket::connect(const Endpoint& remote) {
  if (phase_ == Phase::connected || phase_ == Phase::listening || phase_ == Phase::deferred)
    return Answer::fail(EISCONN);
  if (phase_ == Phase::connecting) {
    // A blocking call that waited and is made again, or another one meanwhile.
    const Answer so_far = outcome(!nonblocking);
    return so_far.error == EAGAIN ? Answer::fail(EALREADY) : so_far;
  }
  if (const int error = refuses_peer(remote)) return Answer::fail(error);
  if (fast_open_connect_ && host_.settings.fast_open_client &&
      host_.tcp.fast_open_room(remote.address.unmapped()) > 0) {
    phase_ = Phase::deferred;
    deferred_to_ = remote;
    return Answer::ok();
  }
  const Answer opened = open(remote, fast_open_connect_);
  if (!opened.good()) return opened;
  return nonblocking ? Answer::fail(EINPROGRESS) : Answer::wait();
}

// How the handshake went; EAGAIN or "wait" while it lasts. A failed socket can be connected again.
Answer StreamSocket::outcome(bool may_block) {
  if (in_handshake()) return not_now(may_block);
  if (is_over() && (socket_.error() != Errc::none || pending_error_ != 0)) {
    const int error = take_error();
    back_to_idle();
    return Answer::fail(error != 0 ? error : ECONNABORTED);
  }
  phase_ = Phase::connected;
  return Answer::ok();
}

// --- the end -----------------------------------------------------------------------------------------------------

Answer StreamSocket::shutdown(int how) {
  if (how < SHUT_RD || how > SHUT_RDWR) return Answer::fail(EINVAL);
  const bool reading = how != SHUT_WR;
  const bool writing = how != SHUT_RD;
  if (phase_ == Phase::idle || (socket_ && is_over())) return Answer::fail(ENOTCONN);
  if (phase_ == Phase::listening) {
    if (reading) back_to_idle();
    return Answer::ok();
  }
  if (phase_ == Phase::deferred || socket_.state() == tcp::State::syn_sent) {
    back_to_idle();
    pending_error_ = ECONNRESET;
    return Answer::ok();
  }
  read_shut_ |= reading;
  if (writing && !write_shut_) {
    write_shut_ = true;
    socket_.finish();
  }
  happened(EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP);
  return Answer::ok();
}

Answer StreamSocket::local(Endpoint& out) const {
  const Result<Endpoint> own = socket_ ? socket_.local() : listener_.local();
  out = shown(own ? *own : bound_.value_or(Endpoint{IpAddress::any(family()), 0}));
  if (!own && !bound_) out.address = IpAddress::any(family());
  return Answer::ok();
}

// Nobody is there before the handshake is over, nor after the connection.
Answer StreamSocket::remote(Endpoint& out) const {
  const bool nobody = !socket_ || is_over() || socket_.state() == tcp::State::syn_sent;
  const Result<Endpoint> peer = socket_.remote();
  if (nobody || !peer) return Answer::fail(ENOTCONN);
  out = shown(*peer);
  return Answer::ok();
}

// --- what the kernel's state would be ----------------------------------------------------------------------------

bool StreamSocket::in_handshake() const noexcept {
  const tcp::State state = socket_.state();
  return socket_ && (state == tcp::State::syn_sent || (state == tcp::State::syn_received && !accepted_));
}

// TIME-WAIT is the stack's business: to the application that connection is closed.
bool StreamSocket::is_over() const noexcept {
  const tcp::State state = socket_.state();
  return state == tcp::State::closed || state == tcp::State::time_wait;
}

bool StreamSocket::has_error() const noexcept {
  return pending_error_ != 0 || (socket_ && !error_told_ && socket_.error() != Errc::none);
}

// sk_err: told once. A reset by a peer that had finished is a broken pipe.
int StreamSocket::take_error() noexcept {
  if (!has_error()) return 0;
  if (pending_error_ != 0) return std::exchange(pending_error_, 0);
  error_told_ = true;
  const Errc error = socket_.error();
  return error == Errc::connection_reset && socket_.peer_finished() ? EPIPE : errno_of(error);
}

}  // namespace sluice::posix
