// The table of docs/websocket.md: what our sessions make of the suite, section by section.
#include <doctest/doctest.h>

#include <algorithm>

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

Tally tally(const std::string& section, Judged role) {
  const std::vector<Result>& all = results(section, role);
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

std::string row(const std::string& name, const Tally& server, const Tally& client) {
  return "| " + name + " | " + std::to_string(server.cases) + " | " + cell(server) + " | " + cell(client) + " |\n";
}

TEST_CASE("the document tells what the sessions make of the suite") {
  std::string table = "| section | cases | our server | our client |\n|---|---:|---|---|\n";
  Tally server_sum, client_sum;
  for (const Section& section : sections()) {
    const Tally server = tally(section.number, Judged::server), client = tally(section.number, Judged::client);
    table += row(section.number + " " + section.title, server, client);
    server_sum += server;
    client_sum += client;
  }
  sluice::test::expect_doc_block("websocket.md", "cases", table + row("together", server_sum, client_sum));
}

}  // namespace
}  // namespace sluice::ws::cases
