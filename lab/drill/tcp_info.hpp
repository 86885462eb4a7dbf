// Linux's struct tcp_info by the names of its fields.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "stack/base/bytes.hpp"

namespace sluice::lab::drill {

/// The field "tcpi_…" in what getsockopt(TCP_INFO) gave; nullopt: there is none of this name.
std::optional<std::uint64_t> tcp_info_field(Bytes info, std::string_view name) noexcept;

/// How many bytes the structure has.
std::size_t tcp_info_size() noexcept;

}  // namespace sluice::lab::drill
