// One opening handshake at a time to each remote host, so that nobody can be flooded by a page or a program of ours
// (RFC 6455 4.1 step 2 and 10.3).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::ws {

/// Whoever opens several connections shares one of these among them: join() before connecting, connect when ready(),
/// leave() when the handshake ended, well or not, or when patience did.
class ConnectTurns {
 public:
  using Ticket = std::uint64_t;

  /// `host` is the remote address as text; the name, where a proxy is to resolve it. The port does not matter.
  Ticket join(std::string_view host);

  /// True if nobody who joined earlier for the same host is still there. False for one who left.
  bool ready(Ticket ticket) const noexcept;

  /// Makes room for the next; harmless when repeated.
  void leave(Ticket ticket) noexcept;

 private:
  struct Attempt {
    Ticket ticket;
    std::string host;
  };
  std::vector<Attempt> attempts_;  ///< in the order of joining
  Ticket next_ = 1;
};

}  // namespace sluice::ws
