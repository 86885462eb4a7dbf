// Conditional requests (RFC 9110 13): whether what the client has or expects is what is here.
#pragma once

#include <cstdint>
#include <string>

#include "http/message.hpp"

namespace sluice::http {

/// What tells this version of a representation from others.
struct Validators {
  std::string etag;  ///< with its quotes; strong
  std::int64_t modified_seconds = 0;
};

enum class Verdict : std::uint8_t {
  perform,
  not_modified,  ///< 304 for GET and HEAD
  failed,        ///< 412
};

/// If-Match or else If-Unmodified-Since, then If-None-Match or else If-Modified-Since, in the order of RFC 9110 13.2.2.
/// For GET and HEAD of something that is here.
Verdict judge_conditions(const Fields& request, const Validators& here);

/// If-Range: a part is wanted only of what the client has already seen, told by strong tag or exact date (RFC 9110
/// 13.1.5). True without the field.
bool range_still_fits(const Fields& request, const Validators& here);

}  // namespace sluice::http
