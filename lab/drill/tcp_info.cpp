// See tcp_info.hpp.
#include "lab/drill/tcp_info.hpp"

#include <linux/tcp.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace sluice::lab::drill {
namespace {

struct Field {
  std::string_view name;
  std::size_t offset;
  std::size_t size;
};

#define SLUICE_FIELD(name) \
  Field { #name, offsetof(tcp_info, name), sizeof(tcp_info::name) }

constexpr Field kFields[] = {
    SLUICE_FIELD(tcpi_state),         SLUICE_FIELD(tcpi_ca_state),
    SLUICE_FIELD(tcpi_retransmits),   SLUICE_FIELD(tcpi_probes),
    SLUICE_FIELD(tcpi_backoff),       SLUICE_FIELD(tcpi_options),
    SLUICE_FIELD(tcpi_rto),           SLUICE_FIELD(tcpi_ato),
    SLUICE_FIELD(tcpi_snd_mss),       SLUICE_FIELD(tcpi_rcv_mss),
    SLUICE_FIELD(tcpi_unacked),       SLUICE_FIELD(tcpi_sacked),
    SLUICE_FIELD(tcpi_lost),          SLUICE_FIELD(tcpi_retrans),
    SLUICE_FIELD(tcpi_fackets),       SLUICE_FIELD(tcpi_last_data_sent),
    SLUICE_FIELD(tcpi_last_ack_sent), SLUICE_FIELD(tcpi_last_data_recv),
    SLUICE_FIELD(tcpi_last_ack_recv), SLUICE_FIELD(tcpi_pmtu),
    SLUICE_FIELD(tcpi_rcv_ssthresh),  SLUICE_FIELD(tcpi_rtt),
    SLUICE_FIELD(tcpi_rttvar),        SLUICE_FIELD(tcpi_snd_ssthresh),
    SLUICE_FIELD(tcpi_snd_cwnd),      SLUICE_FIELD(tcpi_advmss),
    SLUICE_FIELD(tcpi_reordering),    SLUICE_FIELD(tcpi_rcv_rtt),
    SLUICE_FIELD(tcpi_rcv_space),     SLUICE_FIELD(tcpi_total_retrans),
    SLUICE_FIELD(tcpi_pacing_rate),   SLUICE_FIELD(tcpi_max_pacing_rate),
    SLUICE_FIELD(tcpi_bytes_acked),   SLUICE_FIELD(tcpi_bytes_received),
    SLUICE_FIELD(tcpi_segs_out),      SLUICE_FIELD(tcpi_segs_in),
    SLUICE_FIELD(tcpi_notsent_bytes), SLUICE_FIELD(tcpi_min_rtt),
    SLUICE_FIELD(tcpi_data_segs_in),  SLUICE_FIELD(tcpi_data_segs_out),
    SLUICE_FIELD(tcpi_delivery_rate), SLUICE_FIELD(tcpi_busy_time),
    SLUICE_FIELD(tcpi_rwnd_limited),  SLUICE_FIELD(tcpi_sndbuf_limited),
    SLUICE_FIELD(tcpi_delivered),     SLUICE_FIELD(tcpi_delivered_ce),
    SLUICE_FIELD(tcpi_bytes_sent),    SLUICE_FIELD(tcpi_bytes_retrans),
    SLUICE_FIELD(tcpi_dsack_dups),    SLUICE_FIELD(tcpi_reord_seen),
    SLUICE_FIELD(tcpi_rcv_ooopack),   SLUICE_FIELD(tcpi_snd_wnd),
};

#undef SLUICE_FIELD

}  // namespace

std::size_t tcp_info_size() noexcept { return sizeof(tcp_info); }

std::optional<std::uint64_t> tcp_info_field(Bytes info, std::string_view name) noexcept {
  tcp_info whole{};
  std::memcpy(&whole, info.data(), std::min(info.size(), sizeof whole));
  // Bits have no address.
  if (name == "tcpi_snd_wscale") return std::uint64_t{whole.tcpi_snd_wscale};
  if (name == "tcpi_rcv_wscale") return std::uint64_t{whole.tcpi_rcv_wscale};
  if (name == "tcpi_fastopen_client_fail") return std::uint64_t{whole.tcpi_fastopen_client_fail};
  if (name == "tcpi_delivery_rate_app_limited") return std::uint64_t{whole.tcpi_delivery_rate_app_limited};
  const auto* const field =
      std::find_if(std::begin(kFields), std::end(kFields), [&](const Field& one) { return one.name == name; });
  if (field == std::end(kFields)) return std::nullopt;
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(&whole) + field->offset;
  std::uint8_t one = 0;
  std::uint32_t four = 0;
  std::uint64_t eight = 0;
  switch (field->size) {
    case 1: std::memcpy(&one, bytes, 1); return one;
    case 4: std::memcpy(&four, bytes, 4); return four;
    default: std::memcpy(&eight, bytes, 8); return eight;
  }
}

}  // namespace sluice::lab::drill
