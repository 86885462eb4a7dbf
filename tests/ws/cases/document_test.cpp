// The table of docs/websocket.md: what our sessions make of the suite, section by section.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "tests/support/doc_block.hpp"
#include "tests/ws/cases/results.hpp"

namespace sluice::ws::cases {
namespace {

struct Tally {
  std::size_t cases = 0;
  std::size_t ok = 0;
  std::size_t informational = 0;

  Tally& operator+=(const Tally& other) {
    cases += other.cases;
    ok += other.ok;
    informational += other.informational;
    return *this;
  }
};

Tally tally(const std::string& section, Judged role, Scheme scheme) {
  const std::vector<Result>& all = results(section, role, scheme);
  const auto count = [&](Outcome outcome) {
    const auto is = [&](const Result& one) { return one.verdict.outcome == outcome; };
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), is));
  };
  return {all.size(), count(Outcome::ok), count(Outcome::informational)};
}

std::string cell(const Tally& tally) {
  const std::size_t failed = tally.cases - tally.ok - tally.informational;
  std::string text = std::to_string(tally.ok) + " OK";
  if (tally.informational > 0) text += ", " + std::to_string(tally.informational) + " informational";
  return failed > 0 ? text + ", " + std::to_string(failed) + " failed" : text;
}

/// Server and client over ws, then over wss.
using Row = std::array<Tally, 4>;

Row row_of(const std::string& section) {
  return {tally(section, Judged::server, Scheme::ws), tally(section, Judged::client, Scheme::ws),
          tally(section, Judged::server, Scheme::wss), tally(section, Judged::client, Scheme::wss)};
}

std::string line(const std::string& name, const Row& row) {
  std::string text = "| " + name + " | " + std::to_string(row[0].cases);
  for (const Tally& one : row) text += " | " + cell(one);
  return text + " |\n";
}

TEST_CASE("the document tells what the sessions make of the suite, over TCP and over TLS") {
  std::string table =
      "| section | cases | our server, ws | our client, ws | our server, wss | our client, wss |\n"
      "|---|---:|---|---|---|---|\n";
  Row sum;
  for (const Section& section : sections()) {
    const Row row = row_of(section.number);
    table += line(section.number + " " + section.title, row);
    for (std::size_t i = 0; i < row.size(); ++i) sum[i] += row[i];
  }
  sluice::test::expect_doc_block("websocket.md", "cases", table + line("together", sum));
}

}  // namespace
}  // namespace sluice::ws::cases
