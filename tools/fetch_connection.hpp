// A client's connection to one origin, over TCP or TLS: it carries one request after another.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "http/client_session.hpp"
#include "http/tls/stream.hpp"
#include "http/url.hpp"
#include "tools/connection_attempts.hpp"
#include "tools/host.hpp"

namespace sluice::tools {

/// Who asks over a connection. Calls come from inside the connection, which must not be destroyed in them.
class FetchUser {
 public:
  FetchUser() = default;
  FetchUser(const FetchUser&) = delete;
  FetchUser& operator=(const FetchUser&) = delete;
  virtual ~FetchUser() = default;

  /// False: what came is not put away yet. The user calls pump() when it is.
  virtual bool has_room() = 0;
  virtual void on_head(const http::ReceivedResponse& received) = 0;
  virtual void on_body(Bytes bytes) = 0;
  /// The answer is here as a whole. The last call.
  virtual void on_done() = 0;
  /// Likewise the last call; `code` is curl's.
  virtual void on_failed(int code, const std::string& sentence) = 0;
};

class FetchConnection {
 public:
  /// `context` is nullptr without TLS. `host` and `context` outlive it.
  FetchConnection(Host& host, const http::Url& origin, const tls::ClientContext* context);
  /// Ends the connection in good order.
  ~FetchConnection();
  FetchConnection(const FetchConnection&) = delete;
  FetchConnection& operator=(const FetchConnection&) = delete;

  /// To the first of them that answers. REQUIRES one.
  void connect(const std::vector<IpAddress>& addresses, std::uint16_t port);
  /// REQUIRES that no request is open. `user` lives until its last call, or until forget().
  void ask(const http::Request& request, FetchUser& user);
  void forget() noexcept { user_ = nullptr; }
  void pump();

  /// True when another request to `url` may go out here.
  bool serves(const http::Url& url) const;
  /// Requests that it has carried, the open one included.
  unsigned requests() const noexcept { return requests_; }
  std::optional<Time> connected_at() const noexcept { return connected_at_; }
  std::optional<Time> secured_at() const noexcept { return secured_at_; }
  const tls::Session* security() const noexcept { return tls_ ? &tls_->session() : nullptr; }
  const tcp::Socket& socket() const noexcept { return socket_; }

 private:
  void note_outcome(std::variant<Reached, NotReached> outcome);
  void drive();
  void hear(const http::ClientEvent& event);
  void settle();
  void arm();
  void begin_tls();
  int lost_code() const;
  void fail(int code, const std::string& sentence);

  Host& host_;
  http::Url origin_;
  const tls::ClientContext* context_;
  std::optional<ConnectionAttempts> attempts_;  ///< until there is a socket
  tcp::Socket socket_;
  std::optional<tls::Stream<tcp::Socket>> tls_;
  http::ClientSession session_;
  tun::EventLoop::Alarm alarm_;
  FetchUser* user_ = nullptr;
  std::optional<Time> connected_at_;
  std::optional<Time> secured_at_;
  unsigned requests_ = 0;
  bool head_seen_ = false;
  bool done_ = false;
};

}  // namespace sluice::tools
