// Going on with a file that is here in part: what is asked for, and what the answer makes of it.
#pragma once

#include <cstdint>
#include <string>

#include "http/message.hpp"

namespace sluice::tools {

/// The part of a file that is here already.
struct Partial {
  std::uint64_t size = 0;
  std::string validator;  ///< of the answer that it came from, for If-Range; empty: not known
};

enum class Resumption : std::uint8_t {
  append,    ///< the rest comes
  anew,      ///< another file is there now, and it comes as a whole
  complete,  ///< there is no rest
  refused,   ///< the answer doesn't fit to what is here
};

/// What the answer to a request for the rest says (RFC 9110 14.4, 15.5.17). Without a validator a whole file in place
/// of the rest may mean anything, and is refused.
Resumption judge_resumption(const Partial& partial, const http::Response& response);

/// What tells this version of the resource from all others (RFC 9110 8.8.1): its strong ETag, or its Last-Modified
/// where that is old enough (8.8.2.2); empty when there is neither.
std::string strong_validator(const http::Response& response);

/// Between two runs the validator of an unfinished file stands in an extended attribute of it, where the file system
/// has these; elsewhere it is forgotten. `fd` is the file.
std::string remembered_validator(int fd);
void remember_validator(int fd, const std::string& validator);
void forget_validator(int fd);

}  // namespace sluice::tools
