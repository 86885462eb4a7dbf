// Sections 12 and 13 against an echo of the test's own, right and wrong: their judge is ready before a session is.
#include "tests/ws/cases/codec.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/ws/cases/judge.hpp"
#include "tests/ws/cases/peer.hpp"
#include "tests/ws/cases/samples.hpp"
#include "tests/ws/cases/sections.hpp"

namespace sluice::ws::cases {
namespace {

/// A whole WebSocket endpoint in a page, with the judge's own hands. It compresses by `terms`, whatever was agreed.
class Mirror : public Subject {
 public:
  Mirror(Stream& stream, Judged role, const DeflateTerms& agreed, const DeflateTerms& terms)
      : stream_(stream),
        reader_(role == Judged::server, true),
        writer_(role == Judged::client),
        unpacker_(agreed.judge_bits, agreed.judge_takeover),
        packer_(terms.judged_bits, terms.judged_takeover) {}

  bool pump(Time) override {
    read();
    for (const Heard& heard : reader_.heard) answer(heard);
    reader_.heard.clear();
    if (reader_.close() && !closed_) write(writer_.frame(kFin | kClose, reader_.close()->payload));
    closed_ = reader_.close().has_value();
    const Bytes pieces[] = {waiting_};
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(*stream_.write(pieces)));
    if (closed_ && waiting_.empty()) stream_.finish();
    return closed_ && stream_.at_eof();
  }

 private:
  void read() {
    while (!stream_.peek().empty()) {
      const MutableBytes piece = stream_.peek();
      unread_.insert(unread_.end(), piece.begin(), piece.end());
      stream_.consume(piece.size());
    }
    const std::size_t used = reader_.read(unread_);
    unread_.erase(unread_.begin(), unread_.begin() + static_cast<std::ptrdiff_t>(used));
  }
  void answer(const Heard& heard) {
    const std::string plain = unpacker_.message(heard.payload).value();
    write(writer_.frame(static_cast<std::uint8_t>(kFin | kRsv1 | heard.opcode), packer_.message(plain)));
  }
  void write(const std::vector<std::uint8_t>& bytes) { waiting_.insert(waiting_.end(), bytes.begin(), bytes.end()); }

  Stream& stream_;
  FrameReader reader_;
  FrameWriter writer_;
  Decompressor unpacker_;
  Compressor packer_;
  std::vector<std::uint8_t> unread_;
  std::vector<std::uint8_t> waiting_;
  bool closed_ = false;
};

std::unique_ptr<Subject> make_mirror(Stream& stream, Judged role, const Case& judged) {
  return std::make_unique<Mirror>(stream, role, *judged.deflate, *judged.deflate);
}

TEST_CASE("an echo that keeps to what was agreed passes sections 12 and 13: every third case") {
  for (const Section& section : sections()) {
    if (section.number != "12" && section.number != "13") continue;
    const Cases cases = section.cases();
    for (std::size_t i = 0; i < cases.size(); i += 3) {
      const Verdict verdict = judge(cases[i], Judged::server, make_mirror);
      CHECK_MESSAGE(verdict.why == "", cases[i].number << ": " << cases[i].sentence);
    }
  }
}

std::string why(const DeflateTerms& agreed, const DeflateTerms& kept, std::size_t size = 4096) {
  const Case one = {.number = "x",
                    .sentence = "",
                    .steps = {sample(kText, size, 0)},
                    .rounds = 5,
                    .deflate = agreed,
                    .sample = &json_sample()};
  const auto make = [&](Stream& stream, Judged role, const Case& judged) {
    return std::make_unique<Mirror>(stream, role, *judged.deflate, kept);
  };
  return judge(one, Judged::client, make).why;
}

TEST_CASE("an echo that refers to more than was agreed fails") {
  const std::string fault = "what it compressed needs more than was agreed, or is no deflate";
  CHECK(why({}, {}) == "");
  CHECK(why({.judged_bits = 9}, {}) == fault);
  CHECK(why({.judged_bits = 14}, {}, 65536) == fault);
  CHECK(why({.judged_bits = 10}, {.judged_bits = 9}) == "");
  CHECK(why({.judged_takeover = false}, {}) == fault);
  CHECK(why({}, {.judged_takeover = false}) == "");
}

/// Few enough letters to be compressed at all; the last of them stand `distance` before as well, and nowhere nearer.
std::string far_repetition(std::size_t distance) {
  std::string plain;
  std::uint32_t state = 1;
  for (std::size_t i = 0; i < distance; ++i) {
    state = state * 1664525 + 1013904223;
    plain.push_back(static_cast<char>('0' + (state >> 26)));
  }
  return plain + plain.substr(0, 64);
}

TEST_CASE("a window ends where it was agreed, to the byte") {
  for (const int bits : {8, 9, 10, 12}) {
    const std::size_t window = std::size_t{1} << bits;
    const std::string last = far_repetition(window), beyond = far_repetition(window + 1);
    CHECK((Decompressor(bits, true).message(Compressor(15, true).message(last)) == last));
    CHECK(Decompressor(bits, true).message(Compressor(15, true).message(beyond)) == std::nullopt);
  }
}

TEST_CASE("a window of 8 bits can be kept, though zlib has none") {
  CHECK(why({.judged_bits = 8}, {.judged_bits = 8}) == "");
  CHECK(why({.judged_bits = 8}, {.judged_bits = 10}) != "");
  CHECK(why({.judge_bits = 8}, {}) == "");
}

TEST_CASE("what is packed comes back, a message of nothing as one byte") {
  for (const bool takeover : {true, false}) {
    Compressor packer(15, takeover);
    Decompressor unpacker(15, takeover);
    for (const std::string& plain :
         {json_sample(), std::string(), document_sample(), std::string("a"), picture_sample()})
      CHECK((unpacker.message(packer.message(plain)) == plain));
  }
  CHECK(Compressor(15, true).message("") == std::string(1, '\0'));
  CHECK(Decompressor(15, true).message("\xff\xff") == std::nullopt);
}

}  // namespace
}  // namespace sluice::ws::cases
