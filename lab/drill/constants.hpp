// The names that calls know: socket options, flags, and those of errno.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::lab::drill {

/// O_NONBLOCK, SOL_SOCKET, EAGAIN, …: Linux's numbers. nullopt: there is no such name here.
std::optional<std::int64_t> constant(std::string_view name) noexcept;

}  // namespace sluice::lab::drill
