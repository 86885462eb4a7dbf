// IPPROTO_TCP, as do_tcp_setsockopt() and do_tcp_getsockopt() have it (net/ipv4/tcp.c).
#include <errno.h>
#include <linux/tcp.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "stack/posix/host.hpp"
#include "stack/posix/option_value.hpp"
#include "stack/posix/stream.hpp"
#include "stack/posix/tcp_info.hpp"

namespace sluice::posix {
namespace {

constexpr int kMinimumMss = 88;  // TCP_MIN_MSS
constexpr int kMaximumMss = 32767;
constexpr int kMaximumKeepIdle = 32767;
constexpr int kMaximumKeepCount = 127;
constexpr int kMaximumSynCount = 127;
constexpr int kMaximumLinger = 120;              // TCP_FIN_TIMEOUT_MAX, seconds
constexpr std::size_t kCongestionNameSize = 16;  // TCP_CA_NAME_MAX
constexpr std::size_t kSmallestBuffer = 2048;

struct NamedControl {
  tcp::CongestionControl kind;
  std::string_view name;
};
constexpr std::array kControls = {NamedControl{tcp::CongestionControl::reno, "reno"},
                                  NamedControl{tcp::CongestionControl::cubic, "cubic"},
                                  NamedControl{tcp::CongestionControl::bbr, "bbr"}};

int clamped(std::size_t bytes) noexcept { return static_cast<int>(std::min<std::size_t>(bytes, INT32_MAX)); }

template <class Unit>
int count(Duration time) noexcept {
  return static_cast<int>(std::chrono::duration_cast<Unit>(time).count());
}

}  // namespace

// --- what the stack is told --------------------------------------------------------------------------------------

// Half of what SO_SNDBUF tells is text, the other half the kernel's own costs. A socket that lingers for a while ends
// in the background as any other does.
tcp::Options StreamSocket::tcp_options(Family of) const noexcept {
  tcp::Options made = tcp_;
  made.hop_limit = hop_limit(of);
  made.dscp = dscp(of);
  made.keep_alive.on = options_.keep_alive;
  made.cork = corked_ || more_comes_;
  made.linger = {.on = options_.linger_on && options_.linger_seconds == 0, .timeout = Duration::zero()};
  if (options_.send_buffer != 0)
    made.send_buffer = std::max(kSmallestBuffer, static_cast<std::size_t>(options_.send_buffer / 2));
  if (options_.receive_buffer != 0)
    made.receive_buffer = std::max(kSmallestBuffer, static_cast<std::size_t>(options_.receive_buffer / 2));
  return made;
}

tcp::ListenOptions StreamSocket::listen_options() const noexcept {
  const Family of = bound_ ? bound_->address.family() : family();
  const bool opens_fast = host_.settings.fast_open_server && fast_open_queue_ > 0;
  return {.backlog = backlog_,
          .dual_stack = !options_.v6_only,
          .fast_open = opens_fast ? static_cast<std::size_t>(fast_open_queue_) : 0,
          .congestion = congestion_,
          .options = tcp_options(of)};
}

Family StreamSocket::peer_family() const noexcept {
  const Result<Endpoint> peer = socket_.remote();
  return peer ? peer->address.unmapped().family() : family();
}

Answer StreamSocket::apply() {
  if (listener_) return answer_of(listener_.set_options(listen_options()));
  if (socket_) return answer_of(socket_.set_options(tcp_options(peer_family())));
  return Answer::ok();
}

int StreamSocket::path_mtu() const noexcept {
  const Result<Endpoint> peer = socket_.remote();
  return socket_ && !is_over() && peer ? static_cast<int>(host_.udp.path_mtu(peer->address.unmapped())) : 0;
}

int StreamSocket::send_buffer_now() const noexcept {
  if (socket_) return clamped(socket_.info().value_or(tcp::Info{}).send_buffer);
  return clamped(tcp_.send_buffer != 0 ? tcp_.send_buffer : tcp::kInitialBuffer);
}

int StreamSocket::receive_buffer_now() const noexcept {
  if (socket_) return clamped(socket_.info().value_or(tcp::Info{}).receive_buffer);
  return clamped(tcp_.receive_buffer != 0 ? tcp_.receive_buffer : tcp::kInitialBuffer);
}

// --- setting -----------------------------------------------------------------------------------------------------

// A connection that has lost something keeps its controller.
Answer StreamSocket::set_congestion(Bytes name) {
  if (name.empty()) return Answer::fail(EINVAL);
  const std::string_view text = as_text(name.first(std::min(name.size(), kCongestionNameSize - 1)));
  const std::string_view wanted = text.substr(0, text.find('\0'));
  const auto* const found = std::find_if(kControls.begin(), kControls.end(),
                                         [wanted](const NamedControl& one) { return one.name == wanted; });
  if (found == kControls.end()) return Answer::fail(ENOENT);
  if (socket_ && !socket_.set_congestion(found->kind)) return Answer::fail(EBUSY);
  congestion_ = found->kind;
  return apply();
}

Answer StreamSocket::set_keep_alive(int name, int value) {
  const int limit = name == TCP_KEEPCNT ? kMaximumKeepCount : kMaximumKeepIdle;
  if (value < 1 || value > limit) return Answer::fail(EINVAL);
  if (name == TCP_KEEPIDLE) tcp_.keep_alive.idle = std::chrono::seconds(value);
  if (name == TCP_KEEPINTVL) tcp_.keep_alive.interval = std::chrono::seconds(value);
  if (name == TCP_KEEPCNT) tcp_.keep_alive.probes = static_cast<std::uint8_t>(value);
  return apply();
}

Answer StreamSocket::set_number(int name, int value) {
  switch (name) {
    case TCP_NODELAY: tcp_.no_delay = value != 0; return apply();
    case TCP_MAXSEG:
      if (value != 0 && (value < kMinimumMss || value > kMaximumMss)) return Answer::fail(EINVAL);
      tcp_.maximum_segment = static_cast<std::uint16_t>(value);
      return apply();
    case TCP_KEEPIDLE:
    case TCP_KEEPINTVL:
    case TCP_KEEPCNT: return set_keep_alive(name, value);
    case TCP_USER_TIMEOUT:
      if (value < 0) return Answer::fail(EINVAL);
      tcp_.user_timeout = std::chrono::milliseconds(value);
      return apply();
    case TCP_NOTSENT_LOWAT:
      tcp_.unsent_low_water = value == -1 ? 0 : static_cast<std::size_t>(static_cast<unsigned>(value));
      return apply();
    case TCP_FASTOPEN:
      if (value < 0 || (phase_ != Phase::idle && phase_ != Phase::listening)) return Answer::fail(EINVAL);
      fast_open_queue_ = value;
      return apply();
    case TCP_FASTOPEN_CONNECT:
      if (value < 0 || value > 1) return Answer::fail(EINVAL);
      if (!host_.settings.fast_open_client) return Answer::fail(EOPNOTSUPP);
      if (phase_ != Phase::idle) return Answer::fail(EINVAL);
      fast_open_connect_ = value == 1;
      return Answer::ok();
    case TCP_CORK: corked_ = value != 0; return apply();
    case TCP_SYNCNT:
      if (value < 1 || value > kMaximumSynCount) return Answer::fail(EINVAL);
      tcp_.syn_retries = static_cast<std::uint8_t>(value);
      return apply();
    case TCP_LINGER2:
      if (value < 0) return Answer::fail(EOPNOTSUPP);  // the kernel: no FIN-WAIT-2 at all
      tcp_.fin_wait_2 = std::chrono::seconds(std::min(value, kMaximumLinger));
      return apply();
    case TCP_QUICKACK: quick_ack_ = value != 0; return Answer::ok();
    default: return Answer::fail(ENOPROTOOPT);
  }
}

Answer StreamSocket::set_protocol_option(int level, int name, Bytes value) {
  if (level != IPPROTO_TCP) return Answer::fail(ENOPROTOOPT);
  if (name == TCP_CONGESTION) return set_congestion(value);
  const std::optional<int> number = value_from<int>(value);
  return number ? set_number(name, *number) : Answer::fail(EINVAL);
}

// --- getting -----------------------------------------------------------------------------------------------------

std::optional<int> StreamSocket::number(int name) const noexcept {
  switch (name) {
    case TCP_NODELAY: return tcp_.no_delay;
    case TCP_MAXSEG:
      if (socket_) return clamped(socket_.info().value_or(tcp::Info{}).send_mss);
      return tcp_.maximum_segment != 0 ? tcp_.maximum_segment : int{TCP_MSS_DEFAULT};
    case TCP_KEEPIDLE: return count<std::chrono::seconds>(tcp_.keep_alive.idle);
    case TCP_KEEPINTVL: return count<std::chrono::seconds>(tcp_.keep_alive.interval);
    case TCP_KEEPCNT: return tcp_.keep_alive.probes;
    case TCP_USER_TIMEOUT: return count<std::chrono::milliseconds>(tcp_.user_timeout);
    case TCP_NOTSENT_LOWAT: return tcp_.unsent_low_water == 0 ? -1 : static_cast<int>(tcp_.unsent_low_water);
    case TCP_FASTOPEN: return fast_open_queue_;
    case TCP_FASTOPEN_CONNECT: return fast_open_connect_;
    case TCP_QUICKACK: return quick_ack_;
    case TCP_CORK: return corked_;
    case TCP_SYNCNT: return tcp_.syn_retries != 0 ? tcp_.syn_retries : host_.tcp.config().syn_retries;
    case TCP_LINGER2:
      return count<std::chrono::seconds>(tcp_.fin_wait_2 != Duration{} ? tcp_.fin_wait_2
                                                                       : host_.tcp.config().fin_wait_2);
    default: return std::nullopt;
  }
}

Answer StreamSocket::get_protocol_option(int level, int name, MutableBytes room, std::size_t& length) {
  if (level != IPPROTO_TCP) return Answer::fail(ENOPROTOOPT);
  if (name == TCP_INFO) {
    if (socket_) return put_tcp_info(socket_, room, length);
    return put_tcp_info(is_listening(), listener_.waiting(), backlog_ == 0 ? 0 : backlog_ - 1, room, length);
  }
  if (name == TCP_CONGESTION) {
    std::array<std::uint8_t, kCongestionNameSize> text{};
    const tcp::CongestionControl kind =
        socket_.congestion().value_or(congestion_.value_or(host_.tcp.config().congestion));
    const auto* const found =
        std::find_if(kControls.begin(), kControls.end(), [kind](const NamedControl& one) { return one.kind == kind; });
    std::copy(found->name.begin(), found->name.end(), text.begin());
    return put_bytes(text, room, length);
  }
  const std::optional<int> value = number(name);
  return value ? put_int(*value, room, length) : Answer::fail(ENOPROTOOPT);
}

}  // namespace sluice::posix
