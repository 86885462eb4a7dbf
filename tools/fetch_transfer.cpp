// Requests and answers of one URL; what follows an answer waits for the loop, as a connection must not end in its call.
#include "tools/fetch_transfer.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "http/head_writer.hpp"
#include "tools/commands.hpp"
#include "tools/fetch_codes.hpp"
#include "tools/progress.hpp"

namespace sluice::tools {
namespace {

constexpr std::uint64_t kSkippedBody = 65536;  // of a redirect: more costs more than a new connection
constexpr Duration kProgressEvery = std::chrono::milliseconds(200);

std::string head_text(const http::ReceivedResponse& received) {
  const int status = received.response.status;
  std::string text = fmt::format("HTTP/1.{} {} {}\r\n", received.minor_version, status, http::reason_phrase(status));
  for (const http::Field& field : received.response.fields) text += field.name + ": " + field.value + "\r\n";
  return text + "\r\n";
}

std::uint64_t size_on_wire(const http::Request& request) {
  std::string text;
  (void)http::write_request_line(text, request.method, request.target);
  http::write_fields(text, request.fields);
  return text.size() + 2;
}

std::size_t terminal_width() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1u : 79u;
}

}  // namespace

FetchTransfer::FetchTransfer(Host& host, FetchPool& pool, const FetchOptions& options, const FetchTarget& target,
                             std::function<void(int)> ended)
    : host_(host),
      pool_(pool),
      options_(options),
      ended_(std::move(ended)),
      trail_(target.url, options.max_redirects),
      output_(host.loop(), target.file,
              [this] {
                if (connection_ && !over_) connection_->pump();
              }),
      began_(host.loop().now() - target.resolving) {
  record_.url = target.text;
  record_.method = options.head ? "HEAD" : "GET";
  record_.file = target.file;
}

void FetchTransfer::begin() {
  if (options_.resume) partial_ = output_.partial();
  limit_ = host_.loop().after(options_.limit, [this] {
    limit_ = {};
    fail(kTooSlow, fmt::format("not done within {}", lab::time_text(options_.limit)));
  });
  if (output_.is_file() && !options_.quiet && ::isatty(STDERR_FILENO) == 1) show_progress(false);
  send();
}

void FetchTransfer::break_off() noexcept {
  over_ = true;
  connection_ = nullptr;
}

void FetchTransfer::send() {
  if (over_) return;
  pool_.prepare(trail_.now(), [this] { ask(); });
}

void FetchTransfer::ask() {
  if (over_) return;
  answered_ = leaving_ = redirecting_ = skips_body_ = false;
  const auto reached = pool_.connection_to(trail_.now());
  if (const auto* failure = std::get_if<FetchFailure>(&reached)) return fail(failure->code, failure->sentence);
  const FetchPool::Lent& lent = std::get<FetchPool::Lent>(reached);
  connection_ = lent.connection;
  if (lent.made) {
    record_.resolved = since_begin();
    record_.connected.reset();
    record_.secured.reset();
    ++record_.connects;
  }
  const http::Request head = request();
  record_.request_bytes += size_on_wire(head);
  connection_->ask(head, *this);
}

http::Request FetchTransfer::request() const {
  http::Request head;
  head.method = record_.method;
  head.target = trail_.now().target;
  const http::Fields given = http::fields_for(trail_.first(), trail_.now(), options_.fields);
  const auto add = [&](const std::string& name, const std::string& value) {
    const auto is_name = [&](const std::string& other) { return http::iequals(other, name); };
    if (given.count(name) == 0 && std::none_of(options_.without.begin(), options_.without.end(), is_name))
      head.fields.add(name, value);
  };
  add("Host", trail_.now().authority());
  add("User-Agent", std::string("sluice/") + SLUICE_VERSION);
  add("Accept", "*/*");
  if (!options_.range.empty()) add("Range", "bytes=" + options_.range);
  if (partial_.size > 0) {
    add("Range", fmt::format("bytes={}-", partial_.size));
    if (!partial_.validator.empty()) add("If-Range", partial_.validator);
  }
  for (const http::Field& field : given) head.fields.add(field.name, field.value);
  return head;
}

bool FetchTransfer::has_room() {
  if (output_.flush()) return true;
  if (output_.failed()) fail(kWriteFailed, output_.error());
  return false;
}

void FetchTransfer::on_head(const http::ReceivedResponse& received) {
  answered_ = true;
  record_.response = received.response;
  record_.first_byte = since_begin();
  record_.bytes = 0;
  note_times();
  const std::string text = head_text(received);
  record_.head_bytes += text.size();
  expected_ = received.content_length;
  redirecting_ = options_.location && http::is_redirect(received.response.status);
  const bool beyond = partial_.size > 0 && received.response.status == 416;  // perhaps all is here
  const bool refused = options_.fail && received.response.status >= 400 && !beyond;
  skips_body_ = redirecting_ || refused || !writes();
  if (!redirecting_ && !refused && !open_output(received.response)) return;
  const bool shows_head = (options_.include || options_.head) && writes();
  if (!shows_head) return;
  if (!output_.open(false)) return fail(kWriteFailed, output_.error());
  output_.take(as_bytes(text));
}

/// False: the body doesn't go there.
bool FetchTransfer::open_output(const http::Response& response) {
  bool append = false;
  record_.resumed_from = partial_.size;
  if (partial_.size > 0) {
    switch (judge_resumption(partial_, response)) {
      case Resumption::append: append = true; break;
      case Resumption::anew:
        say(fmt::format("{} is another file by now, and begins anew", output_.path()));
        partial_ = {};
        record_.resumed_from = 0;
        break;
      case Resumption::complete: skips_body_ = true; return false;
      case Resumption::refused:
        fail(response.status >= 400 && response.status != 416 ? kHttpError : kNotResumed,
             fmt::format("the server's {} does not go on with the {} bytes of {}", response.status, partial_.size,
                         output_.path()));
        return false;
    }
  }
  if (!writes() || options_.head) return true;
  if (!output_.open(append)) {
    fail(kWriteFailed, output_.error());
    return false;
  }
  if (output_.is_file() && !append) remember_validator(output_.descriptor(), strong_validator(response));
  return true;
}

void FetchTransfer::on_body(Bytes bytes) {
  if (over_) return;
  record_.bytes += bytes.size();
  if (!skips_body_) return output_.take(bytes);
  if (!redirecting_ || leaving_ || record_.bytes <= kSkippedBody) return;
  leaving_ = true;
  connection_->forget();
  host_.loop().defer([this] {
    pool_.drop();
    connection_ = nullptr;
    follow();
  });
}

void FetchTransfer::on_done() {
  if (over_) return;
  if (redirecting_)
    host_.loop().defer([this] { follow(); });
  else
    finish();
}

void FetchTransfer::follow() {
  if (over_) return;
  const bool was_secure = trail_.now().secure();
  const auto next = trail_.follow(*record_.response);
  if (const auto* error = std::get_if<http::RedirectError>(&next)) {
    const bool unreadable = error->kind == http::RedirectError::Kind::bad_location;
    return fail(unreadable ? kNoUrl : kTooManyRedirects, error->message);
  }
  const http::Url& url = std::get<http::Url>(next);
  if (url.secure() != was_secure && url.scheme.starts_with("http"))
    say(fmt::format("the redirect leads {}: {}",
                    was_secure ? "from https to http, where all is readable on the way" : "from http to https",
                    url.text()));
  record_.method = http::redirected_method(record_.method, record_.response->status);
  record_.redirects = trail_.steps();
  record_.redirect = since_begin();
  repeated_ = false;
  send();
}

/// A server may close a kept connection just when the next request is under way: that one is sent again, once (RFC 9112
/// 9.3.1).
void FetchTransfer::on_failed(int code, const std::string& sentence) {
  if (over_) return;
  note_times();
  const bool stale = connection_->requests() > 1 && !answered_ && !repeated_;
  if (!stale) return fail(code, sentence);
  repeated_ = true;
  host_.loop().defer([this] {
    pool_.drop();
    connection_ = nullptr;
    send();
  });
}

void FetchTransfer::finish() {
  const int status = record_.response->status;
  const bool complete = partial_.size > 0 && status == 416;
  if (options_.fail && status >= 400 && !complete)
    return fail(kHttpError, fmt::format("the server answers {}", status));
  if (output_.descriptor() >= 0) forget_validator(output_.descriptor());
  end(kSuccess);
}

void FetchTransfer::fail(int code, const std::string& sentence) {
  if (over_) return;
  record_.error = sentence;
  end(code);
}

void FetchTransfer::end(int code) {
  over_ = true;
  record_.code = code;
  if (!output_.failed()) (void)output_.flush();  // what came before a failure is kept
  host_.loop().cancel(limit_);
  if (progress_ != tun::EventLoop::Alarm{}) show_progress(true);
  if (!record_.error.empty() && !options_.quiet_errors) fmt::print(stderr, "sluice get: {}\n", record_.error);
  if (connection_) connection_->forget();
  record_.total = since_begin();
  record_.final_url = trail_.now().text();
  if (options_.json) {
    fmt::print("{}\n", fetch_report(record_, connection_));
    std::fflush(stdout);
  }
  connection_ = nullptr;
  ended_(code);
}

void FetchTransfer::say(const std::string& sentence) const {
  if (!options_.quiet) fmt::print(stderr, "sluice get: {}\n", sentence);
}

/// When the connection got so far; nothing of one that an earlier transfer made.
void FetchTransfer::note_times() {
  if (record_.connects == 0) return;
  if (const auto at = connection_->connected_at()) record_.connected = *at - began_;
  if (const auto at = connection_->secured_at()) record_.secured = *at - began_;
}

void FetchTransfer::show_progress(bool last) {
  Progress progress{record_.resumed_from, record_.resumed_from, std::nullopt, since_begin()};
  if (!skips_body_ && !redirecting_) {
    progress.here += record_.bytes;
    if (expected_) progress.whole = record_.resumed_from + *expected_;
  }
  const std::string line = progress_line(progress, terminal_width());
  fmt::print(stderr, "\r\x1b[K{}{}", line, last ? "\n" : "");
  std::fflush(stderr);
  host_.loop().cancel(progress_);
  progress_ = {};
  if (!last)
    progress_ = host_.loop().after(kProgressEvery, [this] {
      if (!over_) show_progress(false);
    });
}

Duration FetchTransfer::since_begin() const { return host_.loop().now() - began_; }

}  // namespace sluice::tools
