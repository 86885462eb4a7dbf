// What `sluice serve --http` and `--https` answer: files, uploads, a WebSocket echo, a chat.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/router.hpp"
#include "http/server_session.hpp"
#include "http/static_files.hpp"
#include "http/tls/stream.hpp"
#include "tools/chat_room.hpp"
#include "tools/file_source.hpp"
#include "tools/sha256.hpp"
#include "tools/tcp_service.hpp"
#include "ws/connection.hpp"
#include "ws/echo.hpp"
#include "ws/handshake.hpp"

namespace sluice::tools {

/// What a request may be for.
enum class Place : std::uint8_t { echo, chat, chat_page, uploads, files, front };

/// What all connections of the server share; outlives them.
struct Site {
  std::unique_ptr<DirectorySource> files;  ///< nullptr: no files, and a short page of our own at "/"
  http::StaticSettings file_settings;
  std::string websocket_path;  ///< empty: no WebSocket
  ws::ServerPolicy websocket_policy;
  ws::Settings websocket_settings;
  std::string chat_path;           ///< a page here, and its WebSocket at /ws below; empty: none
  std::unique_ptr<ChatRoom> chat;  ///< REQUIRED with chat_path
  /// Accepts PUT and POST here and below: {"bytes":N,"sha256":"…"}. Empty: no uploads.
  std::string upload_path = "/upload";
  http::Router<Place> router;  ///< make_router(), once all of the above is said
  http::ServerLimits limits;
  std::chrono::nanoseconds wall_offset{};  ///< added to a Time gives nanoseconds since 1970
  /// Told of each answer; may be empty.
  std::function<void(const http::Request&, int status)> log;
  /// Told why a connection's TLS failed; may be empty.
  std::function<void(const tls::Failure&)> log_failure;

  struct Counts {
    std::uint64_t requests = 0;
    std::uint64_t refused = 0;  ///< requests that the parser or a deadline ended
    std::uint64_t uploads = 0;
    std::uint64_t websockets = 0;
    std::uint64_t insecure = 0;  ///< connections whose TLS failed
  } counts;
};

/// The paths of `site`.
http::Router<Place> make_router(const Site& site);

/// What has come of an upload so far.
struct Upload {
  Sha256 digest;
  std::uint64_t bytes = 0;
};

/// What a connection answers, whatever carries it.
class HttpAnswers {
 public:
  explicit HttpAnswers(Site& site) : site_(site), session_(site.limits) {}

 protected:
  void on_event(http::ServerEvent&& event);
  void on_request(const http::Request& request);
  void on_place(Place place, const http::Request& request);
  void on_websocket(const http::Request& request, bool chat);
  void on_upload(const http::Request& request);
  void finish_upload();
  void answer(const http::Request& request, http::Answer&& found);

  Site& site_;
  http::ServerSession session_;
  std::optional<Upload> upload_;
  std::optional<ws::DeflateParameters> websocket_deflate_;  ///< agreed on in the handshake
  std::optional<std::string> chat_wish_;  ///< the WebSocket is the chat's, and this the name that was asked for
};

/// HTTP/1.1 until the client asks for a WebSocket, and that then. The calls are those of Connection.
template <ByteStream Stream>
class HttpTalk : private HttpAnswers {
 public:
  /// `stream`, `site` and `wake` outlive it; `wake` is Connection's.
  HttpTalk(Stream& stream, Site& site, const std::function<void()>& wake)
      : HttpAnswers(site), stream_(stream), wake_(wake) {}

  bool pump(Time now);
  Time next_timeout() const noexcept { return websocket_ ? websocket_->next_timeout() : session_.next_timeout(); }
  void shut_down();

 private:
  void begin_websocket();
  bool pump_websocket(Time now);

  Stream& stream_;
  const std::function<void()>& wake_;
  std::unique_ptr<ws::Connection<Stream>> websocket_;
  std::unique_ptr<ChatMember> member_;  ///< nullptr: the WebSocket is an echo
  bool ending_ = false;
};

/// Over TCP.
class HttpConnection final : public Connection {
 public:
  HttpConnection(tcp::Socket socket, Site& site) : Connection(std::move(socket)), talk_(socket_, site, wake_) {}

  bool pump(Time now) override { return talk_.pump(now); }
  Time next_timeout() const noexcept override { return talk_.next_timeout(); }
  void shut_down() override { talk_.shut_down(); }

 private:
  HttpTalk<tcp::Socket> talk_;
};

/// Over TLS over TCP.
class HttpsConnection final : public Connection {
 public:
  HttpsConnection(tcp::Socket socket, Site& site, tls::Session session)
      : Connection(std::move(socket)), site_(site), stream_(socket_, std::move(session)), talk_(stream_, site, wake_) {}

  bool pump(Time now) override;
  Time next_timeout() const noexcept override;
  void shut_down() override { talk_.shut_down(); }

 private:
  bool linger(Time now);

  Site& site_;
  tls::Stream<tcp::Socket> stream_;
  HttpTalk<tls::Stream<tcp::Socket>> talk_;
  Time flushed_by_ = kNever;  ///< until then what is written may leave; kNever: the talk goes on
};

}  // namespace sluice::tools
