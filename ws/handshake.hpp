// From HTTP to WebSocket, both sides of the opening handshake as values (RFC 6455 4).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"
#include "stack/base/random.hpp"
#include "stack/base/result.hpp"
#include "ws/deflate_parameters.hpp"

namespace sluice::ws {

// --- server ---

/// Whether a request that came from `origin` is welcome. Only browsers send Origin, and they can't be made to lie.
using OriginPolicy = std::function<bool(const http::Request& request, std::string_view origin)>;

/// Pages of the host that they connect to: Origin's host and port are those of Host.
bool same_origin(const http::Request& request, std::string_view origin);
bool any_origin(const http::Request& request, std::string_view origin);
/// Exactly these, as browsers write them: "https://example.org".
OriginPolicy listed_origins(std::vector<std::string> origins);

struct ServerPolicy {
  /// Asked when there is an Origin; a request without one is from no browser. Not empty.
  OriginPolicy allow_origin = same_origin;
  /// What Host may say, without port, compared without case; empty: anything. A server on a loopback or private
  /// address closes the door to DNS rebinding with it.
  std::vector<std::string> hosts;
  /// What the server speaks. Of the client's offers the first that is among these is chosen, else none.
  std::vector<std::string> subprotocols;
  /// What to agree on when the client offers permessage-deflate; nullopt: no compression.
  std::optional<DeflatePolicy> deflate = std::nullopt;
};

/// The answer to a request for a WebSocket. The resource itself (404) and authentication (401) are the caller's
/// business.
struct ServerAnswer {
  http::Response response;                   ///< 101, or the refusal, which asks to close the connection
  std::string subprotocol;                   ///< the chosen one, or empty
  std::optional<DeflateParameters> deflate;  ///< what was agreed on, for the Session; nullopt: no compression
  std::string_view reason;                   ///< why it was refused, one short sentence; empty when accepted
  bool accepted() const noexcept { return response.status == 101; }
};

/// RFC 6455 4.2.1 and 4.2.2. Refusals: 405 not GET; 426 no WebSocket asked, or another version than 13 (with
/// Sec-WebSocket-Version: 13); 403 by policy; 400 all else.
/// An offer of permessage-deflate that can't be accepted is passed over (RFC 7692 5), and so is any other extension.
ServerAnswer answer_handshake(const http::Request& request, const ServerPolicy& policy = {});

// --- client ---

struct ClientRequest {
  std::string host;          ///< what Host says: the port only when it is not the default one
  std::string target = "/";  ///< path and query
  std::optional<std::string> origin;
  std::vector<std::string> subprotocols;                ///< in order of preference; tokens, none twice
  std::optional<DeflatePolicy> deflate = std::nullopt;  ///< offers permessage-deflate so; nullopt: not at all
  http::Fields fields;                                  ///< more, such as Authorization or Cookie
};

/// What is wrong with a server's answer; none: it is a WebSocket now.
enum class Refused : std::uint8_t {
  none,
  status,       ///< not 101: HTTP's business (redirect, authentication, error) [WS-4.1-14]
  upgrade,      ///< Upgrade is not websocket [WS-4.1-15]
  connection,   ///< Connection does not list upgrade [WS-4.1-16]
  accept,       ///< Sec-WebSocket-Accept is missing, doubled or not the answer to our key [WS-4.1-17]
  extension,    ///< an extension that we did not offer, or parameters that it can't have [WS-4.1-18] [WSD-5-5]
  subprotocol,  ///< a subprotocol that we did not offer, or two [WS-4.1-19]
};

/// One attempt: the request, and the judgement on its answer.
class ClientHandshake {
 public:
  /// Draws the key from `random`. invalid_argument: a host or target that can't stand in a request, subprotocols
  /// that are no tokens or repeated, or a field of the handshake's own among `fields`.
  static Result<ClientHandshake> start(ClientRequest wish, Random& random);

  /// The head to send; nothing may follow until the answer came [WS-4.1-13].
  const http::Request& request() const noexcept { return request_; }

  Refused judge(const http::Response& response) const;
  /// The subprotocol that `response` chose. REQUIRES judge(response) == Refused::none.
  std::string subprotocol(const http::Response& response) const;
  /// The compression that `response` agreed to, for the Session. REQUIRES judge(response) == Refused::none.
  std::optional<DeflateParameters> deflate(const http::Response& response) const;

 private:
  ClientHandshake() = default;

  http::Request request_;
  bool judge_extensions(const http::Fields& fields, std::optional<DeflateParameters>& agreed) const;

  std::vector<std::string> subprotocols_;
  std::optional<DeflatePolicy> deflate_;
  std::string accept_;
};

}  // namespace sluice::ws
