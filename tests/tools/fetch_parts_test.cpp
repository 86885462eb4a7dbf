// The parts of `sluice get` that need no network: what a rest is worth, how far a transfer is.
#include <doctest/doctest.h>

#include "tools/progress.hpp"
#include "tools/resume.hpp"

using namespace sluice;
using namespace sluice::tools;
using namespace std::chrono_literals;

namespace {

http::Response answer(int status, const std::string& range = {}) {
  http::Response response{status, {}};
  if (!range.empty()) response.fields.add("Content-Range", range);
  return response;
}

http::Response with(std::initializer_list<http::Field> fields) {
  http::Response response;
  for (const http::Field& field : fields) response.fields.add(field.name, field.value);
  return response;
}

}  // namespace

TEST_CASE("a rest is appended only where it begins at the file's end [RFC 9110 14.4]") {
  const Partial part{100, "\"a\""};
  CHECK(judge_resumption(part, answer(206, "bytes 100-199/200")) == Resumption::append);
  CHECK(judge_resumption(part, answer(206, "bytes 100-199/*")) == Resumption::append);
  for (const char* range : {"bytes 0-199/200", "bytes 101-199/200", "lines 100-199/200", "bytes */200", "bytes", ""})
    CHECK(judge_resumption(part, answer(206, range)) == Resumption::refused);
}

TEST_CASE("nothing left is told by the size, and a whole answer is trusted only with a validator [RFC 9110 15.5.17]") {
  const Partial known{100, "\"a\""}, unknown{100, {}};
  CHECK(judge_resumption(unknown, answer(416, "bytes */100")) == Resumption::complete);
  for (const char* range : {"bytes */99", "bytes */*", ""})
    CHECK(judge_resumption(unknown, answer(416, range)) == Resumption::refused);
  CHECK(judge_resumption(known, answer(200)) == Resumption::anew);
  CHECK(judge_resumption(unknown, answer(200)) == Resumption::refused);
  CHECK(judge_resumption(known, answer(404)) == Resumption::refused);
}

TEST_CASE("a weak tag or a time that is too fresh tells no versions apart [RFC 9110 8.8.1, 8.8.2.2]") {
  const http::Field date{"Date", "Sun, 06 Nov 1994 08:49:37 GMT"};
  const http::Field old{"Last-Modified", "Sun, 06 Nov 1994 08:48:37 GMT"};
  const http::Field fresh{"Last-Modified", "Sun, 06 Nov 1994 08:48:38 GMT"};
  CHECK(strong_validator(with({{"ETag", "\"a\""}, date, old})) == "\"a\"");
  CHECK(strong_validator(with({{"ETag", "W/\"a\""}, date, old})) == old.value);
  CHECK(strong_validator(with({date, fresh})).empty());
  CHECK(strong_validator(with({old})).empty());
  CHECK(strong_validator(with({})).empty());
}

TEST_CASE("progress says what is known: bytes and rate, and with a size the rest and a bar") {
  CHECK(progress_line({0, 500, std::nullopt, 1s}, 79) == "500 B, 500 B/s");
  CHECK(progress_line({0, 5 << 20, 10 << 20, 5s}, 60) ==
        " 50% [#####      ] 5.0 MiB of 10.0 MiB, 1.0 MiB/s, 0:05 left");
  CHECK(progress_line({0, 10, 10, 2s}, 30) == "100% 10 B of 10 B, 5 B/s");
  CHECK(progress_line({0, 0, 0, 0s}, 79).starts_with("100% [####"));
  CHECK(progress_line({1 << 20, 2 << 20, 4 << 20, 1s}, 79).ends_with("1.0 MiB/s, 0:02 left"));
  CHECK(progress_line({0, 1000, 10'000'000'000, 1s}, 79).ends_with("99:59:59 left"));
  for (std::size_t width = 1; width < 90; ++width)
    CHECK(progress_line({0, 1 << 20, 5 << 20, 3s}, width).size() <= width);
}
