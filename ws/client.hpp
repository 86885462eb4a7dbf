// A client from its request to the end of its stream, whatever carries the bytes: TCP of ours, a kernel socket, TLS.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "http/client_session.hpp"
#include "http/driver.hpp"
#include "ws/connection.hpp"
#include "ws/handshake.hpp"

namespace sluice::ws {

/// The server agreed. `response` is valid during the call.
struct Opened {
  const http::Response& response;
  std::string subprotocol;                   ///< the chosen one, or empty
  std::optional<DeflateParameters> deflate;  ///< agreed on
};

/// Why there is no WebSocket.
struct HandshakeFailure {
  Refused refused = Refused::none;  ///< none: no whole answer came
  int status = 0;                   ///< of the answer; 0: there is none
  std::string reason;               ///< one sentence, without a full stop
};

/// What was wrong with an answer that judge() refused. REQUIRES refused != Refused::none.
std::string explain(Refused refused, const http::Response& response);

/// The opening handshake on a stream that is connected, then a Connection on it. The handler is called as
/// handler(const Opened&, Session&) once, before all else, and then as Connection's.
template <ByteStream Stream>
class Client {
 public:
  /// `stream`, `settings` and `random` outlive the client.
  Client(Stream& stream, ClientHandshake handshake, const Settings& settings, Random& random)
      : stream_(stream), handshake_(std::move(handshake)), settings_(settings), random_(random) {
    (void)http_.request(handshake_.request());
  }
  Client(Stream&, ClientHandshake, Settings&&, Random&) = delete;

  /// Connection::pump. True when it is over: failure() says whether it ever began.
  template <class Handler>
  bool pump(Time now, Handler&& handler) {
    if (failure_) return true;
    if (!connection_ && !open(now, handler)) return failure_.has_value();
    return connection_->pump(now, handler);
  }

  /// nullptr before the server agreed.
  Session* session() noexcept { return connection_ ? &connection_->session() : nullptr; }
  const std::optional<HandshakeFailure>& failure() const noexcept { return failure_; }
  Time next_timeout() const noexcept { return connection_ ? connection_->next_timeout() : http_.next_timeout(); }

 private:
  /// True when the connection is made.
  template <class Handler>
  bool open(Time now, Handler& handler) {
    const http::Phase phase =
        http::drive(stream_, http_, now, [this](http::ClientEvent&& event) { on_event(std::move(event)); });
    if (phase == http::Phase::aborted && !failure_) fail(Refused::none, std::string(describe(stream_.error())));
    if (phase != http::Phase::upgraded || failure_) return false;
    const auto deflate = handshake_.deflate(answer_);
    connection_.emplace(stream_, Role::client, settings_, &random_, Bytes{}, deflate);
    handler(Opened{answer_, handshake_.subprotocol(answer_), deflate}, connection_->session());
    return true;
  }

  void on_event(http::ClientEvent&& event) {
    if (auto* head = std::get_if<http::ResponseHead>(&event)) {
      answer_ = std::move(head->received.response);
      const Refused refused = handshake_.judge(answer_);
      if (refused != Refused::none) fail(refused, explain(refused, answer_));
    } else if (const auto* failed = std::get_if<http::Failed>(&event)) {
      const bool lost = stream_.error() != Errc::none;
      fail(Refused::none, std::string(lost ? describe(stream_.error()) : failed->reason));
    }
  }

  void fail(Refused refused, std::string reason) {
    if (!failure_) failure_ = HandshakeFailure{refused, answer_.status, std::move(reason)};
  }

  Stream& stream_;
  ClientHandshake handshake_;
  const Settings& settings_;
  Random& random_;
  http::ClientSession http_;
  http::Response answer_{.status = 0, .fields = {}};
  std::optional<HandshakeFailure> failure_;
  std::optional<Connection<Stream>> connection_;
};

}  // namespace sluice::ws
