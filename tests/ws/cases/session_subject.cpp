// Our own session under the judge: the only file here that knows ws/.
#include "tests/ws/cases/subject.hpp"
#include "ws/connection.hpp"
#include "ws/echo.hpp"

namespace sluice::ws::cases {
namespace {

class SessionSubject : public Subject {
 public:
  SessionSubject(Stream& stream, Role role, Settings settings)
      : settings_(settings), connection_(stream, role, settings_, &random_) {}

  bool pump(Time now) override { return connection_.pump(now, Echo()); }

 private:
  Settings settings_;
  Random random_{Key{7}, KeyUse::websocket_mask};
  Connection<Stream> connection_;
};

}  // namespace

std::unique_ptr<Subject> make_session(Stream& stream, Judged role, const Case& judged) {
  if (judged.deflate) return nullptr;  // no session of ours would agree
  Settings settings;
  settings.max_fragments = 1u << 17;  // 9.3.1 and 9.4.1 send 65536; the default is a limit of ours, not of the protocol
  return std::make_unique<SessionSubject>(stream, role == Judged::server ? Role::server : Role::client, settings);
}

}  // namespace sluice::ws::cases
