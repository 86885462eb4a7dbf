// A client session over a socket, its body to a descriptor; what the descriptor can't take yet holds the stream up.
#include "tools/fetch.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "http/client_session.hpp"
#include "http/driver.hpp"
#include "http/tls/stream.hpp"
#include "tools/certificates.hpp"
#include "tools/commands.hpp"
#include "tools/report.hpp"
#include "tools/standard_streams.hpp"
#include "tun/error.hpp"

namespace sluice::tools {
namespace {

// curl's.
constexpr int kConnectFailed = 7;
constexpr int kBrokenOff = 18;
constexpr int kHttpError = 22;
constexpr int kWriteFailed = 23;
constexpr int kTooSlow = 28;
constexpr int kNoTls = 35;
constexpr int kNoAnswer = 52;
constexpr int kConnectionFailed = 56;
constexpr int kNotBelieved = 60;
constexpr int kNoTrust = 77;

double milliseconds(Duration time) { return static_cast<double>(time.count()) / 1e6; }

class Fetch {
 public:
  Fetch(Host& host, const http::Url& url, const FetchOptions& options)
      : host_(host), url_(url), options_(options), began_(host.loop().now()) {
    if (!options.output.empty()) {
      file_ = tun::Fd(::open(options.output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
      if (!file_) fail(kWriteFailed, fmt::format("cannot write {}: {}", options.output, tun::errno_text(errno)));
    }
    const int fd = file_ ? file_.number() : STDOUT_FILENO;
    output_ = std::make_unique<Output>(host.loop(), fd, [this] { pump(); });
  }

  int code() const noexcept { return code_; }

  void connect(const Endpoint& server) {
    if (ended_) return;
    server_ = server;
    if (url_.secure() && !make_context()) return;
    Result<tcp::Socket> socket = host_.stack().connect(server);
    if (!socket) return fail(kConnectFailed, fmt::format("cannot connect: {}", describe(socket.error())));
    socket_ = std::move(*socket);
    session_.request(request());
    host_.loop().on(socket_, [this](Readiness) { pump(); });
    host_.loop().after(options_.limit,
                       [this] { fail(kTooSlow, fmt::format("not done within {}", lab::time_text(options_.limit))); });
  }

  void close() {
    if (socket_) host_.loop().off({SocketKind::tcp, socket_.id()});
    if (tls_) tls_->finish();
    socket_.close();
  }

 private:
  http::Request request() const {
    http::Request head;
    head.method = "GET";
    head.target = url_.target;
    head.fields.add("Host", url_.authority());
    head.fields.add("User-Agent", std::string("sluice/") + SLUICE_VERSION);
    head.fields.add("Accept", "*/*");
    head.fields.add("Connection", "close");
    return head;
  }

  /// What TLS needs to begin. False: it failed.
  bool make_context() {
    tls::Settings settings;
    settings.protocols = {"http/1.1"};
    settings.key_log = key_log_of_environment();
    settings.handshake_time = options_.limit;
    auto made = tls::ClientContext::make({.certificates = options_.trusted, .verify = !options_.insecure}, settings);
    if (const auto* failure = std::get_if<tls::Failure>(&made)) {
      fail(kNoTrust, failure->sentence);
      return false;
    }
    context_ = std::get<tls::ClientContext>(std::move(made));
    return true;
  }

  void begin_tls() {
    const auto since_1970 = host_.loop().now().time_since_epoch() + host_.wall_offset();
    const tls::Target target{url_.host, std::chrono::floor<std::chrono::seconds>(since_1970).count()};
    tls_.emplace(socket_, tls::Session(*context_, target, host_.loop().now()));
  }

  void pump() {
    if (ended_ || !socket_) return;
    if (socket_.state() == tcp::State::syn_sent) return;
    if (!connected_at_ && socket_.error() == Errc::none) {
      connected_at_ = host_.loop().now();
      if (context_) begin_tls();
    }
    if (!connected_at_)
      return fail(socket_.error() == Errc::timed_out ? kTooSlow : kConnectFailed,
                  fmt::format("{}: {}", server_.to_string(), describe(socket_.error())));
    if (!write_body()) return;
    drive();
    if (!write_body()) return;
    if (done_) return finish();
    if (tls_ && tls_->session().failure()) return fail_tls(tls_->session().failure());
    if (!ended_ && socket_.error() != Errc::none && socket_.readable() == 0)
      return fail(lost_code(), std::string(describe(socket_.error())));
    arm();
  }

  void drive() {
    const Time now = host_.loop().now();
    const auto hear = [this](http::ClientEvent&& event) { on_event(event); };
    if (!tls_) {
      http::drive(socket_, session_, now, hear);
      return;
    }
    tls_->handle_timeout(now);
    http::drive(*tls_, session_, now, hear);
  }

  void fail_tls(const tls::Failure& failure) {
    const int code = tls_->session().was_open() ? kConnectionFailed : kNoTls;
    fail(tls::is_certificate(failure.fault) ? kNotBelieved : code, failure.sentence);
  }

  int lost_code() const { return tls_ && !tls_->session().was_open() ? kNoTls : kConnectionFailed; }

  void arm() {
    const Time due = tls_ ? std::min(session_.next_timeout(), tls_->next_timeout()) : session_.next_timeout();
    if (ended_ || due >= alarm_.when) return;
    host_.loop().cancel(alarm_);
    alarm_ = host_.loop().at(due, [this] {
      alarm_ = {};
      pump();
    });
  }

  void on_event(const http::ClientEvent& event) {
    if (const auto* head = std::get_if<http::ResponseHead>(&event)) {
      first_byte_at_ = host_.loop().now();
      response_ = head->received.response;
      if (options_.include) take(as_bytes(head_text(head->received)));
    } else if (const auto* part = std::get_if<http::BodyPart>(&event)) {
      bytes_ += part->bytes.size();
      if (!options_.json || file_) take(part->bytes);
    } else if (std::holds_alternative<http::ResponseEnd>(event)) {
      done_ = true;
    } else if (const auto* failed = std::get_if<http::Failed>(&event)) {
      const int code = !response_ ? kNoAnswer : kBrokenOff;
      const bool lost = socket_.error() != Errc::none;
      fail(lost ? lost_code() : code, std::string(lost ? describe(socket_.error()) : failed->reason));
    }
  }

  static std::string head_text(const http::ReceivedResponse& received) {
    const int status = received.response.status;
    std::string text = fmt::format("HTTP/1.{} {} {}\r\n", received.minor_version, status, http::reason_phrase(status));
    for (const http::Field& field : received.response.fields) text += field.name + ": " + field.value + "\r\n";
    return text + "\r\n";
  }

  void take(Bytes bytes) { waiting_.insert(waiting_.end(), bytes.begin(), bytes.end()); }

  /// True when everything so far is written.
  bool write_body() {
    if (waiting_.empty()) return true;
    const Result<std::size_t> written = output_->write(waiting_);
    if (!written) {
      fail(kWriteFailed, "the output is closed");
      return false;
    }
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(*written));
    if (!waiting_.empty()) output_->want();
    return waiting_.empty();
  }

  void finish() {
    if (ended_) return;
    if (options_.json) fmt::print("{}\n", summary().dump());
    const bool refused = options_.fail && response_->status >= 400;
    if (refused) return fail(kHttpError, fmt::format("the server answers {}", response_->status));
    end(kSuccess);
  }

  Json summary() const {
    Json fields = Json::object();
    for (const http::Field& field : response_->fields) fields[field.name] = field.value;
    Json report{{"url", options_.url},
                {"status", response_->status},
                {"fields", std::move(fields)},
                {"bytes", bytes_},
                {"connect_ms", milliseconds(*connected_at_ - began_)},
                {"first_byte_ms", milliseconds(*first_byte_at_ - began_)},
                {"total_ms", milliseconds(host_.loop().now() - began_)}};
    if (tls_)
      report["tls"] = {{"version", tls_->session().version()},
                       {"cipher", tls_->session().cipher()},
                       {"protocol", tls_->session().protocol()}};
    if (const auto info = socket_.info()) {
      const Json socket = socket_report(*info);
      report["local"] = socket.at("local");
      report["remote"] = socket.at("remote");
      if (socket.contains("info")) report["tcp"] = socket["info"];
    }
    return report;
  }

  void fail(int code, const std::string& sentence) {
    if (ended_) return;
    fmt::print(stderr, "sluice get: {}\n", sentence);
    end(code);
  }

  void end(int code) {
    if (ended_) return;
    ended_ = true;
    code_ = code;
    host_.loop().stop();
  }

  Host& host_;
  const http::Url& url_;
  const FetchOptions& options_;
  Time began_;
  tun::Fd file_;
  std::unique_ptr<Output> output_;
  std::vector<std::uint8_t> waiting_;  ///< at most what the receive buffer held
  Endpoint server_;
  tcp::Socket socket_;
  std::optional<tls::ClientContext> context_;  ///< of https
  std::optional<tls::Stream<tcp::Socket>> tls_;
  http::ClientSession session_;
  tun::EventLoop::Alarm alarm_;
  std::optional<http::Response> response_;
  std::optional<Time> connected_at_;
  std::optional<Time> first_byte_at_;
  std::uint64_t bytes_ = 0;
  int code_ = kFailure;
  bool done_ = false;
  bool ended_ = false;
};

}  // namespace

int run_fetch(Host& host, const http::Url& url, const IpAddress& address, const FetchOptions& options) {
  Fetch fetch(host, url, options);
  fetch.connect({address, url.port});
  host.loop().stop_on({SIGINT, SIGTERM});
  host.loop().on_stop([&] { fetch.close(); });
  const Result<void> result = host.loop().run();
  if (result) return fetch.code();
  fmt::print(stderr, "sluice get: the device is gone: {}\n", describe(result.error()));
  return kFailure;
}

}  // namespace sluice::tools
