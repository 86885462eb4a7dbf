// RFC 6455 4.1: the client asks, and believes only the answer that knows its key.
#include <algorithm>

#include "ws/extensions.hpp"
#include "ws/handshake.hpp"
#include "ws/key.hpp"

namespace sluice::ws {
namespace {

std::string join(const std::vector<std::string>& elements) {
  std::string list;
  for (const std::string& element : elements) list.append(list.empty() ? "" : ", ").append(element);
  return list;
}

/// True if `list` reads back as what was put into it: tokens, none empty, none twice.
bool good_subprotocols(const std::vector<std::string>& subprotocols) {
  const std::string list = join(subprotocols);
  const auto parsed = parse_subprotocols(list);
  return parsed && std::equal(parsed->begin(), parsed->end(), subprotocols.begin(), subprotocols.end());
}

/// Fields that the handshake itself writes, once each [WS-11.3-1].
bool is_own_field(const http::Field& field) {
  constexpr std::string_view kPrefix = "Sec-WebSocket-";
  const std::string_view name = field.name;
  return http::iequals(name.substr(0, kPrefix.size()), kPrefix) || http::iequals(name, "Host") ||
         http::iequals(name, "Upgrade") || http::iequals(name, "Connection") || http::iequals(name, "Origin");
}

}  // namespace

Result<ClientHandshake> ClientHandshake::start(ClientRequest wish, Random& random) {
  if (!http::is_target(wish.host) || !wish.target.starts_with('/') || !http::is_target(wish.target))
    return Errc::invalid_argument;
  if (std::any_of(wish.fields.begin(), wish.fields.end(), is_own_field)) return Errc::invalid_argument;
  if (!good_subprotocols(wish.subprotocols)) return Errc::invalid_argument;
  const std::string key = make_key(random);
  ClientHandshake handshake;
  handshake.accept_ = accept_for(key);
  handshake.request_.method = "GET";
  handshake.request_.target = std::move(wish.target);
  handshake.request_.upgrade = true;
  http::Fields& fields = handshake.request_.fields;
  fields.add("Host", std::move(wish.host));
  fields.add("Upgrade", "websocket");
  fields.add("Connection", "Upgrade");
  fields.add("Sec-WebSocket-Key", key);
  fields.add("Sec-WebSocket-Version", "13");
  if (wish.origin) fields.add("Origin", std::move(*wish.origin));
  if (!wish.subprotocols.empty()) fields.add("Sec-WebSocket-Protocol", join(wish.subprotocols));
  if (wish.deflate) fields.add("Sec-WebSocket-Extensions", deflate_offer(*wish.deflate));
  for (const http::Field& field : wish.fields) fields.add(field.name, field.value);
  handshake.deflate_ = wish.deflate;
  handshake.subprotocols_ = std::move(wish.subprotocols);
  return handshake;
}

Refused ClientHandshake::judge(const http::Response& response) const {
  const http::Fields& fields = response.fields;
  if (response.status != 101) return Refused::status;
  const auto upgrade = fields.find("Upgrade");
  if (fields.count("Upgrade") != 1 || !http::iequals(*upgrade, "websocket")) return Refused::upgrade;
  if (!fields.has_token("Connection", "upgrade")) return Refused::connection;
  const bool one_accept = fields.count("Sec-WebSocket-Accept") == 1;  // [WS-11.3-2]
  if (!one_accept || fields.find("Sec-WebSocket-Accept") != accept_) return Refused::accept;
  std::optional<DeflateParameters> agreed;
  if (!judge_extensions(fields, agreed)) return Refused::extension;
  const std::size_t choices = fields.count("Sec-WebSocket-Protocol");
  if (choices > 1) return Refused::subprotocol;  // [WS-11.3-4]
  const bool offered =
      std::find(subprotocols_.begin(), subprotocols_.end(), subprotocol(response)) != subprotocols_.end();
  return choices == 1 && !offered ? Refused::subprotocol : Refused::none;
}

/// At most the one that we offered, once [WSD-5-3] [WSD-5-5].
bool ClientHandshake::judge_extensions(const http::Fields& fields, std::optional<DeflateParameters>& agreed) const {
  if (fields.count("Sec-WebSocket-Extensions") == 0) return true;
  const auto said = parse_extensions(fields.joined("Sec-WebSocket-Extensions"));
  if (!deflate_ || !said || said->size() != 1) return false;
  agreed = judge_deflate(said->front(), *deflate_);
  return agreed.has_value();
}

std::optional<DeflateParameters> ClientHandshake::deflate(const http::Response& response) const {
  std::optional<DeflateParameters> agreed;
  (void)judge_extensions(response.fields, agreed);
  return agreed;
}

std::string ClientHandshake::subprotocol(const http::Response& response) const {
  return std::string(response.fields.find("Sec-WebSocket-Protocol").value_or(""));
}

}  // namespace sluice::ws
