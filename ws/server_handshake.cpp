// RFC 6455 4.2: the server reads the request, one rule a row, and answers.
#include <algorithm>

#include "ws/extensions.hpp"
#include "ws/handshake.hpp"
#include "ws/key.hpp"

namespace sluice::ws {
namespace {

struct Refusal {
  int status = 0;  ///< 0: not refused
  std::string_view reason;
};

/// The host of "host:port" or "[v6]:port".
std::string_view host_of(std::string_view authority) noexcept {
  const std::size_t bracket = authority.find(']');
  const std::size_t colon = authority.find(':', bracket == authority.npos ? 0 : bracket);
  return authority.substr(0, colon);
}

/// RFC 6455 4.2.1: is it a request for a WebSocket of ours at all?
Refusal check_request(const http::Request& request) {
  const http::Fields& fields = request.fields;
  if (request.method != "GET") return {405, "a WebSocket begins with GET"};
  if (request.minor_version < 1) return {400, "a WebSocket begins with HTTP/1.1"};
  if (fields.count("Host") != 1) return {400, "not exactly one Host"};
  if (!fields.has_token("Upgrade", "websocket")) return {426, "this resource speaks WebSocket only"};
  if (!fields.has_token("Connection", "upgrade")) return {400, "Connection does not list upgrade"};
  if (request.has_body()) return {400, "a WebSocket's request has no body"};
  return {};
}

/// RFC 6455 4.2.1 and 11.3: the fields of the protocol's own. The version comes first: 13 gives the others their
/// meaning.
Refusal check_fields(const http::Fields& fields) {
  if (fields.count("Sec-WebSocket-Version") != 1) return {400, "not exactly one Sec-WebSocket-Version"};
  if (fields.find("Sec-WebSocket-Version") != "13") return {426, "only version 13 is spoken here"};
  if (fields.count("Sec-WebSocket-Key") != 1) return {400, "not exactly one Sec-WebSocket-Key"};
  if (!is_key(*fields.find("Sec-WebSocket-Key"))) return {400, "Sec-WebSocket-Key is not 16 bytes in base64"};
  if (fields.count("Sec-WebSocket-Extensions") > 0) {
    const auto offers = parse_extensions(fields.joined("Sec-WebSocket-Extensions"));
    if (!offers || offers->empty()) return {400, "malformed Sec-WebSocket-Extensions"};
  }
  if (fields.count("Sec-WebSocket-Protocol") > 0) {
    const std::string list = fields.joined("Sec-WebSocket-Protocol");
    const auto offers = parse_subprotocols(list);
    if (!offers || offers->empty()) return {400, "malformed Sec-WebSocket-Protocol"};
  }
  return {};
}

/// RFC 6455 10.2, and the defence against DNS rebinding [A-WS-22].
Refusal check_policy(const http::Request& request, const ServerPolicy& policy) {
  const std::string_view host = host_of(*request.fields.find("Host"));
  const auto is_host = [host](const std::string& name) { return http::iequals(name, host); };
  if (!policy.hosts.empty() && std::none_of(policy.hosts.begin(), policy.hosts.end(), is_host))
    return {403, "this host is not served"};
  if (request.fields.count("Origin") > 1) return {400, "more than one Origin"};
  const auto origin = request.fields.find("Origin");
  if (origin && !policy.allow_origin(request, *origin)) return {403, "this origin is not welcome"};
  return {};
}

Refusal check(const http::Request& request, const ServerPolicy& policy) {
  Refusal refusal = check_request(request);
  if (refusal.status == 0) refusal = check_fields(request.fields);
  if (refusal.status == 0) refusal = check_policy(request, policy);
  return refusal;
}

/// A refused upgrade ends the connection: what follows might already be frames [A-WS-11].
http::Response refuse(const Refusal& refusal) {
  http::Response response{refusal.status, {}};
  if (refusal.status == 405) response.fields.add("Allow", "GET");
  if (refusal.status == 426) {
    response.fields.add("Upgrade", "websocket");
    response.fields.add("Sec-WebSocket-Version", "13");
    response.fields.add("Connection", "upgrade, close");
  } else {
    response.fields.add("Connection", "close");
  }
  return response;
}

std::string choose_subprotocol(const http::Fields& fields, const ServerPolicy& policy) {
  const std::string list = fields.joined("Sec-WebSocket-Protocol");
  const auto offered = parse_subprotocols(list);
  for (const std::string_view offer : *offered) {
    const auto& ours = policy.subprotocols;
    if (std::find(ours.begin(), ours.end(), offer) != ours.end()) return std::string(offer);
  }
  return {};
}

}  // namespace

bool same_origin(const http::Request& request, std::string_view origin) {
  const std::size_t scheme = origin.find("://");
  if (scheme == origin.npos) return false;
  return http::iequals(origin.substr(scheme + 3), request.fields.find("Host").value_or(""));
}

bool any_origin(const http::Request&, std::string_view) { return true; }

OriginPolicy listed_origins(std::vector<std::string> origins) {
  return [origins = std::move(origins)](const http::Request&, std::string_view origin) {
    return std::find(origins.begin(), origins.end(), origin) != origins.end();
  };
}

ServerAnswer answer_handshake(const http::Request& request, const ServerPolicy& policy) {
  ServerAnswer answer;
  if (const Refusal refusal = check(request, policy); refusal.status != 0) {
    answer.response = refuse(refusal);
    answer.reason = refusal.reason;
    return answer;
  }
  http::Fields& fields = answer.response.fields;
  answer.response.status = 101;
  fields.add("Upgrade", "websocket");
  fields.add("Connection", "Upgrade");
  fields.add("Sec-WebSocket-Accept", accept_for(*request.fields.find("Sec-WebSocket-Key")));
  answer.subprotocol = choose_subprotocol(request.fields, policy);
  if (!answer.subprotocol.empty()) fields.add("Sec-WebSocket-Protocol", answer.subprotocol);
  const auto offers = parse_extensions(request.fields.joined("Sec-WebSocket-Extensions"));
  if (!policy.deflate || !offers) return answer;
  if (const auto choice = choose_deflate(*offers, *policy.deflate)) {
    fields.add("Sec-WebSocket-Extensions", choice->answer);
    answer.deflate = choice->parameters;
  }
  return answer;
}

}  // namespace sluice::ws
