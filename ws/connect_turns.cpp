// The list is as long as there are handshakes under way, so it is simply searched.
#include "ws/connect_turns.hpp"

#include <algorithm>

namespace sluice::ws {

ConnectTurns::Ticket ConnectTurns::join(std::string_view host) {
  attempts_.push_back({next_, std::string(host)});
  return next_++;
}

bool ConnectTurns::ready(Ticket ticket) const noexcept {
  const auto own =
      std::find_if(attempts_.begin(), attempts_.end(), [&](const Attempt& a) { return a.ticket == ticket; });
  if (own == attempts_.end()) return false;
  return std::none_of(attempts_.begin(), own, [&](const Attempt& earlier) { return earlier.host == own->host; });
}

void ConnectTurns::leave(Ticket ticket) noexcept {
  std::erase_if(attempts_, [&](const Attempt& a) { return a.ticket == ticket; });
}

}  // namespace sluice::ws
