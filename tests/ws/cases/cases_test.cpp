// Every case of the suite against our sessions, in both roles.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/ws/cases/results.hpp"

namespace sluice::ws::cases {
namespace {

void expect_passed(const std::string& number, Judged role) {
  const std::vector<Result>& all = results(number, role);
  CHECK(!all.empty());
  for (const Result& one : all)
    CHECK_MESSAGE(one.verdict.outcome != Outcome::failed,
                  one.number << ": " << one.sentence << ": " << one.verdict.why);
}

TEST_CASE("framing: a server passes section 1 [WS-5.2-3] [WS-5.4-5]") { expect_passed("1", Judged::server); }
TEST_CASE("framing: a client passes section 1 [WS-5.2-3] [WS-5.4-5]") { expect_passed("1", Judged::client); }
TEST_CASE("Pings and Pongs: a server passes section 2 [WS-5.5.2-1] [WS-5.5.3-1] [WS-5.5.3-3]") {
  expect_passed("2", Judged::server);
}
TEST_CASE("Pings and Pongs: a client passes section 2 [WS-5.5.2-1] [WS-5.5.3-1] [WS-5.5.3-3]") {
  expect_passed("2", Judged::client);
}
TEST_CASE("reserved bits: a server passes section 3 [WS-5.2-1]") { expect_passed("3", Judged::server); }
TEST_CASE("reserved bits: a client passes section 3 [WS-5.2-1]") { expect_passed("3", Judged::client); }
TEST_CASE("opcodes: a server passes section 4 [WS-5.2-2]") { expect_passed("4", Judged::server); }
TEST_CASE("opcodes: a client passes section 4 [WS-5.2-2]") { expect_passed("4", Judged::client); }
TEST_CASE("fragmentation: a server passes section 5 [WS-5.4-1] [WS-5.4-2] [WS-5.4-6]") {
  expect_passed("5", Judged::server);
}
TEST_CASE("fragmentation: a client passes section 5 [WS-5.4-1] [WS-5.4-2] [WS-5.4-6]") {
  expect_passed("5", Judged::client);
}
TEST_CASE("UTF-8: a server passes section 6 [WS-5.6-1] [WS-5.6-2] [WS-8.1-1]") { expect_passed("6", Judged::server); }
TEST_CASE("UTF-8: a client passes section 6 [WS-5.6-1] [WS-5.6-2] [WS-8.1-1]") { expect_passed("6", Judged::client); }
TEST_CASE("closing: a server passes section 7 [WS-5.5.1-1] [WS-5.5.1-2] [WS-5.5.1-4] [WS-7.4.1-1] [WS-7.4.2-1]") {
  expect_passed("7", Judged::server);
}
TEST_CASE("closing: a client passes section 7 [WS-5.5.1-1] [WS-5.5.1-2] [WS-5.5.1-4] [WS-7.4.1-1] [WS-7.4.2-1]") {
  expect_passed("7", Judged::client);
}
TEST_CASE("up to 16 MiB: a server passes section 9") { expect_passed("9", Judged::server); }
TEST_CASE("up to 16 MiB: a client passes section 9") { expect_passed("9", Judged::client); }
TEST_CASE("automatic fragments: a server passes section 10") { expect_passed("10", Judged::server); }
TEST_CASE("automatic fragments: a client passes section 10") { expect_passed("10", Judged::client); }
TEST_CASE("compression: a server passes section 12 [WSD-7.2.1-1] [WSD-7.2.2-1] [WSD-7.2.2-2]") {
  expect_passed("12", Judged::server);
}
TEST_CASE("compression: a client passes section 12 [WSD-7.2.1-1] [WSD-7.2.2-1] [WSD-7.2.2-2]") {
  expect_passed("12", Judged::client);
}
TEST_CASE("sets of parameters: a server passes section 13 [WSD-7.1.2.1-1] [WSD-7.2.1-4] [WSD-7.2.1-5]") {
  expect_passed("13", Judged::server);
}
TEST_CASE("sets of parameters: a client passes section 13 [WSD-7.1.2.1-1] [WSD-7.2.1-4] [WSD-7.2.1-5]") {
  expect_passed("13", Judged::client);
}

TEST_CASE("every section has as many cases as were published, and each number once; three are informational") {
  const std::map<std::string, std::size_t> published = {{"1", 16}, {"2", 11},  {"3", 7},   {"4", 10},
                                                        {"5", 20}, {"6", 145}, {"7", 37},  {"9", 54},
                                                        {"10", 1}, {"12", 90}, {"13", 126}};
  std::set<std::string> numbers, informational;
  for (const Section& section : sections()) {
    const Cases cases = section.cases();
    CHECK_MESSAGE(cases.size() == published.at(section.number), section.number);
    for (const Case& one : cases) {
      CHECK_MESSAGE(numbers.insert(one.number).second, one.number);
      CHECK_MESSAGE(one.number.starts_with(section.number + "."), one.number);
      if (one.informational) informational.insert(one.number);
    }
  }
  CHECK(numbers.size() == 517);
  CHECK((informational == std::set<std::string>{"7.1.6", "7.13.1", "7.13.2"}));
}

}  // namespace
}  // namespace sluice::ws::cases
