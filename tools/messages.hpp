// What http/ and ws/ make of the bytes of a connection: requests, answers, handshakes, frames, a line each.
#pragma once

#include <string>
#include <vector>

#include "lab/conversation.hpp"
#include "stack/base/bytes.hpp"

namespace sluice::tools {

/// What one side of a connection said.
struct Spoken {
  Bytes text;
  bool finished = true;  ///< it ended the stream itself; else more may have followed
};

/// "> GET /chat HTTP/1.1, upgrade websocket", "< 200 OK, 1234 bytes #9f86d081 (chunked)", "< text, 5 bytes #2cf24dba",
/// "> close 1000 bye". '>' is the opener's. The digits behind # are the front of the content's SHA-256. Requests and
/// answers stand in pairs; of a WebSocket all that the opener said stands before all that the other side said. What
/// permessage-deflate compressed is inflated: "< text, compressed, 5 bytes #2cf24dba". What a
/// parser refuses is said in its words, and the rest of that direction is counted, not read. Bytes of a peer that are
/// not printable ASCII are written as \xHH. Empty: the first bytes are no HTTP request.
std::vector<std::string> messages_of(const Spoken& opener, const Spoken& other);
/// The same of a TCP conversation's text.
std::vector<std::string> messages_of(const lab::Conversation& conversation);

}  // namespace sluice::tools
