// A client session over a socket; what its user can't take yet holds the stream up.
#include "tools/fetch_connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "http/driver.hpp"
#include "tools/fetch_codes.hpp"

namespace sluice::tools {

FetchConnection::FetchConnection(Host& host, const http::Url& origin, const tls::ClientContext* context)
    : host_(host), origin_(origin), context_(context) {}

FetchConnection::~FetchConnection() {
  host_.loop().cancel(alarm_);
  if (!socket_) return;
  host_.loop().off(socket_);
  if (tls_) tls_->finish();
  socket_.close();
}

void FetchConnection::connect(const std::vector<IpAddress>& addresses, std::uint16_t port) {
  attempts_.emplace(host_.loop(), addresses, port, tcp::OpenOptions{},
                    [this](std::variant<Reached, NotReached> outcome) { note_outcome(std::move(outcome)); });
  attempts_->begin();
}

void FetchConnection::ask(const http::Request& request, FetchUser& user) {
  user_ = &user;
  ++requests_;
  head_seen_ = done_ = false;
  session_.request(request);
  pump();
}

bool FetchConnection::serves(const http::Url& url) const {
  return !user_ && socket_ && session_.idle() && socket_.error() == Errc::none && http::same_origin(origin_, url);
}

void FetchConnection::pump() {
  if (!socket_) return;
  if (user_ && !user_->has_room()) return;
  drive();
  settle();
  arm();
}

void FetchConnection::note_outcome(std::variant<Reached, NotReached> outcome) {
  if (const auto* failure = std::get_if<NotReached>(&outcome))
    return fail(failure->error == Errc::timed_out ? kTooSlow : kConnectFailed, failure->sentence);
  socket_ = std::move(std::get<Reached>(outcome).socket);
  connected_at_ = host_.loop().now();
  if (context_) begin_tls();
  host_.loop().on(socket_, [this](Readiness) { pump(); });
  pump();
}

void FetchConnection::begin_tls() {
  tls_.emplace(socket_, tls::Session(*context_, {origin_.host, host_.unix_time()}, host_.loop().now()));
}

void FetchConnection::drive() {
  const Time now = host_.loop().now();
  const auto on_event = [this](http::ClientEvent&& event) { hear(event); };
  if (!tls_) {
    http::drive(socket_, session_, now, on_event);
    return;
  }
  tls_->handle_timeout(now);
  http::drive(*tls_, session_, now, on_event);
  if (!secured_at_ && tls_->session().was_open()) secured_at_ = now;
}

void FetchConnection::hear(const http::ClientEvent& event) {
  if (!user_) return;
  if (const auto* head = std::get_if<http::ResponseHead>(&event)) {
    head_seen_ = true;
    user_->on_head(head->received);
  } else if (const auto* part = std::get_if<http::BodyPart>(&event)) {
    user_->on_body(part->bytes);
  } else if (std::holds_alternative<http::ResponseEnd>(event)) {
    done_ = true;
  } else if (const auto* failed = std::get_if<http::Failed>(&event)) {
    const bool lost = socket_.error() != Errc::none;
    const int code = head_seen_ ? kBrokenOff : kNoAnswer;
    fail(lost ? lost_code() : code, std::string(lost ? describe(socket_.error()) : failed->reason));
  }
}

/// What the turn has come to, once the user has put everything away.
void FetchConnection::settle() {
  if (!user_ || !user_->has_room() || !user_) return;
  if (done_) return std::exchange(user_, nullptr)->on_done();
  if (tls_ && tls_->session().failure()) {
    const tls::Failure& failure = tls_->session().failure();
    return fail(tls::is_certificate(failure.fault) ? kNotBelieved : lost_code(), failure.sentence);
  }
  if (socket_.error() != Errc::none && socket_.readable() == 0)
    fail(lost_code(), std::string(describe(socket_.error())));
}

int FetchConnection::lost_code() const { return tls_ && !tls_->session().was_open() ? kNoTls : kConnectionFailed; }

void FetchConnection::arm() {
  const Time due = tls_ ? std::min(session_.next_timeout(), tls_->next_timeout()) : session_.next_timeout();
  if (!user_ || due >= alarm_.when) return;
  host_.loop().cancel(alarm_);
  alarm_ = host_.loop().at(due, [this] {
    alarm_ = {};
    pump();
  });
}

void FetchConnection::fail(int code, const std::string& sentence) {
  if (user_) std::exchange(user_, nullptr)->on_failed(code, sentence);
}

}  // namespace sluice::tools
