// From errno to our own codes.
#include "tun/error.hpp"

#include <cerrno>
#include <system_error>

namespace sluice::tun {

Errc from_errno(int error) noexcept {
  switch (error) {
    case 0: return Errc::none;
    case EPERM:
    case EACCES: return Errc::permission_denied;
    case ENOENT:
    case ENODEV: return Errc::not_found;
    case EBUSY:
    case EEXIST:
    case EADDRINUSE: return Errc::address_in_use;
    case EADDRNOTAVAIL: return Errc::address_not_available;
    case EAFNOSUPPORT: return Errc::address_family;
    case EINVAL: return Errc::invalid_argument;
    case EAGAIN: return Errc::would_block;
    case ECONNREFUSED: return Errc::connection_refused;
    case EPIPE:
    case ECONNRESET: return Errc::connection_reset;
    case ECONNABORTED: return Errc::connection_aborted;
    case ETIMEDOUT: return Errc::timed_out;
    case ENETUNREACH: return Errc::network_unreachable;
    case EHOSTUNREACH: return Errc::host_unreachable;
    case ENOTCONN: return Errc::not_connected;
    case EMSGSIZE: return Errc::message_too_large;
    case ENOMEM:
    case ENOBUFS: return Errc::no_buffer_space;
    case ENOSYS:
    case EOPNOTSUPP: return Errc::not_supported;
    default: return Errc::io_error;
  }
}

std::string errno_text(int error) { return std::generic_category().message(error); }

}  // namespace sluice::tun
