// Golden captures of links and peers that make trouble, and of connections with other options.
#pragma once

#include <cstdint>
#include <vector>

namespace sluice::test {

std::vector<std::uint8_t> record_handshake_loss();
std::vector<std::uint8_t> record_close_loss();
std::vector<std::uint8_t> record_loss_tail();
std::vector<std::uint8_t> record_reordering();
std::vector<std::uint8_t> record_spurious();
std::vector<std::uint8_t> record_spurious_timeout();
std::vector<std::uint8_t> record_duplicates();
std::vector<std::uint8_t> record_ecn();
std::vector<std::uint8_t> record_ecn_receiver();
std::vector<std::uint8_t> record_ecn_accurate();
std::vector<std::uint8_t> record_zero_window();
std::vector<std::uint8_t> record_nagle();
std::vector<std::uint8_t> record_bulk_ipv6();
std::vector<std::uint8_t> record_bulk_no_options();
std::vector<std::uint8_t> record_bulk_small_segments();
std::vector<std::uint8_t> record_both_ways();
std::vector<std::uint8_t> record_udp_burst();

}  // namespace sluice::test
