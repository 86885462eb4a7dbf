// What the room throws while a program starts: one sentence for a person, one code for a program.
#pragma once

#include <stdexcept>
#include <string>

#include "stack/base/result.hpp"

namespace sluice::tun {

/// what() is one sentence without a full stop that says what failed, why, and (where we know it) what to do.
class Error : public std::runtime_error {
 public:
  Error(Errc code, const std::string& sentence) : std::runtime_error(sentence), code_(code) {}
  Errc code() const noexcept { return code_; }

 private:
  Errc code_;
};

/// errno as an Errc: permission_denied, not_found, address_in_use, …; io_error for the rest.
Errc from_errno(int error) noexcept;
/// errno in words ("Permission denied").
std::string errno_text(int error);

}  // namespace sluice::tun
