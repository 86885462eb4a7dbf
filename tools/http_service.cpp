// Routes, and the change from HTTP to WebSocket on one connection.
#include "tools/http_service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "http/driver.hpp"
#include "http/static_files.hpp"
#include "tools/chat_page.hpp"
#include "ws/utf8.hpp"

namespace sluice::tools {
namespace {

constexpr std::string_view kFrontPage =
    "This is sluice: HTTP/1.1 over a TCP of its own, in user space.\n"
    "It serves no files (see --root).\n";

/// `path` is `place` or below it.
bool is_under(std::string_view path, std::string_view place) {
  return !place.empty() && path.starts_with(place) && (path.size() == place.size() || path[place.size()] == '/');
}

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
  const std::string path = request.path().value_or("");
  if (on_websocket(request, path) || on_chat_page(request, path)) return;
  if (is_under(path, site_.upload_path)) return on_upload(request);
  if (site_.files) {
    http::Answer found = http::serve_file(request, *site_.files);
    return answer(request, found.response, std::move(found.body));
  }
  const bool front = path == "/" && (request.method == "GET" || request.method == "HEAD");
  if (front) return answer(request, text_response(200, "text/plain; charset=utf-8"), std::string(kFrontPage));
  http::Answer missing = http::status_answer(404);
  answer(request, missing.response, std::move(missing.body));
}

/// True when it was answered.
bool HttpAnswers::on_websocket(const http::Request& request, const std::string& path) {
  const bool echo = !site_.websocket_path.empty() && path == site_.websocket_path;
  const bool chat = site_.chat && path == site_.chat_path + "/ws";
  if (!echo && !chat) return false;
  ws::ServerPolicy policy = site_.websocket_policy;
  // A few bytes from one member must not become much for all the others, faster than they can take it.
  if (chat) policy.deflate.reset();
  const ws::ServerAnswer agreed = ws::answer_handshake(request, policy);
  websocket_deflate_ = agreed.deflate;
  if (chat && agreed.accepted()) chat_wish_ = asked_name(request);
  answer(request, agreed.response);
  return true;
}

bool HttpAnswers::on_chat_page(const http::Request& request, const std::string& path) {
  if (!site_.chat || (path != site_.chat_path && path != site_.chat_path + "/")) return false;
  http::Answer page = chat_page(request);
  answer(request, page.response, std::move(page.body));
  return true;
}

/// The answer waits for the body's end.
void HttpAnswers::on_upload(const http::Request& request) {
  if (request.method == "PUT" || request.method == "POST") {
    upload_.emplace();
    if (site_.log) site_.log(request, 200);
    return;
  }
  http::Answer refusal = http::status_answer(405);
  refusal.response.fields.add("Allow", "PUT, POST");
  answer(request, refusal.response, std::move(refusal.body));
}

void HttpAnswers::finish_upload() {
  ++site_.counts.uploads;
  const std::uint64_t bytes = upload_->bytes;
  const std::string body = fmt::format("{{\"bytes\":{},\"sha256\":\"{}\"}}\n", bytes, upload_->digest.finish());
  upload_.reset();
  session_.respond(text_response(200, "application/json"), body);
}

void HttpAnswers::answer(const http::Request& request, const http::Response& response, http::Body body) {
  if (site_.log) site_.log(request, response.status);
  session_.respond(response, std::move(body));
}

}  // namespace sluice::tools
