// Our own session under the judge: the only file here that knows ws/.
#include "tests/ws/cases/subject.hpp"
#include "ws/connection.hpp"
#include "ws/echo.hpp"

namespace sluice::ws::cases {
namespace {

class SessionSubject : public Subject {
 public:
  SessionSubject(Stream& stream, Role role, Settings settings, const std::optional<DeflateParameters>& agreed)
      : settings_(settings), connection_(stream, role, settings_, &random_, {}, agreed) {}

  bool pump(Time now) override { return connection_.pump(now, Echo()); }

 private:
  Settings settings_;
  Random random_{Key{7}, KeyUse::websocket_mask};
  Connection<Stream> connection_;
};

/// What our side of the handshake makes of the judge's offer, or of its answer to our own.
std::optional<DeflateParameters> agree(Judged role, const Case& judged) {
  constexpr DeflatePolicy kEverything = {{15, true}, {15, true}};
  const auto said = parse_extensions(role == Judged::server ? judged.offer : judged.answer);
  if (!said || said->empty()) return std::nullopt;
  if (role == Judged::client) return judge_deflate(said->front(), kEverything);
  const auto choice = choose_deflate(*said, kEverything);
  return choice ? std::optional(choice->parameters) : std::nullopt;
}

/// The same as the case has it.
DeflateParameters expected(Judged role, const DeflateTerms& terms) {
  const DeflateWindow judged{static_cast<std::uint8_t>(terms.judged_bits), terms.judged_takeover};
  const DeflateWindow judge{static_cast<std::uint8_t>(terms.judge_bits), terms.judge_takeover};
  return role == Judged::server ? DeflateParameters{judged, judge} : DeflateParameters{judge, judged};
}

}  // namespace

std::unique_ptr<Subject> make_session(Stream& stream, Judged role, const Case& judged) {
  std::optional<DeflateParameters> agreed;
  if (judged.deflate) agreed = agree(role, judged);
  if (judged.deflate && agreed != expected(role, *judged.deflate)) return nullptr;
  Settings settings;
  settings.deflate_min = 0;
  settings.max_fragments = 1u << 17;  // 9.3.1 and 9.4.1 send 65536; the default is a limit of ours, not of the protocol
  return std::make_unique<SessionSubject>(stream, role == Judged::server ? Role::server : Role::client, settings,
                                          agreed);
}

}  // namespace sluice::ws::cases
