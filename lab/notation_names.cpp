// The tables of ICMP's words (RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1, RFC 4443).
#include "lab/notation_names.hpp"

#include <array>

namespace sluice::lab {
namespace {

using enum IcmpCode;

constexpr std::array kTypes = {
    TypeName{IcmpType::unreachable, "unreachable", 3, 1},
    TypeName{IcmpType::packet_too_big, "packet_too_big", kNoNumber, 2},
    TypeName{IcmpType::time_exceeded, "time_exceeded", 11, 3},
    TypeName{IcmpType::parameter_problem, "parameter_problem", 12, 4},
    TypeName{IcmpType::source_quench, "source_quench", 4, kNoNumber},
    TypeName{IcmpType::redirect, "redirect", 5, 137},
    TypeName{IcmpType::echo_request, "echo_request", 8, 128},
    TypeName{IcmpType::echo_reply, "echo_reply", 0, 129},
};

constexpr std::array kCodes = {
    CodeName{IcmpType::unreachable, net_unreachable, "net_unreachable", 0, kNoNumber},
    CodeName{IcmpType::unreachable, host_unreachable, "host_unreachable", 1, kNoNumber},
    CodeName{IcmpType::unreachable, protocol_unreachable, "protocol_unreachable", 2, kNoNumber},
    CodeName{IcmpType::unreachable, port_unreachable, "port_unreachable", 3, 4},
    CodeName{IcmpType::unreachable, frag_needed, "frag_needed", 4, kNoNumber},
    CodeName{IcmpType::unreachable, source_route_failed, "source_route_failed", 5, kNoNumber},
    CodeName{IcmpType::unreachable, net_unknown, "net_unknown", 6, kNoNumber},
    CodeName{IcmpType::unreachable, host_unknown, "host_unknown", 7, kNoNumber},
    CodeName{IcmpType::unreachable, source_host_isolated, "source_host_isolated", 8, kNoNumber},
    CodeName{IcmpType::unreachable, net_prohibited, "net_prohibited", 9, kNoNumber},
    CodeName{IcmpType::unreachable, host_prohibited, "host_prohibited", 10, kNoNumber},
    CodeName{IcmpType::unreachable, net_unreachable_for_tos, "net_unreachable_for_tos", 11, kNoNumber},
    CodeName{IcmpType::unreachable, host_unreachable_for_tos, "host_unreachable_for_tos", 12, kNoNumber},
    CodeName{IcmpType::unreachable, packet_filtered, "packet_filtered", 13, kNoNumber},
    CodeName{IcmpType::unreachable, precedence_violation, "precedence_violation", 14, kNoNumber},
    CodeName{IcmpType::unreachable, precedence_cutoff, "precedence_cutoff", 15, kNoNumber},
    CodeName{IcmpType::unreachable, no_route, "noroute", kNoNumber, 0},
    CodeName{IcmpType::unreachable, admin_prohibited, "admin_prohibited", kNoNumber, 1},
    CodeName{IcmpType::unreachable, beyond_scope, "beyond_scope", kNoNumber, 2},
    CodeName{IcmpType::unreachable, addr_unreachable, "addr_unreachable", kNoNumber, 3},
    CodeName{IcmpType::time_exceeded, in_transit, "in_transit", 0, 0},
    CodeName{IcmpType::time_exceeded, in_reassembly, "in_reassembly", 1, 1},
    CodeName{IcmpType::parameter_problem, header_field, "header_field", 0, 0},
    CodeName{IcmpType::parameter_problem, next_header, "next_header", kNoNumber, 1},
    CodeName{IcmpType::parameter_problem, unknown_option, "unknown_option", kNoNumber, 2},
};

constexpr std::int16_t number(const auto& entry, Family family) noexcept {
  return family == Family::ipv4 ? entry.v4 : entry.v6;
}

}  // namespace

std::span<const TypeName> type_names() noexcept { return kTypes; }
std::span<const CodeName> code_names() noexcept { return kCodes; }

std::optional<IcmpType> icmp_type(std::string_view word) noexcept {
  for (const TypeName& type : kTypes)
    if (type.word == word) return type.type;
  return std::nullopt;
}

std::string_view name(IcmpType type) noexcept {
  for (const TypeName& entry : kTypes)
    if (entry.type == type) return entry.word;
  return "?";
}

std::string_view name(IcmpCode code) noexcept {
  for (const CodeName& entry : kCodes)
    if (entry.code == code) return entry.word;
  return "?";
}

std::optional<IcmpNumbers> icmp_numbers(IcmpType type, std::optional<IcmpCode> code, Family family) noexcept {
  IcmpNumbers numbers;
  for (const TypeName& entry : kTypes) {
    if (entry.type != type) continue;
    if (number(entry, family) == kNoNumber) return std::nullopt;
    numbers.type = static_cast<std::uint8_t>(number(entry, family));
  }
  if (!code) return numbers;
  for (const CodeName& entry : kCodes) {
    if (entry.type != type || entry.code != *code) continue;
    if (number(entry, family) == kNoNumber) return std::nullopt;
    numbers.code = static_cast<std::uint8_t>(number(entry, family));
    return numbers;
  }
  return std::nullopt;
}

std::optional<IcmpNames> icmp_names(IcmpNumbers numbers, Family family) noexcept {
  for (const TypeName& type : kTypes) {
    if (number(type, family) != numbers.type) continue;
    for (const CodeName& code : kCodes)
      if (code.type == type.type && number(code, family) == numbers.code) return IcmpNames{type.type, code.code};
    if (numbers.code == 0) return IcmpNames{type.type, std::nullopt};
  }
  return std::nullopt;
}

}  // namespace sluice::lab
