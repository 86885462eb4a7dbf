// What the judge judges, and how it gets one: a session of ours, or something that is wrong on purpose.
#pragma once

#include <functional>
#include <memory>

#include "stack/base/time.hpp"
#include "tests/ws/cases/case.hpp"
#include "tests/ws/cases/stream.hpp"

namespace sluice::ws::cases {

/// The role of what is judged; the judge plays the other one.
enum class Judged : std::uint8_t { server, client };

/// One end of a stream behind its handshake. It sends back every message that it hears.
class Subject {
 public:
  Subject() = default;
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;
  virtual ~Subject() = default;
  /// Moves what can be moved; true when it needs its stream no more.
  virtual bool pump(Time now) = 0;
};

/// `stream` outlives the subject. Of the case only what the handshake would have agreed on is for its eyes; nullptr if
/// it would not have.
using MakeSubject = std::function<std::unique_ptr<Subject>(Stream& stream, Judged role, const Case& judged)>;

/// A session with ws::Echo.
std::unique_ptr<Subject> make_session(Stream& stream, Judged role, const Case& judged);

}  // namespace sluice::ws::cases
