// Routes, and the change from HTTP to WebSocket on one connection.
#include "tools/http_service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "http/driver.hpp"
#include "tools/chat_page.hpp"
#include "ws/utf8.hpp"

namespace sluice::tools {
namespace {

constexpr std::string_view kFrontPage =
    "This is sluice: HTTP/1.1 over a TCP of its own, in user space.\n"
    "It serves no files (see --root).\n";

/// The name in the query, as forms write it; empty when there is none.
std::string asked_name(const http::Request& request) {
  std::string_view query = request.query();
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (!pair.starts_with("name=")) continue;
    std::string value(pair.substr(5));
    std::replace(value.begin(), value.end(), '+', ' ');
    const auto name = http::percent_decode(value);
    return name && ws::is_utf8(as_bytes(*name)) ? *name : std::string();
  }
  return {};
}

http::Response text_response(int status, std::string_view type) {
  http::Response response{.status = status, .fields = {}};
  response.fields.add("Content-Type", std::string(type));
  return response;
}

}  // namespace

http::Router<Place> make_router(const Site& site) {
  http::Router<Place> router;
  // A handshake judges its method itself: it ends the connection when it is none [A-WS-11].
  if (!site.websocket_path.empty()) router.at(site.websocket_path, "", Place::echo);
  if (site.chat) {
    router.at(site.chat_path + "/ws", "", Place::chat);
    router.at(site.chat_path, "GET", Place::chat_page);
    router.at(site.chat_path + "/", "GET", Place::chat_page);
  }
  if (!site.upload_path.empty()) {
    router.at(site.upload_path, "PUT, POST", Place::uploads);
    router.below(site.upload_path + "/", "PUT, POST", Place::uploads);
  }
  if (site.files)
    router.below("/", "GET", Place::files);
  else
    router.at("/", "GET", Place::front);
  return router;
}

template <ByteStream Stream>
bool HttpTalk<Stream>::pump(Time now) {
  if (site_.chat) site_.chat->at(now.time_since_epoch() + site_.wall_offset);
  if (websocket_) return pump_websocket(now);
  session_.set_date(std::chrono::floor<std::chrono::seconds>(now.time_since_epoch() + site_.wall_offset).count());
  const http::Phase phase =
      http::drive(stream_, session_, now, [this](http::ServerEvent&& event) { on_event(std::move(event)); });
  if (phase == http::Phase::upgraded) {
    begin_websocket();
    return pump_websocket(now);
  }
  return phase != http::Phase::closed && phase != http::Phase::aborted;
}

template <ByteStream Stream>
void HttpTalk<Stream>::begin_websocket() {
  ++site_.counts.websockets;
  const ws::Settings& settings = chat_wish_ ? site_.chat->settings() : site_.websocket_settings;
  websocket_ = std::make_unique<ws::Connection<Stream>>(stream_, ws::Role::server, settings, nullptr, Bytes{},
                                                        websocket_deflate_);
  if (!chat_wish_) return;
  member_ = std::make_unique<ChatMember>(*site_.chat, *chat_wish_, wake_);
  member_->begin(websocket_->session());
}

template <ByteStream Stream>
bool HttpTalk<Stream>::pump_websocket(Time now) {
  if (ending_ && websocket_->session().open()) (void)websocket_->session().close(ws::CloseCode::going_away);
  if (!member_) return !websocket_->pump(now, ws::Echo{});
  const bool over = websocket_->pump(now, *member_);
  if (!over && !site_.chat->calm()) wake_();
  return !over;
}

template <ByteStream Stream>
void HttpTalk<Stream>::shut_down() {
  ending_ = true;
  session_.shut_down();
}

template class HttpTalk<tcp::Socket>;
template class HttpTalk<tls::Stream<tcp::Socket>>;

bool HttpsConnection::pump(Time now) {
  if (flushed_by_ != kNever) return linger(now);
  stream_.handle_timeout(now);
  if (talk_.pump(now)) return true;
  // Many clients leave without a close_notify once they have what they came for: nothing to complain of.
  const bool gone = stream_.session().was_open() && stream_.error() == Errc::truncated;
  if (const tls::Failure& failure = stream_.session().failure(); failure && !gone) {
    ++site_.counts.insecure;
    if (site_.log_failure) site_.log_failure(failure);
  }
  flushed_by_ = now + site_.limits.linger_time;
  return linger(now);
}

/// Where TCP had no room yet, the last record waits above it.
bool HttpsConnection::linger(Time now) {
  stream_.peek();
  return !stream_.flushed() && now < flushed_by_;
}

Time HttpsConnection::next_timeout() const noexcept {
  if (flushed_by_ != kNever) return flushed_by_;
  return std::min(talk_.next_timeout(), stream_.next_timeout());
}

void HttpAnswers::on_event(http::ServerEvent&& event) {
  if (const auto* head = std::get_if<http::RequestHead>(&event)) {
    on_request(head->request);
  } else if (const auto* part = std::get_if<http::BodyPart>(&event)) {
    if (!upload_) return;
    upload_->digest.add(part->bytes);
    upload_->bytes += part->bytes.size();
  } else if (std::holds_alternative<http::RequestEnd>(event)) {
    if (upload_) finish_upload();
  } else {
    ++site_.counts.refused;
    upload_.reset();
  }
}

void HttpAnswers::on_request(const http::Request& request) {
  ++site_.counts.requests;
  auto found = site_.router.route(request);
  if (const auto* place = std::get_if<const Place*>(&found)) return on_place(**place, request);
  answer(request, std::get<http::Answer>(std::move(found)));
}

void HttpAnswers::on_place(Place place, const http::Request& request) {
  switch (place) {
    case Place::echo: return on_websocket(request, false);
    case Place::chat: return on_websocket(request, true);
    case Place::chat_page: return answer(request, chat_page());
    case Place::uploads: return on_upload(request);
    case Place::files: return answer(request, http::serve_file(request, *site_.files, site_.file_settings));
    case Place::front: break;
  }
  answer(request, {text_response(200, "text/plain; charset=utf-8"), std::string(kFrontPage)});
}

void HttpAnswers::on_websocket(const http::Request& request, bool chat) {
  ws::ServerPolicy policy = site_.websocket_policy;
  // A few bytes from one member must not become much for all the others, faster than they can take it.
  if (chat) policy.deflate.reset();
  ws::ServerAnswer agreed = ws::answer_handshake(request, policy);
  websocket_deflate_ = agreed.deflate;
  if (chat && agreed.accepted()) chat_wish_ = asked_name(request);
  answer(request, {std::move(agreed.response), http::NoBody{}});
}

/// The answer waits for the body's end.
void HttpAnswers::on_upload(const http::Request& request) {
  upload_.emplace();
  if (site_.log) site_.log(request, 200);
}

void HttpAnswers::finish_upload() {
  ++site_.counts.uploads;
  const std::uint64_t bytes = upload_->bytes;
  const std::string body = fmt::format("{{\"bytes\":{},\"sha256\":\"{}\"}}\n", bytes, upload_->digest.finish());
  upload_.reset();
  session_.respond(text_response(200, "application/json"), body);
}

void HttpAnswers::answer(const http::Request& request, http::Answer&& found) {
  if (site_.log) site_.log(request, found.response.status);
  session_.respond(found.response, std::move(found.body));
}

}  // namespace sluice::tools
