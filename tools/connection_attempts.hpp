// A connection to whichever of a name's addresses answers (RFC 8305): one attempt after another, and the first that
// succeeds is taken.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "stack/tcp/socket.hpp"
#include "stack/wire/address.hpp"
#include "tun/event_loop.hpp"

namespace sluice::tools {

struct Reached {
  tcp::Socket socket;  ///< established; nobody listens to it yet
  Endpoint remote;
};
struct NotReached {
  Errc error = Errc::none;  ///< of the attempt that failed last
  std::string sentence;     ///< what became of each
};

/// Belongs to the loop's thread. The next attempt begins when the last one fails, or does not succeed in time; those
/// that are under way go on. When this object goes, they are given up.
class ConnectionAttempts {
 public:
  static constexpr Duration kDelay = std::chrono::milliseconds(250);  ///< RFC 8305 5 and 8
  static constexpr std::size_t kMaximum = 8;                          ///< addresses; further ones are not tried

  /// Called once, never from begin(). It may destroy the attempts.
  using Done = std::function<void(std::variant<Reached, NotReached>)>;

  /// `addresses`: the best first. REQUIRES one. `loop` outlives this object.
  ConnectionAttempts(tun::EventLoop& loop, const std::vector<IpAddress>& addresses, std::uint16_t port,
                     const tcp::OpenOptions& options, Done done);
  ~ConnectionAttempts();
  ConnectionAttempts(const ConnectionAttempts&) = delete;
  ConnectionAttempts& operator=(const ConnectionAttempts&) = delete;

  void begin() { arm(Duration(0)); }

 private:
  struct Attempt {
    tcp::Socket socket;
    Endpoint remote;
  };

  void arm(Duration delay);
  void start_next();
  void look(std::size_t number);
  void note_failure(const Endpoint& remote, Errc error);
  void finish(std::variant<Reached, NotReached> outcome);

  tun::EventLoop& loop_;
  std::vector<Endpoint> remotes_;
  tcp::OpenOptions options_;
  Done done_;
  std::vector<Attempt> attempts_;  ///< in the order of remotes_; those that failed have no socket
  std::size_t failed_ = 0;
  NotReached failure_;
  tun::EventLoop::Alarm alarm_;
};

}  // namespace sluice::tools
