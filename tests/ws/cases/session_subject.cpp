// Our own session under the judge, without TLS.
#include "tests/ws/cases/our_session.hpp"

namespace sluice::ws::cases {
namespace {

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

std::optional<Agreed> agree_on(Judged role, const Case& judged) {
  if (!judged.deflate) return Agreed{};
  const auto agreed = agree(role, judged);
  if (agreed != expected(role, *judged.deflate)) return std::nullopt;
  return Agreed{agreed};
}

Settings settings_for_cases() {
  Settings settings;
  settings.deflate_min = 0;
  settings.max_fragments = 1u << 17;  // 9.3.1 and 9.4.1 send 65536; the default is a limit of ours, not of the protocol
  return settings;
}

std::unique_ptr<Subject> make_session(Stream& stream, Judged role, const Case& judged) {
  const auto agreed = agree_on(role, judged);
  return agreed ? std::make_unique<OurSession<Stream>>(stream, role, *agreed) : nullptr;
}

}  // namespace sluice::ws::cases
