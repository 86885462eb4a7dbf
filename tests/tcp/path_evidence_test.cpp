// Which claims that packets are too big are believed, by what has left and arrived (RFC 5927 7.2).
#include "stack/tcp/path_evidence.hpp"

#include <doctest/doctest.h>

namespace sluice::tcp {
namespace {

using Verdict = PathEvidence::Verdict;

TEST_CASE("a claim about more than was ever sent is refused [R5927-7.2-2, R1191-3-3, R8201-4-3]") {
  PathEvidence evidence;
  CHECK(evidence.judge(68) == Verdict::refuse);
  evidence.on_sent(1400, Seq(100));
  CHECK(evidence.judge(1400) == Verdict::refuse);
  CHECK(evidence.judge(1500) == Verdict::refuse);
  CHECK(evidence.judge(1399) == Verdict::believe);
}

TEST_CASE(
    "a claim about what has not arrived yet is believed, one about what has is doubted [R5927-7.2-1, R5927-7.2-2]") {
  PathEvidence evidence;
  evidence.on_sent(1000, Seq(1000));
  evidence.on_sent(1500, Seq(2500));
  evidence.on_acknowledged(Seq(2499));
  CHECK(evidence.judge(600) == Verdict::believe);
  evidence.on_acknowledged(Seq(2500));
  CHECK(evidence.largest_arrived() == 1500);
  CHECK(evidence.judge(1499) == Verdict::doubt);
  CHECK(evidence.judge(68) == Verdict::doubt);
}

TEST_CASE("a doubtful claim is dropped when what it was about arrives [R5927-7.2-1]") {
  PathEvidence evidence;
  evidence.on_sent(1500, Seq(1500));
  evidence.keep_claim(1000, Seq(700));
  evidence.on_acknowledged(Seq(700));
  CHECK(evidence.take_claim() == 1000);
  CHECK(evidence.take_claim() == 0);
  evidence.keep_claim(1000, Seq(700));
  evidence.on_acknowledged(Seq(701));
  CHECK(evidence.take_claim() == 0);
}

TEST_CASE("after a narrowing only what leaves from then on counts [R1191-6.4-2]") {
  PathEvidence evidence;
  evidence.on_sent(1500, Seq(1500));
  evidence.on_narrowed(1300);
  CHECK(evidence.judge(1300) == Verdict::refuse);  // the same news again, about what left before
  evidence.on_acknowledged(Seq(1500));             // by the smaller packets
  CHECK(evidence.largest_arrived() == 0);
  evidence.on_sent(1300, Seq(2800));
  CHECK(evidence.judge(1200) == Verdict::believe);
}

}  // namespace
}  // namespace sluice::tcp
