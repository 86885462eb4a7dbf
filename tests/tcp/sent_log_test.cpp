// The log by itself: marks and their counts, cuts, runs of SACKed ranges, retransmissions by time.
#include <doctest/doctest.h>

#include <chrono>

#include "stack/tcp/sent_log.hpp"

namespace sluice::tcp {
namespace {

using namespace std::chrono_literals;

constexpr Time kNow{Duration(5s)};
const Seq kStart = Seq::initial(WireSeq{0xffffffff - 35});

Seq at(std::uint64_t offset) { return kStart + offset; }

// `count` ranges of ten bytes each; the number wraps inside the fourth.
SentLog log_of(unsigned count) {
  SentLog log;
  log.start(kStart);
  for (unsigned i = 1; i <= count; ++i) log.push({.end = at(10 * i), .sent_at = kNow + 1ms * i});
  return log;
}

}  // namespace

TEST_CASE("an empty log begins where it was told, and holds nothing") {
  const SentLog log = log_of(0);
  CHECK(log.begin() == kStart);
  CHECK(log.end() == kStart);
  CHECK(log.empty());
  CHECK(log.outstanding() == 0);
  CHECK(log.footprint() == 0);
  CHECK(log.find(kStart) == 0);
  CHECK_FALSE(log.first_lost(10));
}

TEST_CASE("each number is found in its range, also across the wrap [9293 3.4]") {
  const SentLog log = log_of(100);
  for (std::uint64_t offset = 0; offset < 1000; ++offset) CHECK(log.find(at(offset)) == offset / 10);
  CHECK(log.find(kStart - 5) == 0);
  CHECK(log.find(at(1000)) == log.size());
  CHECK(log.span(7) == SeqRange{at(70), at(80)});
}

TEST_CASE("the front goes in parts and takes its marks along") {
  SentLog log = log_of(4);
  log.mark_sacked(0);
  log.mark_lost(1);
  log.trim_front(at(4));
  CHECK(log.sacked_bytes() == 6);
  CHECK(log.sacked_ranges() == 1);
  log.trim_front(at(10));
  CHECK(log.sacked_bytes() == 0);
  CHECK(log.sacked_ranges() == 0);
  log.trim_front(at(13));
  CHECK(log.lost_bytes() == 7);
  CHECK(log.first_lost(100) == SeqRange{at(13), at(20)});
  log.trim_front(at(20));
  CHECK(log.lost_bytes() == 0);
  CHECK(log.outstanding() == 20);
  CHECK(log.size() == 2);
}

TEST_CASE("marks replace each other, and repeating one changes nothing") {
  SentLog log = log_of(3);
  log.mark_lost(1);
  log.mark_lost(1);
  CHECK(log.lost_bytes() == 10);
  log.mark_sacked(1);
  log.mark_sacked(1);
  CHECK(log.lost_bytes() == 0);
  CHECK(log.sacked_bytes() == 10);
  CHECK(log.sacked_ranges() == 1);
}

TEST_CASE("a cut keeps the marks on both sides") {
  SentLog log = log_of(2);
  log.mark_lost(0);
  log.split(0, at(3));
  CHECK(log.span(0) == SeqRange{at(0), at(3)});
  CHECK(log.span(1) == SeqRange{at(3), at(10)});
  CHECK(log[1].lost);
  CHECK(log[1].sent_at == log[0].sent_at);
  CHECK(log.lost_bytes() == 10);
  log.mark_sacked(2);
  log.split(2, at(15));
  CHECK(log[3].sacked);
  CHECK(log.sacked_bytes() == 10);
  CHECK(log.sacked_ranges() == 2);
  CHECK(log.after_sacked(2) == 4);
}

TEST_CASE("SACK edges cut only so often [A-TCP-30]") {
  SentLog log = log_of(3);
  CHECK(log.split_at_sack(0, at(5), 2));
  CHECK(log.split_at_sack(0, at(2), 2));
  CHECK_FALSE(log.split_at_sack(0, at(1), 2));
  CHECK(log.pieces() == 2);
  CHECK(log.size() == 5);
  log.trim_front(at(2));
  log.trim_front(at(5));
  CHECK(log.pieces() == 1);
  CHECK(log.split_at_sack(0, at(7), 2));
  log.trim_front(at(7));
  log.trim_front(at(10));
  CHECK(log.pieces() == 0);
}

TEST_CASE("a piece that is cut anew is one piece more") {
  SentLog log = log_of(1);
  log.split_at_sack(0, at(4), 9);
  log.split_at_sack(1, at(6), 9);
  log.split(1, at(5));  // a retransmission's edge is ours, not a piece
  CHECK(log.pieces() == 2);
  while (!log.empty()) log.trim_front(log[0].end);
  CHECK(log.pieces() == 0);
}

TEST_CASE("linked runs are stepped over in one go, however they overlap") {
  SentLog log = log_of(10);
  for (const std::size_t i : {2u, 3u, 4u, 6u, 7u}) log.mark_sacked(i);
  log.link_sacked(2, 5);
  log.link_sacked(6, 8);
  CHECK(log[2].sacked_run == 3);
  CHECK(log.after_sacked(2) == 5);
  CHECK(log.after_sacked(3) == 5);
  CHECK(log.after_sacked(5) == 5);
  log.mark_sacked(5);
  log.link_sacked(2, 8);
  CHECK(log[2].sacked_run == 6);
  log.link_sacked(2, 4);  // less than is known already
  CHECK(log[2].sacked_run == 6);
  CHECK(log.after_sacked(2) == 8);
  CHECK(log.after_sacked(9) == 9);
  CHECK(log.after_sacked(10) == 10);
}

TEST_CASE("forgotten SACKs leave no run behind [R2018-8-1]") {
  SentLog log = log_of(5);
  for (std::size_t i = 1; i < 4; ++i) log.mark_sacked(i);
  log.link_sacked(1, 4);
  log.forget_sacks();
  CHECK(log.sacked_bytes() == 0);
  CHECK(log.sacked_ranges() == 0);
  CHECK(log.after_sacked(1) == 1);
  log.mark_sacked(1);
  CHECK(log.after_sacked(1) == 2);
}

TEST_CASE("retransmissions whose SACK is taken back are open again, in the order of time [R2018-8-1] [R8985-6.2-6]") {
  SentLog log = log_of(4);
  for (const std::size_t i : {2u, 0u, 3u}) {
    log.mark_resent(i, {.sent_at = kNow + 1s - 1ms * i});
    log.mark_sacked(i);
  }
  log.forget_sacks();
  log.mark_lost(1);
  REQUIRE(log.oldest_resend() != nullptr);
  CHECK(log.oldest_resend()->range == SeqRange{at(30), at(40)});
  log.drop_oldest_resend();
  CHECK(log.oldest_resend()->range == SeqRange{at(20), at(30)});
  log.drop_oldest_resend();
  CHECK(log.oldest_resend()->range == SeqRange{at(0), at(10)});
}

TEST_CASE("the first lost bytes are found behind SACKed and resent ones") {
  SentLog log = log_of(10);
  log.mark_lost(7);
  CHECK(log.first_lost(100) == SeqRange{at(70), at(80)});
  log.mark_lost(1);
  log.mark_lost(2);
  CHECK(log.first_lost(100) == SeqRange{at(10), at(30)});
  CHECK(log.first_lost(19) == SeqRange{at(10), at(20)});
  CHECK(log.first_lost(4) == SeqRange{at(10), at(14)});
  log.split(1, at(12));
  CHECK(log.first_lost(10) == SeqRange{at(10), at(20)});
  CHECK(log.first_lost(9) == SeqRange{at(10), at(19)});  // two of nine is too little
  for (const std::size_t i : {1u, 2u}) log.mark_resent(i, {.sent_at = kNow + 1s});
  for (std::size_t i = 3; i < 7; ++i) log.mark_sacked(i);
  log.link_sacked(3, 7);
  CHECK(log.first_lost(100) == SeqRange{at(70), at(80)});
  log.mark_resent(8, {.sent_at = kNow + 1s});
  CHECK_FALSE(log.first_lost(100));
}

TEST_CASE("another transmission notes its time and where delivery stands [R8985-6.1-1]") {
  SentLog log = log_of(2);
  log.mark_lost(0);
  log.mark_resent(0, {.sent_at = kNow + 3s, .delivered_at = kNow + 2s, .delivered = 77});
  CHECK(log[0].resent);
  CHECK_FALSE(log[0].lost);
  CHECK(log[0].sent_at == kNow + 3s);
  CHECK(log[0].delivered == 77);
  CHECK(log[0].delivered_at == kNow + 2s);
  CHECK(log.lost_bytes() == 0);
}

TEST_CASE("retransmissions come out oldest first, and the same one again replaces itself [R8985-6.2-6]") {
  SentLog log = log_of(3);
  CHECK(log.oldest_resend() == nullptr);
  log.push_resend({{at(0), at(5)}, kNow});
  log.push_resend({{at(5), at(9)}, kNow + 1ms});
  log.push_resend({{at(5), at(9)}, kNow + 2ms});
  REQUIRE(log.oldest_resend() != nullptr);
  CHECK(log.oldest_resend()->range == SeqRange{at(0), at(5)});
  log.drop_oldest_resend();
  CHECK(log.oldest_resend()->sent_at == kNow + 2ms);
  log.drop_oldest_resend();
  CHECK(log.oldest_resend() == nullptr);
}

TEST_CASE("memory goes when nothing is out, and not before") {
  SentLog log = log_of(50);
  log.push_resend({{at(0), at(5)}, kNow});
  log.release();
  CHECK(log.footprint() > 50 * sizeof(SentRange));
  while (!log.empty()) log.trim_front(log[0].end);
  CHECK(log.footprint() > 0);
  log.release();
  CHECK(log.footprint() == 0);
  CHECK(log.begin() == at(500));
  log.push({.end = at(501), .sent_at = kNow});
  CHECK(log.outstanding() == 1);
}

TEST_CASE("starting again forgets all") {
  SentLog log = log_of(3);
  log.mark_lost(0);
  log.start(at(1000));
  CHECK(log.empty());
  CHECK(log.lost_bytes() == 0);
  CHECK(log.begin() == at(1000));
}

}  // namespace sluice::tcp
