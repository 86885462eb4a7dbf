// How a call that can fail answers: a value or an Errc, without exceptions.
#pragma once

#include <cassert>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

namespace sluice {

/// Everything that can go wrong for a caller of the stack. Misuse of an API asserts instead.
enum class Errc : std::uint8_t {
  none = 0,
  stale_handle,           ///< the socket behind this handle or id no longer exists
  invalid_argument,       ///< a value outside its documented range
  address_in_use,         ///< another socket holds this local address and port
  address_not_available,  ///< the local address is not ours, or no ephemeral port is free
  address_family,         ///< local and remote address are of different families
  network_unreachable,    ///< no route, or ICMP network unreachable
  host_unreachable,       ///< ICMP host unreachable
  protocol_unreachable,   ///< ICMP protocol unreachable
  connection_refused,     ///< RST to our SYN, or ICMP port unreachable
  connection_reset,       ///< RST from the peer on a synchronized connection
  connection_aborted,     ///< the local side aborted
  timed_out,              ///< R2 or the user timeout passed without an answer (RFC 9293 3.8.3)
  not_connected,          ///< the call needs a connection
  already_connected,      ///< a second connect()
  connection_closing,     ///< write after finish(), RFC 9293 "connection closing"
  message_too_large,      ///< a datagram that cannot be sent even fragmented, or DF forbids it
  no_buffer_space,        ///< a budget is exhausted
  would_block,            ///< nothing to do now (accept, UDP receive); byte calls answer 0 instead
  not_supported,          ///< the option is not available on this socket
  permission_denied,      ///< ICMP administratively prohibited, or the system refused
  protocol_error,         ///< the peer broke its protocol
  truncated,              ///< input ends too early
  malformed,              ///< input that no parser accepts
  io_error,               ///< a device or file failed
  not_found,              ///< a name that does not exist
  no_device,              ///< an interface that the host lacks
};

/// One short sentence, without a full stop.
std::string_view describe(Errc error) noexcept;

const std::error_category& error_category() noexcept;
std::error_code make_error_code(Errc error) noexcept;

/// A value of type T, or the reason why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) noexcept(std::is_nothrow_move_constructible_v<T>) : value_(std::move(value)) {}
  Result(Errc error) noexcept : error_(error) { assert(error != Errc::none); }

  explicit operator bool() const noexcept { return value_.has_value(); }
  bool has_value() const noexcept { return value_.has_value(); }

  /// REQUIRES has_value().
  T& operator*() & noexcept {
    assert(value_);
    return *value_;
  }
  const T& operator*() const& noexcept {
    assert(value_);
    return *value_;
  }
  T&& operator*() && noexcept {
    assert(value_);
    return std::move(*value_);
  }
  T* operator->() noexcept {
    assert(value_);
    return &*value_;
  }
  const T* operator->() const noexcept {
    assert(value_);
    return &*value_;
  }

  T value_or(T other) const { return value_ ? *value_ : std::move(other); }

  /// Errc::none when there is a value.
  Errc error() const noexcept { return error_; }

 private:
  std::optional<T> value_;
  Errc error_ = Errc::none;
};

/// Success, or the reason for failure.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() noexcept = default;
  Result(Errc error) noexcept : error_(error) {}
  explicit operator bool() const noexcept { return error_ == Errc::none; }
  bool has_value() const noexcept { return error_ == Errc::none; }
  Errc error() const noexcept { return error_; }

 private:
  Errc error_ = Errc::none;
};

}  // namespace sluice

template <>
struct std::is_error_code_enum<sluice::Errc> : std::true_type {};
