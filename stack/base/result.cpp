// The words for each Errc and the std::error_category around them.
#include "stack/base/result.hpp"

#include <string>

namespace sluice {

std::string_view describe(Errc error) noexcept {
  switch (error) {
    case Errc::none: return "success";
    case Errc::stale_handle: return "the socket no longer exists";
    case Errc::invalid_argument: return "invalid argument";
    case Errc::address_in_use: return "address already in use";
    case Errc::address_not_available: return "address or port not available";
    case Errc::address_family: return "addresses of different families";
    case Errc::network_unreachable: return "network unreachable";
    case Errc::host_unreachable: return "host unreachable";
    case Errc::protocol_unreachable: return "protocol unreachable";
    case Errc::connection_refused: return "connection refused";
    case Errc::connection_reset: return "connection reset by peer";
    case Errc::connection_aborted: return "connection aborted";
    case Errc::timed_out: return "connection timed out";
    case Errc::not_connected: return "not connected";
    case Errc::already_connected: return "already connected";
    case Errc::connection_closing: return "connection closing";
    case Errc::message_too_large: return "message too large";
    case Errc::no_buffer_space: return "no buffer space";
    case Errc::would_block: return "would block";
    case Errc::not_supported: return "not supported";
    case Errc::permission_denied: return "permission denied";
    case Errc::protocol_error: return "protocol error";
    case Errc::truncated: return "input is truncated";
    case Errc::malformed: return "input is malformed";
    case Errc::io_error: return "input/output error";
    case Errc::not_found: return "not found";
    case Errc::no_device: return "no such interface";
  }
  return "unknown error";
}

namespace {

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "sluice"; }
  std::string message(int code) const override { return std::string(describe(static_cast<Errc>(code))); }
};

constinit const Category kCategory{};

}  // namespace

const std::error_category& error_category() noexcept { return kCategory; }

std::error_code make_error_code(Errc error) noexcept { return {static_cast<int>(error), error_category()}; }

}  // namespace sluice
