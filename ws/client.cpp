// A refusal in words, for who sits before a terminal.
#include "ws/client.hpp"

namespace sluice::ws {
namespace {

std::string explain_status(const http::Response& response) {
  std::string sentence = "the server answers " + std::to_string(response.status);
  if (const std::string_view phrase = http::reason_phrase(response.status); !phrase.empty())
    sentence.append(" ").append(phrase);
  const bool moved = response.status >= 300 && response.status < 400;
  if (const auto location = response.fields.find("Location"); moved && location)
    sentence.append(", which points to ").append(*location);
  if (const auto version = response.fields.find("Sec-WebSocket-Version"); response.status == 426 && version)
    sentence.append(", it speaks version ").append(*version);
  return sentence;
}

}  // namespace

std::string explain(Refused refused, const http::Response& response) {
  switch (refused) {
    case Refused::status: return explain_status(response);
    case Refused::upgrade: return "the server's Upgrade is not websocket";
    case Refused::connection: return "the server's Connection does not list upgrade";
    case Refused::accept: return "the server's Sec-WebSocket-Accept does not answer our key";
    case Refused::extension: return "the server chose an extension that was not offered";
    case Refused::subprotocol: return "the server chose a subprotocol that was not offered";
    case Refused::none: break;
  }
  return "the server agreed";
}

}  // namespace sluice::ws
