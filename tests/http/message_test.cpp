// Fields, lists, paths: what all of HTTP asks of messages.
#include "http/message.hpp"

#include <doctest/doctest.h>

#include "http/date.hpp"
#include "http/head_writer.hpp"

using namespace sluice::http;

namespace {

Request with_target(std::string target) {
  Request request;
  request.target = std::move(target);
  return request;
}

}  // namespace

TEST_CASE("field names compare without case, values are found, counted and joined [RFC 9110 5.1, 5.3]") {
  Fields fields;
  fields.add("Accept", "a");
  fields.add("X", "1");
  fields.add("ACCEPT", "b, c");
  CHECK(fields.find("accept") == "a");
  CHECK(fields.count("aCCept") == 2);
  CHECK(fields.joined("accept") == "a, b, c");
  CHECK(fields.joined("y").empty());
  CHECK_FALSE(fields.find("y").has_value());
  CHECK(fields.size() == 3);
}

TEST_CASE("a token is found in any of the lists, whatever the spaces and empty elements [RFC 9110 5.6.1]") {
  Fields fields;
  fields.add("Connection", " ,keep-alive ,, \tUPGRADE\t");
  fields.add("Connection", "x");
  CHECK(fields.has_token("connection", "upgrade"));
  CHECK(fields.has_token("connection", "keep-alive"));
  CHECK(fields.has_token("connection", "x"));
  CHECK_FALSE(fields.has_token("connection", "up"));
  CHECK_FALSE(fields.has_token("connection", ""));
}

TEST_CASE("tokens, numbers and escapes are read strictly") {
  CHECK(is_token("x-Y_9!"));
  CHECK_FALSE(is_token(""));
  CHECK_FALSE(is_token("a b"));
  CHECK_FALSE(is_token("a\xC3\xA4"));
  CHECK(parse_decimal("0") == 0);
  CHECK(parse_decimal("18446744073709551615") == UINT64_MAX);
  for (const char* bad : {"", "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616", "1,1"})
    CHECK_FALSE(parse_decimal(bad).has_value());
  CHECK(percent_decode("a%20b%2Fc%ff") == "a b/c\xFF");
  for (const char* bad : {"%", "%1", "a%g0", "%0g", "%%20"}) CHECK_FALSE(percent_decode(bad).has_value());
}

TEST_CASE("the path is decoded once, without query, from both target forms [RFC 9112 3.2]") {
  CHECK(with_target("/a%20b?x=%2F").path() == "/a b");
  CHECK(with_target("/a%2541").path() == "/a%41");
  CHECK(with_target("http://host:80/p/q?z").path() == "/p/q");
  CHECK(with_target("http://host").path() == "/");
  CHECK(with_target("http://host?q").path() == "/");
  CHECK(with_target("/?").path() == "/");
  CHECK(with_target("/p?a?b").query() == "a?b");
  CHECK(with_target("/p").query().empty());
}

TEST_CASE("a path that another reader would cut elsewhere is none") {
  for (const char* bad : {"*", "", "/%", "/a%2Fb", "/a%5cb", "/a\\b", "/%00", "/a%0Ab", "/%7f", "a/b", "host:80"})
    CHECK_FALSE(with_target(bad).path().has_value());
}

TEST_CASE("statuses have their registered phrases, others none") {
  for (int status : {100, 101, 200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 408,
                     409, 411, 412, 413, 414, 415, 416, 417, 421, 426, 429, 431, 500, 501, 502, 503, 504, 505})
    CHECK_FALSE(reason_phrase(status).empty());
  CHECK(reason_phrase(416) == "Range Not Satisfiable");
  CHECK(reason_phrase(299).empty());
}

TEST_CASE("dates are written in the fixed form and read in all three [RFC 9110 5.6.7]") {
  CHECK(format_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(format_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(parse_date("Sun, 06 Nov 1994 08:49:37 GMT") == 784111777);
  CHECK(parse_date("Sunday, 06-Nov-94 08:49:37 GMT") == 784111777);
  CHECK(parse_date("Sun Nov  6 08:49:37 1994") == 784111777);
  CHECK(parse_date("Wed Nov 16 08:49:37 1994") == 784975777);
  CHECK(parse_date("Thursday, 29-Feb-24 00:00:00 GMT") == 1709164800);
  CHECK(parse_date(format_date(1709251199)) == 1709251199);
}

TEST_CASE("what is no date is none") {
  for (const char* bad :
       {"", "now", "Sun", "Sun,", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nox 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06-Nov-1994 08:49:37 GMT", "Sunday, 06 Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT"})
    CHECK_FALSE(parse_date(bad).has_value());
}

TEST_CASE("no field can bring a line of its own into a head [A-WS-10]") {
  std::string out;
  write_field(out, "X", "a\r\nEvil: 1");
  write_field(out, "X\r\nEvil", "1");
  write_field(out, "X", std::string("a\0b", 3));
  CHECK(out.empty());
  write_field(out, "X", "tab\tand \xC3\xA4");
  CHECK(out == "X: tab\tand \xC3\xA4\r\n");
}

TEST_CASE("no target can bring a line of its own into a request") {
  std::string out;
  CHECK_FALSE(write_request_line(out, "GET", "/ HTTP/1.1\r\nEvil: 1"));
  CHECK_FALSE(write_request_line(out, "GET", "/#a"));
  CHECK_FALSE(write_request_line(out, "GET", ""));
  CHECK_FALSE(write_request_line(out, "G T", "/"));
  CHECK(out.empty());
  CHECK(write_request_line(out, "GET", "/"));
  CHECK(out == "GET / HTTP/1.1\r\n");
}
