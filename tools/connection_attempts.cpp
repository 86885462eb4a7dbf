// One alarm: the next attempt, or the end.
#include "tools/connection_attempts.hpp"

#include <fmt/format.h>

#include <utility>

#include "tools/address_order.hpp"

namespace sluice::tools {

ConnectionAttempts::ConnectionAttempts(tun::EventLoop& loop, const std::vector<IpAddress>& addresses,
                                       std::uint16_t port, const tcp::OpenOptions& options, Done done)
    : loop_(loop), options_(options), done_(std::move(done)) {
  for (const IpAddress& address : interleave_families(addresses))
    if (remotes_.size() < kMaximum) remotes_.push_back({address, port});
}

ConnectionAttempts::~ConnectionAttempts() {
  loop_.cancel(alarm_);
  for (const Attempt& attempt : attempts_)
    if (attempt.socket) loop_.off(attempt.socket);
}

void ConnectionAttempts::arm(Duration delay) {
  loop_.cancel(alarm_);
  alarm_ = loop_.after(delay, [this] { start_next(); });
}

void ConnectionAttempts::start_next() {
  if (failed_ == remotes_.size()) return finish(std::move(failure_));
  if (attempts_.size() == remotes_.size()) return;
  const std::size_t number = attempts_.size();
  const Endpoint remote = remotes_[number];
  Result<tcp::Socket> socket = loop_.stack().connect(remote, options_);
  if (!socket) {
    attempts_.push_back({{}, remote});
    return note_failure(remote, socket.error());
  }
  attempts_.push_back({*std::move(socket), remote});
  loop_.on(attempts_.back().socket, [this, number](Readiness) { look(number); });
  arm(kDelay);
}

void ConnectionAttempts::look(std::size_t number) {
  Attempt& attempt = attempts_[number];
  if (attempt.socket.error() != Errc::none) {
    const Errc error = attempt.socket.error();
    loop_.off(attempt.socket);
    attempt.socket.close();
    return note_failure(attempt.remote, error);
  }
  const tcp::State state = attempt.socket.state();
  if (state == tcp::State::syn_sent || state == tcp::State::syn_received) return;
  loop_.off(attempt.socket);
  finish(Reached{std::move(attempt.socket), attempt.remote});
}

void ConnectionAttempts::note_failure(const Endpoint& remote, Errc error) {
  ++failed_;
  failure_.error = error;
  failure_.sentence +=
      fmt::format("{}{}: {}", failure_.sentence.empty() ? "" : "; ", remote.to_string(), describe(error));
  arm(Duration(0));
}

/// Nothing of this object may be touched after the call.
void ConnectionAttempts::finish(std::variant<Reached, NotReached> outcome) {
  loop_.cancel(alarm_);
  for (Attempt& attempt : attempts_) {
    if (!attempt.socket) continue;
    loop_.off(attempt.socket);
    attempt.socket.close();
  }
  const Done done = std::exchange(done_, nullptr);
  done(std::move(outcome));
}

}  // namespace sluice::tools
