// The names that calls know: socket options, flags, errno names.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::lab::drill {

/// O_NONBLOCK, SOL_SOCKET, EAGAIN, …: Linux's numbers. nullopt: there is no such name here.
std::optional<std::int64_t> constant(std::string_view name) noexcept;

/// "EAGAIN", or words for what has no name.
std::string_view errno_name(int error) noexcept;

}  // namespace sluice::lab::drill
