// What HTTP sessions report, one event at a time.
#pragma once

#include <string_view>
#include <variant>

#include "http/head_parser.hpp"

namespace sluice::http {

/// A request's head was accepted. An answer is now owed.
struct RequestHead {
  Request request;
};

/// A run of the body's content, in the bytes that the last receive() was given: valid until the session's next call
/// of receive() and as long as those bytes.
struct BodyPart {
  Bytes bytes;
};

/// The request is here as a whole.
struct RequestEnd {};

/// A final response's head, as it was received.
struct ResponseHead {
  ReceivedResponse received;
};

struct ResponseEnd {};

/// The exchange broke off; nothing more follows of it. A server has answered with `status` itself, or, when that is 0,
/// not at all; for a client the status has no meaning.
struct Failed {
  int status = 0;
  std::string_view reason;  ///< one short sentence of static storage, without a full stop
};

/// What the owner of the connection does with it.
enum class Phase : std::uint8_t {
  serving,    ///< exchanges go on
  flushing,   ///< of servers: the last answer goes out; what still comes in is dropped
  lingering,  ///< of servers: all is sent; what still comes is dropped until the peer finishes, so that no RST eats the
              ///< answer
  upgraded,   ///< the 101 is through: every byte not consumed belongs to the new protocol
  closed,     ///< done: close the stream
  aborted,    ///< broken: abort() the stream
};

using ServerEvent = std::variant<RequestHead, BodyPart, RequestEnd, Failed>;
using ClientEvent = std::variant<ResponseHead, BodyPart, ResponseEnd, Failed>;

}  // namespace sluice::http
