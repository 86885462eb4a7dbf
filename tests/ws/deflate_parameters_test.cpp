// RFC 7692 5 and 7.1: what is offered, what is accepted, and what a client must not believe.
#include "ws/deflate_parameters.hpp"

#include <doctest/doctest.h>

namespace sluice::ws::test {
namespace {

constexpr DeflatePolicy kFull = {{15, true}, {15, true}};
constexpr DeflatePolicy kSmall = {{10, false}, {9, false}};

/// The server's answer to a list of offers; "-" when it declines.
std::string answer_to(std::string_view offers, const DeflatePolicy& policy = kFull) {
  const auto parsed = parse_extensions(offers);
  REQUIRE(parsed);
  const auto choice = choose_deflate(*parsed, policy);
  return choice ? choice->answer : "-";
}

DeflateParameters chosen(std::string_view offers, const DeflatePolicy& policy = kFull) {
  return choose_deflate(*parse_extensions(offers), policy).value().parameters;
}

/// "server bits, client bits", with '!' where windows aren't kept; "-" when the client must fail.
std::string judged(std::string_view answer, const DeflatePolicy& policy = kFull) {
  const auto parsed = parse_extensions(answer);
  REQUIRE(parsed);
  const auto agreed = judge_deflate(parsed->front(), policy);
  if (!agreed) return "-";
  const auto show = [](const DeflateWindow& window) {
    return std::to_string(window.bits) + (window.takeover ? "" : "!");
  };
  return show(agreed->server) + ", " + show(agreed->client);
}

// --- offers ---

TEST_CASE("a client offers permessage-deflate by name, what it prefers first [WSD-5-1] [WSD-7.1.2.2-1]") {
  CHECK(deflate_offer(kFull) == "permessage-deflate; client_max_window_bits");
  CHECK(deflate_offer({{12, true}, {12, true}}) ==
        "permessage-deflate; client_max_window_bits; server_max_window_bits=12, "
        "permessage-deflate; client_max_window_bits");
  CHECK(deflate_offer({{15, false}, {15, false}}) ==
        "permessage-deflate; client_max_window_bits; server_no_context_takeover; client_no_context_takeover");
}

// --- the server's choice ---

TEST_CASE("an offer is accepted by name, without parameters unless they are needed [WSD-5-1]") {
  CHECK(answer_to("permessage-deflate") == "permessage-deflate");
  CHECK(answer_to("Permessage-Deflate; client_max_window_bits") == "permessage-deflate");
  CHECK(chosen("permessage-deflate") == DeflateParameters());
}

TEST_CASE("what is not permessage-deflate is passed over, and one at most is accepted [WSD-5-2] [WSD-5-3] [WSD-5-4]") {
  CHECK(answer_to("x-webkit-deflate-frame") == "-");
  CHECK(answer_to("permessage-bzip2, permessage-deflate, permessage-deflate; server_no_context_takeover") ==
        "permessage-deflate");
}

TEST_CASE(
    "an offer with an unknown, repeated or ill-valued parameter is declined, the next one counts [WSD-7-1] "
    "[WSD-7-2] [WSD-7.1.2-1] [A-WS-17]") {
  for (const std::string_view bad :
       {"foo", "server_max_window_bits", "server_max_window_bits=7", "server_max_window_bits=16",
        "server_max_window_bits=08", "server_max_window_bits=010", "server_max_window_bits=1",
        "client_max_window_bits=0", "client_max_window_bits=x", "client_no_context_takeover=1",
        "server_no_context_takeover; server_no_context_takeover", "client_max_window_bits; client_max_window_bits=9",
        "server_max_window_bits=9; server_max_window_bits=9"}) {
    CAPTURE(bad);
    const std::string offer = "permessage-deflate; " + std::string(bad);
    CHECK(answer_to(offer) == "-");
    CHECK(answer_to(offer + ", permessage-deflate") == "permessage-deflate");
  }
}

TEST_CASE("an offer of server_no_context_takeover is accepted by repeating it [WSD-7.1.1.1-1]") {
  CHECK(answer_to("permessage-deflate; server_no_context_takeover") ==
        "permessage-deflate; server_no_context_takeover");
  CHECK(!chosen("permessage-deflate; server_no_context_takeover").server.takeover);
}

TEST_CASE("a server may forgo its window, and ask the client to, without being asked [WSD-7.1.1.1-2]") {
  CHECK(answer_to("permessage-deflate", kSmall) ==
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10");
  CHECK(!chosen("permessage-deflate", kSmall).client.takeover);
}

TEST_CASE("of the offered and the wished for window of the server the smaller one is said [WSD-7.1.2.1-1]") {
  CHECK(answer_to("permessage-deflate; server_max_window_bits=15") == "permessage-deflate; server_max_window_bits=15");
  CHECK(answer_to("permessage-deflate; server_max_window_bits=8") == "permessage-deflate; server_max_window_bits=8");
  const DeflatePolicy policy = {{10, true}, {15, true}};
  CHECK(answer_to("permessage-deflate; server_max_window_bits=12", policy) ==
        "permessage-deflate; server_max_window_bits=10");
  CHECK(answer_to("permessage-deflate; server_max_window_bits=9", policy) ==
        "permessage-deflate; server_max_window_bits=9");
}

TEST_CASE("the client's window is limited only when the client said that it can be [WSD-7.1.2.2-2] [WSD-7.1.2.2-1]") {
  const DeflatePolicy policy = {{15, true}, {9, true}};
  CHECK(answer_to("permessage-deflate", policy) == "permessage-deflate");
  CHECK(chosen("permessage-deflate", policy).client.bits == 15);
  CHECK(answer_to("permessage-deflate; client_max_window_bits", policy) ==
        "permessage-deflate; client_max_window_bits=9");
  CHECK(answer_to("permessage-deflate; client_max_window_bits=8", policy) ==
        "permessage-deflate; client_max_window_bits=8");
  CHECK(chosen("permessage-deflate; client_max_window_bits=12", kFull).client.bits == 12);
}

// --- the client's judgement ---

TEST_CASE("a client follows the answer, and uses less where it wishes [WSD-7.1.1.2-1] [WSD-7.2.2-3]") {
  CHECK(judged("permessage-deflate") == "15, 15");
  CHECK(judged("permessage-deflate; client_no_context_takeover; server_no_context_takeover") == "15!, 15!");
  CHECK(judged("permessage-deflate; server_max_window_bits=9; client_max_window_bits=\"11\"") == "9, 11");
  CHECK(judged("permessage-deflate; client_max_window_bits=15", {{12, false}, {15, true}}) == "15, 12!");
}

TEST_CASE(
    "a client fails an answer with parameters that it can't have, or without those it must [WSD-7-3] [WSD-5-5] "
    "[WSD-7.1.1.1-1] [WS-9.1-2]") {
  for (const std::string_view bad :
       {"foo", "client_max_window_bits", "server_max_window_bits", "server_max_window_bits=16",
        "client_max_window_bits=7", "server_no_context_takeover=1",
        "client_no_context_takeover; client_no_context_takeover"}) {
    CAPTURE(bad);
    CHECK(judged("permessage-deflate; " + std::string(bad)) == "-");
  }
  CHECK(judged("x-webkit-deflate-frame") == "-");
  CHECK(judged("permessage-deflate", {{15, true}, {15, false}}) == "-");
}

}  // namespace
}  // namespace sluice::ws::test
