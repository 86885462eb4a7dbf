// Answers that need nothing but a status.
#pragma once

#include <string>

#include "http/body.hpp"
#include "http/message.hpp"

namespace sluice::http {

/// What ServerSession::respond() takes.
struct Answer {
  Response response;
  Body body;
};

/// An answer of one line of text: "404 Not Found".
Answer status_answer(int status);

/// 405, and what may be asked instead: "GET, HEAD, OPTIONS" (RFC 9110 15.5.6).
Answer not_allowed_answer(std::string allowed);

/// To OPTIONS: 204, and what may be asked (RFC 9110 9.3.7).
Answer options_answer(std::string allowed);

}  // namespace sluice::http
