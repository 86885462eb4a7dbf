// struct tcp_info as tcp_get_info() fills it (net/ipv4/tcp.c).
#include "stack/posix/tcp_info.hpp"

#include <linux/tcp.h>

#include <algorithm>

#include "stack/posix/option_value.hpp"

namespace sluice::posix {
namespace {

constexpr std::uint32_t kInfinite = 0x7fffffff;
constexpr std::uint32_t kInitialWindow = 10;
// TCP_CA_Open and so on; the kernel's headers for programs don't name them.
constexpr std::uint8_t kOpen = 0, kDisorder = 1, kRecovery = 3, kLoss = 4;

// The kernel's numbers. A connection in TIME-WAIT has left its socket behind, which is closed.
std::uint8_t number_of(tcp::State state) noexcept {
  switch (state) {
    case tcp::State::established: return 1;
    case tcp::State::syn_sent: return 2;
    case tcp::State::syn_received: return 3;
    case tcp::State::fin_wait_1: return 4;
    case tcp::State::fin_wait_2: return 5;
    case tcp::State::time_wait:
    case tcp::State::closed: return 7;
    case tcp::State::close_wait: return 8;
    case tcp::State::last_ack: return 9;
    case tcp::State::listen: return 10;
    case tcp::State::closing: return 11;
  }
  return 7;
}

std::uint32_t microseconds(Duration time) noexcept {
  return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(time).count());
}

std::uint32_t in_segments(std::uint64_t bytes, std::uint32_t mss) noexcept {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes / std::max(mss, 1u), kInfinite));
}

std::uint8_t phase_of(const tcp::Info& info, const tcp::Segments& segments) noexcept {
  if (info.in_recovery) return info.after_timeout ? kLoss : kRecovery;
  return segments.sacked > 0 ? kDisorder : kOpen;
}

std::uint8_t options_of(const tcp::Info& info) noexcept {
  unsigned options = 0;
  if (info.timestamps) options |= TCPI_OPT_TIMESTAMPS;
  if (info.sack) options |= TCPI_OPT_SACK;
  if (info.window_scaling) options |= TCPI_OPT_WSCALE;
  if (info.ecn != tcp::EcnMode::off) options |= TCPI_OPT_ECN;
  if (info.ce_received > 0) options |= TCPI_OPT_ECN_SEEN;
  if (info.fast_open == tcp::FastOpen::accepted) options |= TCPI_OPT_SYN_DATA;
  return static_cast<std::uint8_t>(options);
}

void put_times(const tcp::Info& info, tcp_info& out) noexcept {
  out.tcpi_rto = microseconds(info.rto);
  out.tcpi_ato = microseconds(info.delayed_ack);
  out.tcpi_rtt = microseconds(info.srtt);
  out.tcpi_rttvar = microseconds(info.rttvar);
  out.tcpi_min_rtt = info.srtt > Duration::zero() ? microseconds(info.min_rtt) : ~std::uint32_t{0};
}

void put_windows(const tcp::Info& info, tcp_info& out) noexcept {
  out.tcpi_snd_wscale = info.send_scale & 15;
  out.tcpi_rcv_wscale = info.receive_scale & 15;
  out.tcpi_snd_mss = info.send_mss;
  out.tcpi_rcv_mss = info.receive_mss;
  out.tcpi_advmss = info.advertised_mss - (info.timestamps ? 12 : 0);
  out.tcpi_pmtu = static_cast<std::uint32_t>(info.path_mtu);
  const bool infinite = info.ssthresh == 0 || info.ssthresh >= kInfinite;
  out.tcpi_snd_ssthresh = infinite ? kInfinite : in_segments(info.ssthresh, info.send_mss);
  out.tcpi_snd_cwnd = info.cwnd == 0 ? kInitialWindow : in_segments(info.cwnd, info.send_mss);
  out.tcpi_rcv_space = out.tcpi_rcv_ssthresh = static_cast<std::uint32_t>(info.receive_buffer);
  out.tcpi_snd_wnd = info.send_window;
  out.tcpi_pacing_rate = info.pacing_rate == 0 ? ~std::uint64_t{0} : info.pacing_rate;
  out.tcpi_max_pacing_rate = ~std::uint64_t{0};
}

void put_counts(const tcp::Info& info, const tcp::Segments& segments, tcp_info& out) noexcept {
  out.tcpi_retransmits = info.backoff;
  out.tcpi_probes = info.probes;
  out.tcpi_backoff = info.doublings;
  out.tcpi_unacked = segments.unacked;
  out.tcpi_sacked = segments.sacked;
  out.tcpi_lost = segments.lost;
  out.tcpi_retrans = segments.resent;
  out.tcpi_total_retrans = static_cast<std::uint32_t>(info.retransmissions);
  out.tcpi_bytes_acked = info.bytes_acked;
  out.tcpi_bytes_received = info.bytes_received;
  out.tcpi_bytes_sent = info.bytes_sent;
  out.tcpi_bytes_retrans = info.bytes_retransmitted;
  out.tcpi_segs_out = static_cast<std::uint32_t>(info.segments_out);
  out.tcpi_segs_in = static_cast<std::uint32_t>(info.segments_in);
  out.tcpi_notsent_bytes = static_cast<std::uint32_t>(info.unsent);
  const std::uint64_t mss = std::max(info.send_mss, 1u);
  out.tcpi_delivered = static_cast<std::uint32_t>((info.delivered + mss - 1) / mss);
}

}  // namespace

Answer put_tcp_info(const tcp::Socket& socket, MutableBytes room, std::size_t& length) noexcept {
  const tcp::Info info = socket.info().value_or(tcp::Info{});
  const tcp::Segments segments = socket.segments();
  tcp_info out{};
  out.tcpi_state = number_of(info.state);
  out.tcpi_ca_state = phase_of(info, segments);
  out.tcpi_options = options_of(info);
  const bool failed = info.fast_open == tcp::FastOpen::refused || info.fast_open == tcp::FastOpen::timed_out;
  out.tcpi_fastopen_client_fail = failed ? 3 : 0;  // TFO_SYN_RETRANSMITTED, or data not acknowledged
  put_times(info, out);
  put_windows(info, out);
  put_counts(info, segments, out);
  return put_value(out, room, length);
}

Answer put_tcp_info(bool listening, std::size_t waiting, std::size_t backlog, MutableBytes room,
                    std::size_t& length) noexcept {
  tcp_info out{};
  out.tcpi_state = number_of(listening ? tcp::State::listen : tcp::State::closed);
  out.tcpi_rto = 1'000'000;
  out.tcpi_snd_mss = out.tcpi_rcv_mss = TCP_MSS_DEFAULT;
  out.tcpi_snd_ssthresh = kInfinite;
  out.tcpi_snd_cwnd = kInitialWindow;
  if (listening) {
    out.tcpi_unacked = static_cast<std::uint32_t>(waiting);
    out.tcpi_sacked = static_cast<std::uint32_t>(backlog);
  }
  return put_value(out, room, length);
}

}  // namespace sluice::posix
