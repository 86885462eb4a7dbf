// The smallest application: every message goes back as it came.
#pragma once

#include "ws/session.hpp"

namespace sluice::ws {

/// A handler for Connection::pump. A message that arrived at once costs one copy, from the stream's bytes to the
/// outgoing chunk; a longer one is sent on as it comes, in frames of Settings::fragment_size.
struct Echo {
  void operator()(const Event& event, Session& session) const;
  bool ready(const Session& session) const noexcept { return session.writable() > 0; }
};

}  // namespace sluice::ws
