// Sockets, descriptors and alarms around a WsTalk.
#include "tools/ws_run.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tools/commands.hpp"
#include "tools/connection_attempts.hpp"
#include "tools/hex.hpp"
#include "tools/standard_streams.hpp"
#include "tools/ws_link.hpp"

namespace sluice::tools {
namespace {

constexpr Duration kFirstPause = std::chrono::milliseconds(500);
constexpr Duration kLongestPause = std::chrono::seconds(30);

void tell(const std::string& sentence) { fmt::print(stderr, "sluice ws: {}\n", printable(sentence)); }

ws::Settings settings_of(const WsOptions& options) {
  ws::Settings settings;
  settings.max_frame = settings.max_message = options.limit;
  settings.check_sent_text = false;  // the input is checked line by line
  if (options.ping) {                // our own Pings ask; silence in spite of them means that nobody is there
    settings.idle_ping = 2 * *options.ping;
    settings.ping_timeout = std::max<Duration>(*options.ping, std::chrono::seconds(1));
  }
  return settings;
}

class WsRun {
 public:
  WsRun(Host& host, const http::Url& url, const std::vector<IpAddress>& addresses, const WsOptions& options)
      : host_(host),
        url_(url),
        addresses_(addresses),
        options_(options),
        settings_(settings_of(options)),
        random_(host.key(), KeyUse::websocket_mask),
        talk_(options.talk),
        input_(host.loop(), STDIN_FILENO, [this] { pump(); }),
        output_(host.loop(), STDOUT_FILENO, [this] { pump(); }) {}

  int code() const noexcept { return code_; }

  void connect() {
    tcp::OpenOptions open;
    open.options.no_delay = true;
    connect_alarm_ = loop().after(options_.connect_timeout, [this] { give_up(); });
    attempts_.emplace(loop(), addresses_, url_.port, open, [this](std::variant<Reached, NotReached> outcome) {
      if (auto* reached = std::get_if<Reached>(&outcome))
        shake_hands(std::move(*reached));
      else
        finish(std::get<NotReached>(outcome).sentence, true);
      pump();
    });
    attempts_->begin();
  }

  /// What wss needs. False: it failed.
  bool make_context() {
    auto made = make_client_context(options_.trust, options_.connect_timeout);
    if (auto* context = std::get_if<tls::ClientContext>(&made)) {
      context_ = std::move(*context);
      return true;
    }
    tell(std::get<tls::Failure>(made).sentence);
    return false;
  }

  /// A signal came, or all is done: a session that is open says Close, and the loop lets it end.
  void stop() {
    stopping_ = true;
    if (!client_ || !client_->session()) return drop();
    talk_.close(*client_->session());
    pump();
  }

 private:
  tun::EventLoop& loop() noexcept { return host_.loop(); }

  void say(const std::string& sentence) const {
    if (options_.verbose) tell(sentence);
  }

  tls::Session tls_session() { return {*context_, {url_.host, host_.unix_time()}, loop().now()}; }

  void shake_hands(Reached reached) {
    auto handshake = ws::ClientHandshake::start(options_.request, random_);
    if (!handshake) return finish(fmt::format("no handshake: {}", describe(handshake.error())), false);
    socket_ = std::move(reached.socket);
    WsBasics basics{std::move(*handshake), settings_, random_};
    client_ = url_.secure() ? link_over_tls(socket_, tls_session(), std::move(basics))
                            : link_over_tcp(socket_, std::move(basics));
    loop().on(socket_, [this](Readiness) { pump(); });
  }

  /// The peer, or whom we look for.
  std::string server() const {
    const auto remote = socket_.remote();
    if (remote) return remote->to_string();
    return addresses_.size() == 1 ? Endpoint{addresses_.front(), url_.port}.to_string() : url_.authority();
  }

  // --- a turn

  void pump() {
    if (!write_output()) return;
    if (client_) converse();
    if (!write_output()) return;
    if (ending_ && talk_.output().waiting().empty()) end();
    arm();
  }

  void converse() {
    talk_.at(loop().now());
    bool over = false;
    bool moved = true;
    while (moved && !over && client_) {
      over = client_->pump(loop().now(), talk_);
      if (!client_->session()) break;
      note_open();
      moved = take_input(*client_->session());
      talk_.speak(*client_->session());
      over = over || client_->pump(loop().now(), talk_);
      moved = drain_output() || moved;
    }
    if (over && client_) conclude();
  }

  void note_open() {
    if (open_) return;
    open_ = true;
    failures_ = 0;
    loop().cancel(connect_alarm_);
    ping_later();
  }

  void ping_later() {
    if (!options_.ping) return;
    ping_alarm_ = loop().after(*options_.ping, [this] {
      if (!client_ || !client_->session()) return;
      talk_.at(loop().now());
      talk_.ping(*client_->session());
      ping_later();
      pump();
    });
  }

  /// True if some came.
  bool take_input(const ws::Session& session) {
    bytes_.resize(std::max(bytes_.size(), talk_.wanted(session)));
    const MutableBytes room = MutableBytes(bytes_).first(talk_.wanted(session));
    if (room.empty()) return false;
    const std::size_t count = input_.read(room);
    if (count > 0) {
      talk_.input().add(Bytes(room).first(count));
    } else if (input_.at_eof()) {
      talk_.input().end();
    } else {
      input_.want();
      return false;
    }
    return true;
  }

  /// False when standard output is closed: then all is over.
  bool write_output() {
    WsOutput& output = talk_.output();
    while (!output.waiting().empty()) {
      const Result<std::size_t> written = output_.write(output.waiting());
      if (!written) {
        if (!ended_) tell("standard output is closed");
        drop();
        code_ = kFailure;
        end();
        return false;
      }
      if (*written == 0) {
        output_.want();
        return true;
      }
      output.written(*written);
    }
    return true;
  }

  /// True if a session that was held up by the output can go on.
  bool drain_output() {
    const bool full = talk_.output().full();
    return full && write_output() && !talk_.output().full() && client_;
  }

  void arm() {
    if (!client_ || ended_) return;
    const Time due = std::min(client_->next_timeout(), talk_.next_timeout());
    if (due >= alarm_.when) return;
    loop().cancel(alarm_);
    alarm_ = loop().at(due, [this] {
      alarm_ = {};
      pump();
    });
  }

  // --- ends

  void give_up() {
    finish(fmt::format("{}: no answer within {}", server(), lab::time_text(options_.connect_timeout)), true);
    pump();
  }

  /// The client says that it is over: why?
  void conclude() {
    const tls::Failure* const insecure = client_->tls_failure();
    if (insecure && client_->failure())
      return finish(fmt::format("no TLS: {}", insecure->sentence), !tls::is_certificate(insecure->fault));
    if (const auto& failure = client_->failure()) {
      const bool may_change = failure->status < 400 || failure->status == 429 || failure->status >= 500;
      const bool reached = failure->status > 0 || failure->refused != ws::Refused::none;
      const std::string who = reached ? "no WebSocket" : server();
      return finish(fmt::format("{}: {}", who, failure->reason), may_change);
    }
    const WsTalk::End end = talk_.end().value_or(WsTalk::End{});
    const std::string said = fmt::format("{}{}{}", ws::number(end.code), end.reason.empty() ? "" : " ", end.reason);
    if (!end.clean) return finish(fmt::format("the connection broke off: {}", said), !end.ours);
    const bool ordinary = end.code == ws::CloseCode::normal || end.code == ws::CloseCode::no_status;
    if (!end.ours && !ordinary)
      tell(fmt::format("the server closed with {}", said));
    else
      say(fmt::format("closed with {}", said));
    const bool comes_back = end.code == ws::CloseCode::going_away || end.code == ws::CloseCode::service_restart ||
                            end.code == ws::CloseCode::try_again_later;
    if (!end.ours && comes_back && retry()) return;
    leave(kSuccess);
  }

  /// A failure: a new attempt, or the end.
  void finish(const std::string& sentence, bool may_change) {
    if (ending_ || ended_) return;
    if (!stopping_) tell(sentence);
    if (may_change && retry()) return;
    leave(kFailure);
  }

  bool retry() {
    if (stopping_ || failures_ >= options_.reconnect) return false;
    drop();
    Duration pause = std::min(kFirstPause * (1 << std::min(failures_, 6u)), kLongestPause);
    pause -= std::chrono::duration_cast<Duration>(pause * random_.unit() / 2);  // many clients must not come at once
    ++failures_;
    say(fmt::format("again in {}", lab::time_text(std::chrono::round<std::chrono::milliseconds>(pause))));
    retry_alarm_ = loop().after(pause, [this] { connect(); });
    return true;
  }

  void leave(int code) {
    drop();
    code_ = talk_.complaints() > 0 ? kFailure : code;
    ending_ = true;
  }

  void drop() {
    for (tun::EventLoop::Alarm* alarm : {&alarm_, &connect_alarm_, &ping_alarm_, &retry_alarm_}) {
      loop().cancel(*alarm);
      *alarm = {};
    }
    attempts_.reset();
    if (socket_) loop().off(socket_);
    client_.reset();
    socket_.close();
    open_ = false;
  }

  void end() {
    if (ended_) return;
    ended_ = true;
    if (!stopping_) loop().stop();
  }

  Host& host_;
  const http::Url& url_;
  std::vector<IpAddress> addresses_;
  const WsOptions& options_;
  ws::Settings settings_;
  Random random_;
  WsTalk talk_;
  Input input_;
  Output output_;
  std::optional<ConnectionAttempts> attempts_;
  tcp::Socket socket_;
  std::optional<tls::ClientContext> context_;  ///< of wss
  std::unique_ptr<WsLink> client_;
  std::vector<std::uint8_t> bytes_;
  tun::EventLoop::Alarm alarm_;
  tun::EventLoop::Alarm connect_alarm_;
  tun::EventLoop::Alarm ping_alarm_;
  tun::EventLoop::Alarm retry_alarm_;
  bool open_ = false;
  unsigned failures_ = 0;  ///< attempts since the last session
  int code_ = kFailure;
  bool stopping_ = false;
  bool ending_ = false;  ///< only output is left
  bool ended_ = false;
};

}  // namespace

int run_ws(Host& host, const http::Url& url, const std::vector<IpAddress>& addresses, WsOptions& options) {
  options.talk.complain = tell;
  if (options.verbose) options.talk.say = tell;
  WsRun run(host, url, addresses, options);
  if (url.secure() && !run.make_context()) return kFailure;
  host.loop().stop_on({SIGINT, SIGTERM});
  host.loop().on_stop([&] { run.stop(); });
  host.loop().defer([&] { run.connect(); });
  const Result<void> result = host.loop().run();
  if (result) return run.code();
  tell(fmt::format("the device is gone: {}", describe(result.error())));
  return kFailure;
}

}  // namespace sluice::tools
