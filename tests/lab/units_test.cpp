// Sizes, times, rates and probabilities: what people write is read, everything else is one clear sentence.
#include "lab/units.hpp"

#include <doctest/doctest.h>

#include <string>

namespace sluice::lab {

using namespace std::chrono_literals;

TEST_CASE("sizes are bytes; K is 1024, kB is 1000") {
  CHECK(*parse_size("0") == 0);
  CHECK(*parse_size("1500") == 1500);
  CHECK(*parse_size("1500B") == 1500);
  CHECK(*parse_size("64KiB") == 65536);
  CHECK(*parse_size("64k") == 65536);
  CHECK(*parse_size("64 kB") == 64000);
  CHECK(*parse_size("1.5MiB") == 1572864);
  CHECK(*parse_size("2M") == 2097152);
  CHECK(*parse_size("10MB") == 10000000);
  CHECK(*parse_size("3g") == 3221225472);
  CHECK(*parse_size("1GB") == 1000000000);
  CHECK(*parse_size("1GiB") == 1073741824);
}

TEST_CASE("times need a unit unless they are zero") {
  CHECK(*parse_time("0") == 0ns);
  CHECK(*parse_time("100ns") == 100ns);
  CHECK(*parse_time("250us") == 250us);
  CHECK(*parse_time("250µs") == 250us);
  CHECK(*parse_time("20ms") == 20ms);
  CHECK(*parse_time("1.5s") == 1500ms);
  CHECK(*parse_time("2min") == 120s);
  CHECK(*parse_time("1h") == 3600s);
}

TEST_CASE("rates are bytes a second, from bits or from bytes") {
  CHECK(*parse_rate("8bit") == 1);
  CHECK(*parse_rate("10mbit") == 1250000);
  CHECK(*parse_rate("10Mbit/s") == 1250000);
  CHECK(*parse_rate("64kbit") == 8000);
  CHECK(*parse_rate("1gbit") == 125000000);
  CHECK(*parse_rate("5MB/s") == 5000000);
  CHECK(*parse_rate("1KiB/s") == 1024);
}

TEST_CASE("probabilities are percentages or fractions") {
  CHECK(*parse_probability("1%") == doctest::Approx(0.01));
  CHECK(*parse_probability("0.5%") == doctest::Approx(0.005));
  CHECK(*parse_probability("0.25") == doctest::Approx(0.25));
  CHECK(*parse_probability("0") == 0);
  CHECK(*parse_probability("100%") == 1);
}

TEST_CASE("what is no quantity is refused in one sentence that quotes it") {
  for (const char* text :
       {"", "x", "1x", "-1", "-0", "1e9", "nan", "inf", "0x10", "1 2", "999999999999G", " 1", "1KB/s"}) {
    CAPTURE(text);
    CHECK(!parse_size(text));
    CHECK(parse_size(text).error.find("\"" + std::string(text) + "\" is not a size") == 0);
  }
  for (const char* text : {"", "20", "ms", "-1s", "1 s s", "999999999h", "1sec", "1%"}) {
    CAPTURE(text);
    CHECK(!parse_time(text));
  }
  for (const char* text : {"", "10", "0mbit", "10mbps", "10 MB", "1bit", "/s", "-1mbit"}) {
    CAPTURE(text);
    CHECK(!parse_rate(text));
  }
  for (const char* text : {"", "101%", "1.01", "-1%", "1 percent", "%"}) {
    CAPTURE(text);
    CHECK(!parse_probability(text));
  }
  CHECK(parse_time("20").error == "\"20\" is not a time: write it with its unit, like 20ms, 1.5s or 250us");
}

TEST_CASE("quantities are written so that the parsers read them again") {
  CHECK(size_text(0) == "0 B");
  CHECK(size_text(1536) == "1.5 KiB");
  CHECK(size_text(std::uint64_t{3} << 30) == "3 GiB");
  CHECK(time_text(0ns) == "0 ns");
  CHECK(time_text(1500us) == "1.5 ms");
  CHECK(time_text(90s) == "1.5 min");
  CHECK(rate_text(1250000) == "10 Mbit/s");
  CHECK(*parse_size(size_text(1536)) == 1536);
  CHECK(*parse_time(time_text(1500us)) == 1500us);
  CHECK(*parse_rate(rate_text(1250000)) == 1250000);
}

}  // namespace sluice::lab
