// The validator against decoding by hand: same verdict for every text, at the same byte, in any pieces.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "tests/ws/utf8_reference.hpp"
#include "ws/utf8.hpp"

using namespace sluice;
using namespace sluice::ws;
using sluice::ws::test::judge_utf8;
using sluice::ws::test::Verdict;

namespace {

void require(bool fact) {
  if (!fact) std::abort();
}

Verdict verdict_of(Bytes text, std::size_t piece) {
  Utf8Validator validator;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    const Bytes part = text.subspan(at, std::min(piece, text.size() - at));
    const std::vector<std::uint8_t> copy(part.begin(), part.end());  // a read behind the piece is a fault
    if (!validator.feed(copy)) return Verdict::impossible;
  }
  return validator.complete() ? Verdict::complete : Verdict::open;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Bytes text = Bytes(data, std::min<std::size_t>(size, 400)).subspan(1);
  const Verdict expected = judge_utf8(text);
  for (const std::size_t piece : {text.size(), std::size_t{1}, std::size_t{1} + data[0]})
    require(verdict_of(text, piece) == expected);
  require(is_utf8(text) == (expected == Verdict::complete));

  Utf8Validator validator;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool possible = judge_utf8(text.first(at + 1)) != Verdict::impossible;
    require(validator.feed(text.subspan(at, 1)) == possible);
    if (!possible) break;
  }
  return 0;
}
