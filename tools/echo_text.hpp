// What an ICMP error about our echo request or probe says, in words.
#pragma once

#include <string_view>

#include "stack/ip/echo.hpp"

namespace sluice::tools {

/// Of static storage, in the terms of ping(8). REQUIRES answer.error.
std::string_view describe_error(const ip::EchoAnswer& answer) noexcept;

}  // namespace sluice::tools
