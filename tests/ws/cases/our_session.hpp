// Our own session over any stream, echoing: what stands under the judge, with TLS between them or without.
#pragma once

#include "stack/base/random.hpp"
#include "tests/ws/cases/subject.hpp"
#include "ws/connection.hpp"
#include "ws/echo.hpp"

namespace sluice::ws::cases {

/// What came of the handshake: permessage-deflate or not.
struct Agreed {
  std::optional<DeflateParameters> deflate = {};
};

/// What our side of the handshake makes of the judge's; nullopt when that is not what the case needs.
std::optional<Agreed> agree_on(Judged role, const Case& judged);

Settings settings_for_cases();

template <ByteStream Lower>
class OurSession : public Subject {
 public:
  OurSession(Lower& stream, Judged role, const Agreed& agreed)
      : connection_(stream, role == Judged::server ? Role::server : Role::client, settings_, &random_, {},
                    agreed.deflate) {}

  bool pump(Time now) override { return connection_.pump(now, Echo()); }

 private:
  Settings settings_ = settings_for_cases();
  Random random_{Key{7}, KeyUse::websocket_mask};
  Connection<Lower> connection_;
};

}  // namespace sluice::ws::cases
