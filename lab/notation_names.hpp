// The words of ICMP messages and their numbers in both families.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "lab/notation.hpp"

namespace sluice::lab {

inline constexpr std::int16_t kNoNumber = -1;

struct TypeName {
  IcmpType type;
  std::string_view word;
  std::int16_t v4;  ///< kNoNumber: the family has no such message
  std::int16_t v6;
};
std::span<const TypeName> type_names() noexcept;

struct CodeName {
  IcmpType type;  ///< the type to which the code belongs
  IcmpCode code;
  std::string_view word;
  std::int16_t v4;
  std::int16_t v6;
};
std::span<const CodeName> code_names() noexcept;

std::optional<IcmpType> icmp_type(std::string_view word) noexcept;

}  // namespace sluice::lab
