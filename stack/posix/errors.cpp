// The kernel's words for what went wrong.
#include <errno.h>

#include <algorithm>
#include <array>
#include <utility>

#include "stack/posix/answer.hpp"

namespace sluice::posix {
namespace {

struct Named {
  int error;
  std::string_view name;
};
constexpr std::array kNames = {
    Named{EPERM, "EPERM"},
    Named{ENOENT, "ENOENT"},
    Named{EINTR, "EINTR"},
    Named{EIO, "EIO"},
    Named{EBADF, "EBADF"},
    Named{EAGAIN, "EAGAIN"},
    Named{ENOMEM, "ENOMEM"},
    Named{EACCES, "EACCES"},
    Named{EFAULT, "EFAULT"},
    Named{EBUSY, "EBUSY"},
    Named{EEXIST, "EEXIST"},
    Named{EINVAL, "EINVAL"},
    Named{EMFILE, "EMFILE"},
    Named{ENOTTY, "ENOTTY"},
    Named{ESPIPE, "ESPIPE"},
    Named{EPIPE, "EPIPE"},
    Named{EDOM, "EDOM"},
    Named{ELOOP, "ELOOP"},
    Named{EPROTO, "EPROTO"},
    Named{ENOTSOCK, "ENOTSOCK"},
    Named{EDESTADDRREQ, "EDESTADDRREQ"},
    Named{EMSGSIZE, "EMSGSIZE"},
    Named{EPROTOTYPE, "EPROTOTYPE"},
    Named{ENOPROTOOPT, "ENOPROTOOPT"},
    Named{EPROTONOSUPPORT, "EPROTONOSUPPORT"},
    Named{ESOCKTNOSUPPORT, "ESOCKTNOSUPPORT"},
    Named{EOPNOTSUPP, "EOPNOTSUPP"},
    Named{EAFNOSUPPORT, "EAFNOSUPPORT"},
    Named{EADDRINUSE, "EADDRINUSE"},
    Named{EADDRNOTAVAIL, "EADDRNOTAVAIL"},
    Named{ENETUNREACH, "ENETUNREACH"},
    Named{ECONNABORTED, "ECONNABORTED"},
    Named{ECONNRESET, "ECONNRESET"},
    Named{ENOBUFS, "ENOBUFS"},
    Named{EISCONN, "EISCONN"},
    Named{ENOTCONN, "ENOTCONN"},
    Named{ETIMEDOUT, "ETIMEDOUT"},
    Named{ECONNREFUSED, "ECONNREFUSED"},
    Named{EHOSTUNREACH, "EHOSTUNREACH"},
    Named{EALREADY, "EALREADY"},
    Named{EINPROGRESS, "EINPROGRESS"},
};

}  // namespace

// ICMP's codes as net/ipv4/icmp.c converts them: a prohibition is "no route to host".
int errno_of(Errc error) noexcept {
  switch (error) {
    case Errc::none: return 0;
    case Errc::stale_handle: return EBADF;
    case Errc::invalid_argument:
    case Errc::truncated:
    case Errc::malformed: return EINVAL;
    case Errc::address_in_use: return EADDRINUSE;
    case Errc::address_not_available: return EADDRNOTAVAIL;
    case Errc::address_family: return EAFNOSUPPORT;
    case Errc::network_unreachable: return ENETUNREACH;
    case Errc::permission_denied:
    case Errc::host_unreachable: return EHOSTUNREACH;
    case Errc::protocol_unreachable: return ENOPROTOOPT;
    case Errc::connection_refused: return ECONNREFUSED;
    case Errc::connection_reset: return ECONNRESET;
    case Errc::connection_aborted: return ECONNABORTED;
    case Errc::timed_out: return ETIMEDOUT;
    case Errc::not_connected: return ENOTCONN;
    case Errc::already_connected: return EISCONN;
    case Errc::connection_closing: return EPIPE;
    case Errc::message_too_large: return EMSGSIZE;
    case Errc::no_buffer_space: return ENOBUFS;
    case Errc::would_block: return EAGAIN;
    case Errc::not_supported: return EOPNOTSUPP;
    case Errc::protocol_error: return EPROTO;
    case Errc::io_error: return EIO;
    case Errc::not_found: return ENOENT;
  }
  return EINVAL;
}

Answer answer_of(const Result<void>& outcome) noexcept {
  return outcome ? Answer::ok() : Answer::fail(errno_of(outcome.error()));
}

std::string_view errno_name(int error) noexcept {
  const auto* const found =
      std::find_if(kNames.begin(), kNames.end(), [error](const Named& one) { return one.error == error; });
  return found == kNames.end() ? std::string_view{} : found->name;
}

}  // namespace sluice::posix
