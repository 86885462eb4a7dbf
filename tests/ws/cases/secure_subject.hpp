// Our own session over TLS under the judge, whose bytes pass through a TLS session of the judge's first.
#pragma once

#include "tests/ws/cases/subject.hpp"

namespace sluice::ws::cases {

/// What is wrong with TLS on purpose, so that the judge is seen to notice.
enum class SecureFault : std::uint8_t {
  none,
  other_bit,   ///< a bit of the first record behind the handshake changes on its way to the judge
  lost_byte,   ///< a byte of that record is lost
  plain_text,  ///< our session does without TLS once hands were shaken
  cut_off,     ///< our stream ends without close_notify
  still_open,  ///< close_notify comes, and the stream below stays open
};

/// A session with ws::Echo over tls::Stream. The handshake is made before the case begins: TLS 1.3, or 1.2 in every
/// case with an odd number. Connections after the first of each kind resume its session.
std::unique_ptr<Subject> make_secure_session(Stream& stream, Judged role, const Case& judged);
/// The same, not quite.
MakeSubject make_faulty_session(SecureFault fault);

}  // namespace sluice::ws::cases
