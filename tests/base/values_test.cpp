// The small values: bytes and cursors, results, budgets, counters, readiness, trace events.
#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "stack/base/budget.hpp"
#include "stack/base/byte_stream.hpp"
#include "stack/base/bytes.hpp"
#include "stack/base/counters.hpp"
#include "stack/base/result.hpp"
#include "stack/base/trace.hpp"

namespace sluice {
namespace {

TEST_CASE("a reader reads big-endian numbers and says once whether all was there") {
  const std::uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  ByteReader reader(bytes);
  CHECK(reader.u8() == 0x01);
  CHECK(reader.u16() == 0x0203);
  CHECK(reader.u32() == 0x04050607);
  CHECK(reader.u64() == 0x08090a0b0c0d0e0f);
  CHECK(reader.remaining() == 1);
  CHECK(reader.ok());
  CHECK(reader.u16() == 0);
  CHECK_FALSE(reader.ok());
  CHECK(reader.empty());
  CHECK(reader.u8() == 0);
}

TEST_CASE("a reader that is asked for too much stays failed") {
  const std::uint8_t bytes[] = {1, 2, 3};
  ByteReader reader(bytes);
  CHECK(reader.take(2).size() == 2);
  CHECK(reader.rest().size() == 1);
  reader.skip(2);
  CHECK_FALSE(reader.ok());
  CHECK(reader.take(0).empty());
  CHECK_FALSE(reader.ok());
}

TEST_CASE("what a writer writes a reader reads") {
  std::array<std::uint8_t, 20> room{};
  ByteWriter writer(room);
  writer.u8(0x12);
  writer.u16(0x3456);
  writer.u32(0x789abcde);
  writer.u64(0x0123456789abcdef);
  writer.bytes(as_bytes("abc"));
  writer.bytes({});
  CHECK(writer.used() == 18);
  CHECK(writer.remaining() == 2);
  ByteReader reader(writer.written());
  CHECK(reader.u8() == 0x12);
  CHECK(reader.u16() == 0x3456);
  CHECK(reader.u32() == 0x789abcde);
  CHECK(reader.u64() == 0x0123456789abcdef);
  CHECK(as_text(reader.rest()) == "abc");
}

TEST_CASE("a gather list is as long as its pieces") {
  const std::array<Bytes, 3> pieces = {as_bytes("ab"), as_bytes(""), as_bytes("cde")};
  CHECK(gather_size(pieces) == 5);
  CHECK(gather_size({}) == 0);
}

TEST_CASE("a result is a value or the reason why there is none") {
  const Result<int> good = 7;
  CHECK(good);
  CHECK(good.has_value());
  CHECK(*good == 7);
  CHECK(good.error() == Errc::none);
  CHECK(good.value_or(1) == 7);
  const Result<int> bad = Errc::timed_out;
  CHECK_FALSE(bad);
  CHECK(bad.error() == Errc::timed_out);
  CHECK(bad.value_or(1) == 1);
  Result<std::string> text = std::string("text");
  CHECK(text->size() == 4);
  CHECK(*std::move(text) == "text");
  CHECK(Result<void>());
  CHECK_FALSE(Result<void>(Errc::malformed).has_value());
}

TEST_CASE("every error has words of its own") {
  std::vector<std::string_view> seen;
  for (int code = 0; code <= static_cast<int>(Errc::not_found); ++code) {
    const std::string_view words = describe(static_cast<Errc>(code));
    CHECK(words != "unknown error");
    for (const std::string_view other : seen) CHECK(words != other);
    seen.push_back(words);
  }
  CHECK(describe(static_cast<Errc>(250)) == "unknown error");
}

TEST_CASE("an Errc is a std::error_code of the category sluice") {
  const std::error_code code = Errc::connection_reset;
  CHECK(code.message() == "connection reset by peer");
  CHECK(code.category().name() == std::string("sluice"));
  CHECK(code == make_error_code(Errc::connection_reset));
}

TEST_CASE("a charge must fit at every level, or nothing is charged") {
  Budget stack(100);
  Budget queue(60, &stack);
  Budget other(60, &stack);
  CHECK(queue.charge(60));
  CHECK_FALSE(queue.charge(1));
  CHECK_FALSE(other.charge(41));
  CHECK(other.used() == 0);
  CHECK(stack.used() == 60);
  CHECK(other.charge(40));
  CHECK(stack.room() == 0);
  CHECK(other.room() == 20);
  queue.release(60);
  other.release(40);
  CHECK(stack.used() == 0);
  CHECK(stack.limit() == 100);
}

TEST_CASE("a budget is under pressure above seven eighths") {
  Budget budget(800);
  CHECK(budget.charge(700));
  CHECK_FALSE(budget.under_pressure());
  CHECK(budget.charge(1));
  CHECK(budget.under_pressure());
  budget.release(701);
}

enum class Fruit : std::uint8_t { apple, pear, count };
std::string_view name(Fruit fruit) noexcept { return fruit == Fruit::apple ? "apple" : "pear"; }

TEST_CASE("counters grow and are listed by name") {
  Counters<Fruit> counters;
  counters.add(Fruit::pear);
  counters.add(Fruit::pear, 4);
  std::string list;
  counters.for_each([&](std::string_view which, std::uint64_t value) {
    list += std::string(which) + '=' + std::to_string(value) + ' ';
  });
  CHECK(list == "apple=0 pear=5 ");
  CHECK(counters[Fruit::pear] == 5);
}

TEST_CASE("readiness is a mask") {
  Readiness mask = Readiness::readable | Readiness::urgent;
  CHECK(any(mask & Readiness::urgent));
  CHECK_FALSE(any(mask & Readiness::writable));
  mask |= Readiness::writable;
  CHECK(any(mask & Readiness::writable));
  CHECK_FALSE(any(Readiness::none));
}

TEST_CASE("an observer is told time, kind, flow and fields; without one a tracer is off") {
  struct Recorder final : Observer {
    std::string seen;
    void on_event(const TraceEvent& event) noexcept override {
      seen += std::string(name(event.kind)) + '@' + std::to_string(event.at.time_since_epoch().count()) + '#' +
              std::to_string(event.flow);
      for (const TraceField& field : event.fields)
        seen += ' ' + std::string(field.key) + '=' +
                (field.text.empty() ? std::to_string(field.number) : std::string(field.text));
    }
  } recorder;
  CHECK_FALSE(Tracer().on());
  const Tracer tracer(&recorder);
  CHECK(tracer.on());
  tracer.tell(Time{} + Duration(5), TraceKind::drop, 9,
              {{.key = "reason", .text = "tiny"}, {.key = "size", .number = 3}});
  CHECK(recorder.seen == "drop@5#9 reason=tiny size=3");
}

TEST_CASE("every kind of trace event has a name of its own") {
  for (int i = 0; i <= static_cast<int>(TraceKind::drop); ++i)
    for (int k = 0; k < i; ++k) CHECK(name(static_cast<TraceKind>(i)) != name(static_cast<TraceKind>(k)));
  CHECK(name(TraceKind::drop) == "drop");
  CHECK(name(static_cast<TraceKind>(200)) == "unknown");
}

}  // namespace
}  // namespace sluice
