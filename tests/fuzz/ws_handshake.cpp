// Handshakes from any head: every answer is well formed, and none is accepted that breaks a rule.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "http/head_parser.hpp"
#include "ws/extensions.hpp"
#include "ws/handshake.hpp"
#include "ws/key.hpp"

using namespace sluice;
using namespace sluice::ws;

namespace {

void require(bool fact) {
  if (!fact) std::abort();
}

void check_response(const http::Response& response) {
  for (const http::Field& field : response.fields) {
    require(http::is_token(field.name));
    for (const char c : field.value) require(c >= ' ' && c < 0x7f);
  }
}

void check_accepted(const http::Request& request, const ServerAnswer& answer) {
  const http::Fields& fields = request.fields;
  require(request.method == "GET" && request.minor_version == 1 && !request.has_body());
  require(fields.count("Host") == 1 && fields.count("Sec-WebSocket-Version") == 1);
  require(fields.count("Sec-WebSocket-Key") == 1 && is_key(*fields.find("Sec-WebSocket-Key")));
  require(answer.response.fields.count("Sec-WebSocket-Accept") == 1);
  require(answer.response.fields.count("Sec-WebSocket-Extensions") == 0);
  if (answer.subprotocol.empty()) return;
  const std::string list = fields.joined("Sec-WebSocket-Protocol");
  const auto offers = parse_subprotocols(list);
  require(offers && std::find(offers->begin(), offers->end(), answer.subprotocol) != offers->end());
}

void check_request(Bytes head) {
  const auto parsed = http::parse_request(head, {});
  const auto* request = std::get_if<http::Request>(&parsed);
  if (!request) return;
  ServerPolicy policy;
  policy.subprotocols = {"chat", "a"};
  for (const bool all : {false, true}) {
    if (all) policy.allow_origin = any_origin;
    const ServerAnswer answer = answer_handshake(*request, policy);
    const int status = answer.response.status;
    require(status == 101 || status == 400 || status == 403 || status == 405 || status == 426);
    require(answer.accepted() == answer.reason.empty());
    check_response(answer.response);
    if (answer.accepted()) check_accepted(*request, answer);
  }
}

void check_client(Bytes head) {
  const auto parsed = http::parse_response(head);
  const auto* received = std::get_if<http::ReceivedResponse>(&parsed);
  if (!received) return;
  Random random(Key{3}, KeyUse::websocket_mask);
  ClientRequest wish;
  wish.host = "h";
  wish.subprotocols = {"chat", "a"};
  const auto handshake = ClientHandshake::start(std::move(wish), random);
  require(handshake.has_value());
  if (handshake->judge(received->response) != Refused::none) return;
  const std::string chosen = handshake->subprotocol(received->response);
  require(received->response.status == 101 && (chosen.empty() || chosen == "chat" || chosen == "a"));
}

/// What was parsed, written anew, parses to the same.
void check_lists(std::string_view text) {
  if (const auto extensions = parse_extensions(text)) {
    std::string written;
    for (const Extension& extension : *extensions) {
      written.append(written.empty() ? "" : ", ").append(extension.name);
      for (const ExtensionParameter& parameter : extension.parameters) {
        written.append("; ").append(parameter.name);
        if (parameter.value) written.append("=\"").append(*parameter.value).append("\"");
      }
    }
    const auto again = parse_extensions(written);
    require(again && again->size() == extensions->size());
  }
  (void)is_key(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(data, size);
  check_lists(as_text(input));
  http::HeadReader reader{http::HeadLimits{}};
  reader.receive(input);
  if (reader.state() != http::HeadReader::State::complete) return 0;
  check_request(reader.head());
  check_client(reader.head());
  return 0;
}
