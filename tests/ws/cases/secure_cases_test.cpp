// Every case of the suite against our sessions over TLS, and TLS that is wrong on purpose.
#include <doctest/doctest.h>

#include "tests/ws/cases/results.hpp"
#include "tests/ws/cases/secure_subject.hpp"

namespace sluice::ws::cases {
namespace {

void expect_passed(Judged role) {
  for (const Section& section : sections()) {
    const std::vector<Result>& over_tls = results(section.number, role, Scheme::wss);
    CHECK(over_tls.size() == section.cases().size());
    for (const Result& one : over_tls)
      CHECK_MESSAGE(one.verdict.outcome != Outcome::failed,
                    one.number << ": " << one.sentence << ": " << one.verdict.why);
  }
}

TEST_CASE("over TLS a server passes every section [WS-10.6-1]") { expect_passed(Judged::server); }
TEST_CASE("over TLS a client passes every section [WS-10.6-1]") { expect_passed(Judged::client); }

Verdict verdict_with(SecureFault fault, Judged role, const char* number) {
  const Case echo = {.number = number, .sentence = "", .steps = {text("abc")}, .answers = {cases::echo("abc")}};
  return judge(echo, role, make_faulty_session(fault));
}

TEST_CASE("what is wrong with TLS fails a case, in either version and either role") {
  for (const Judged role : {Judged::server, Judged::client}) {
    // A server says the end first, which the judge waits for; a client's end is its last word.
    const bool first = role == Judged::server;
    const std::string badly = "it did not end well when the judge's end came";
    for (const char* number : {"1", "2"}) {
      CAPTURE(number);
      const auto why = [&](SecureFault fault) { return verdict_with(fault, role, number).why; };
      CHECK(why(SecureFault::none) == "");
      CHECK(why(SecureFault::other_bit) == "text \"abc\" did not come back");
      CHECK(why(SecureFault::lost_byte) == "text \"abc\" did not come back");
      CHECK(why(SecureFault::plain_text) == "text \"abc\" did not come back");
      CHECK(why(SecureFault::cut_off) == (first ? "it reset the stream" : badly));
      CHECK(why(SecureFault::still_open) == (first ? "it did not end the stream" : badly));
    }
  }
}

}  // namespace
}  // namespace sluice::ws::cases
