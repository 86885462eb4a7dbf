// What a call answers, as the kernel would have it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "stack/base/result.hpp"
#include "stack/wire/address.hpp"

namespace sluice::posix {

/// Exactly one of three: a value, an error, or "wait".
struct Answer {
  std::int64_t value = 0;  ///< >= 0; -1 with error, and while it waits
  int error = 0;           ///< errno
  bool blocked = false;  ///< a blocking descriptor has to wait: call again with the same arguments once the stack moved

  static Answer ok(std::int64_t value = 0) noexcept { return {value, 0, false}; }
  static Answer fail(int error) noexcept { return {-1, error, false}; }
  static Answer wait() noexcept { return {-1, 0, true}; }

  bool good() const noexcept { return error == 0 && !blocked; }
};

/// What came with received text, as msghdr tells it.
struct Received {
  Endpoint from;
  bool has_from = false;  ///< a stream tells no address
  int flags = 0;          ///< MSG_TRUNC
  int ttl = -1;           ///< only where IP_RECVTTL or IPV6_RECVHOPLIMIT asked for it
  int tos = -1;           ///< only where IP_RECVTOS or IPV6_RECVTCLASS asked for it
};

/// 0 for Errc::none.
int errno_of(Errc error) noexcept;
/// The outcome of a call on the stack that answers nothing else.
Answer answer_of(const Result<void>& outcome) noexcept;
/// "EAGAIN"; "an errno without a name" for what stands in no program about sockets.
std::string_view errno_name(int error) noexcept;
/// EAGAIN of "EAGAIN" or "EWOULDBLOCK"; nullopt for what is no errno known here.
std::optional<int> errno_number(std::string_view name) noexcept;

}  // namespace sluice::posix
