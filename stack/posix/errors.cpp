// The kernel's words for what went wrong.
#include <errno.h>

#include <algorithm>
#include <iterator>

#include "stack/posix/answer.hpp"

namespace sluice::posix {
namespace {

struct NamedError {
  int error;
  std::string_view name;
};

/// What calls answer here, and what programs about sockets speak of; of two names for a number the usual one first.
constexpr NamedError kNames[] = {
    {EPERM, "EPERM"},
    {ENOENT, "ENOENT"},
    {EINTR, "EINTR"},
    {EIO, "EIO"},
    {EBADF, "EBADF"},
    {EAGAIN, "EAGAIN"},
    {EWOULDBLOCK, "EWOULDBLOCK"},
    {ENOMEM, "ENOMEM"},
    {EACCES, "EACCES"},
    {EFAULT, "EFAULT"},
    {EBUSY, "EBUSY"},
    {EEXIST, "EEXIST"},
    {ENODEV, "ENODEV"},
    {EINVAL, "EINVAL"},
    {EMFILE, "EMFILE"},
    {ENOTTY, "ENOTTY"},
    {ESPIPE, "ESPIPE"},
    {EPIPE, "EPIPE"},
    {EDOM, "EDOM"},
    {ERANGE, "ERANGE"},
    {ENOSYS, "ENOSYS"},
    {ELOOP, "ELOOP"},
    {ENONET, "ENONET"},
    {EPROTO, "EPROTO"},
    {ENOTSOCK, "ENOTSOCK"},
    {EDESTADDRREQ, "EDESTADDRREQ"},
    {EMSGSIZE, "EMSGSIZE"},
    {EPROTOTYPE, "EPROTOTYPE"},
    {ENOPROTOOPT, "ENOPROTOOPT"},
    {EPROTONOSUPPORT, "EPROTONOSUPPORT"},
    {ESOCKTNOSUPPORT, "ESOCKTNOSUPPORT"},
    {EOPNOTSUPP, "EOPNOTSUPP"},
    {EAFNOSUPPORT, "EAFNOSUPPORT"},
    {EADDRINUSE, "EADDRINUSE"},
    {EADDRNOTAVAIL, "EADDRNOTAVAIL"},
    {ENETDOWN, "ENETDOWN"},
    {ENETUNREACH, "ENETUNREACH"},
    {ECONNABORTED, "ECONNABORTED"},
    {ECONNRESET, "ECONNRESET"},
    {ENOBUFS, "ENOBUFS"},
    {EISCONN, "EISCONN"},
    {ENOTCONN, "ENOTCONN"},
    {ESHUTDOWN, "ESHUTDOWN"},
    {ETIMEDOUT, "ETIMEDOUT"},
    {ECONNREFUSED, "ECONNREFUSED"},
    {EHOSTDOWN, "EHOSTDOWN"},
    {EHOSTUNREACH, "EHOSTUNREACH"},
    {EALREADY, "EALREADY"},
    {EINPROGRESS, "EINPROGRESS"},
    {EREMOTEIO, "EREMOTEIO"},
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
    case Errc::no_device: return ENODEV;
  }
  return EINVAL;
}

Answer answer_of(const Result<void>& outcome) noexcept {
  return outcome ? Answer::ok() : Answer::fail(errno_of(outcome.error()));
}

std::string_view errno_name(int error) noexcept {
  const auto* const found =
      std::find_if(std::begin(kNames), std::end(kNames), [error](const NamedError& one) { return one.error == error; });
  return found == std::end(kNames) ? "an errno without a name" : found->name;
}

std::optional<int> errno_number(std::string_view name) noexcept {
  const auto* const found =
      std::find_if(std::begin(kNames), std::end(kNames), [name](const NamedError& one) { return one.name == name; });
  return found == std::end(kNames) ? std::nullopt : std::optional(found->error);
}

}  // namespace sluice::posix
