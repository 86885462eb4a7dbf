// What every case sends, with bytes changed: whatever comes of it, a session stays a WebSocket.
#include <doctest/doctest.h>

#include "stack/base/random.hpp"
#include "tests/ws/cases/judge.hpp"
#include "tests/ws/cases/peer.hpp"
#include "tests/ws/cases/sections.hpp"
#include "tests/ws/utf8_reference.hpp"

namespace sluice::ws::cases {
namespace {

using ByteVector = std::vector<std::uint8_t>;

/// Keeps what it is sent and says nothing.
class Recorder : public Subject {
 public:
  Recorder(Stream& stream, ByteVector& kept) : stream_(stream), kept_(kept) {}
  bool pump(Time) override {
    const Bytes input = stream_.peek();
    kept_.insert(kept_.end(), input.begin(), input.end());
    stream_.consume(input.size());
    return false;
  }

 private:
  Stream& stream_;
  ByteVector& kept_;
};

ByteVector sent_in(const Case& one, Judged role) {
  ByteVector bytes;
  (void)judge(one, role,
              [&](Stream& stream, Judged, const Case&) { return std::make_unique<Recorder>(stream, bytes); });
  return bytes;
}

/// Another value, one bit more, a byte away or a byte twice.
void spoil(ByteVector& bytes, Random& random) {
  const auto at = bytes.begin() + random.below(static_cast<std::uint32_t>(bytes.size()));
  switch (random.below(4)) {
    case 0: *at = static_cast<std::uint8_t>(random.below(256)); break;
    case 1: *at = static_cast<std::uint8_t>(*at ^ 1u << random.below(8)); break;
    case 2: bytes.erase(at); break;
    default: bytes.insert(at, *at); break;
  }
}

/// The first rule that the session broke, or empty.
std::string broken_rule(const Case& one, Judged role, Bytes input) {
  Lane in, out;
  Stream stream(in, out);
  FrameReader reader(role == Judged::client, one.deflate.has_value());
  const auto session = make_session(stream, role, one);
  Time now = Time{} + std::chrono::hours(1);
  in.put(input);
  bool over = session->pump(now);
  in.finished = true;
  for (int i = 0; i < 10 && !over; ++i) over = session->pump(now += std::chrono::seconds(10));
  out.take(reader.read(out.waiting()));
  if (!reader.complaint().empty()) return reader.complaint();
  for (const Heard& heard : reader.heard)
    if (heard.opcode == kText && !heard.rsv1 && test::judge_utf8(as_bytes(heard.payload)) != test::Verdict::complete)
      return "no text";
  if (out.size() > 0) return "a cut frame";
  return over ? "" : "no end";
}

void expect_manners(Judged role) {
  Random random(Key{11}, KeyUse::test, static_cast<std::uint64_t>(role));
  for (const Section& section : sections()) {
    if (section.number == "9" || section.number == "10") continue;  // nothing but length
    for (const Case& one : section.cases()) {
      const ByteVector whole = sent_in(one, role);
      for (int i = 0; i < 10 && !whole.empty() && whole.size() < 2000; ++i) {
        ByteVector spoiled = whole;
        for (std::uint32_t changes = 1 + random.below(3); changes > 0 && !spoiled.empty(); --changes)
          spoil(spoiled, random);
        CHECK_MESSAGE(broken_rule(one, role, spoiled) == "", one.number << ", change " << i);
      }
    }
  }
}

TEST_CASE("whatever a client sends, a server answers with good frames, good text, or a Close, and ends [WS-10.7-1]") {
  expect_manners(Judged::server);
}

TEST_CASE("whatever a server sends, a client answers with good frames, good text, or a Close, and ends [WS-10.7-1]") {
  expect_manners(Judged::client);
}

}  // namespace
}  // namespace sluice::ws::cases
