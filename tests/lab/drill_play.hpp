// Plays scripts for the tests of the player, and begins the connections that most of them need.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "lab/drill/run.hpp"

namespace sluice::lab::drill {

/// A listener in line 1 to 3, an open connection with descriptor 4 in line 7, 0.1 s into the script.
inline const std::string kOpen =
    "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
    "+0 bind(3, ..., ...) = 0\n"
    "+0 listen(3, 1) = 0\n"
    "+0 < S 0:0(0) win 20000 <mss 1000>\n"
    "+0 > S. 0:0(0) ack 1 <...>\n"
    "+.1 < . 1:1(0) ack 1 win 20000\n"
    "+0 accept(3, ..., ...) = 4\n";

inline Outcome play(const std::string& script, const Settings& settings = settings_of(Profile::sluice)) {
  return run(script, {}, {.settings = settings});
}

inline void passes(const std::string& script, const Settings& settings = settings_of(Profile::sluice)) {
  const Outcome outcome = play(script, settings);
  CHECK_MESSAGE(outcome.verdict == Verdict::passed, outcome.line << ": " << outcome.message << "\n" << outcome.detail);
}

/// The verdict, and words of its sentence.
inline Outcome ends(const std::string& script, Verdict verdict, std::string_view words) {
  const Outcome outcome = play(script);
  CHECK_MESSAGE(outcome.verdict == verdict, script << outcome.message << "\n" << outcome.detail);
  CHECK_MESSAGE(outcome.message.find(words) != std::string::npos, script << outcome.message);
  return outcome;
}

inline Outcome fails(const std::string& script, std::string_view words) { return ends(script, Verdict::failed, words); }

}  // namespace sluice::lab::drill
