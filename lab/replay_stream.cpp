// See replay_stream.hpp.
#include "lab/replay_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace sluice::lab {
namespace {

namespace flag = wire::tcp;

void differ(Verdict& verdict, std::string reason, std::string expected, std::string got,
            const StreamRun::Acked* where = nullptr) {
  verdict.differences.push_back({Difference::Kind::changed, where ? where->number : 0, where ? where->at : Duration{},
                                 std::move(reason), std::move(expected), std::move(got)});
}

void compare_length(const char* what, std::uint64_t captured, std::uint64_t replayed, Verdict& verdict) {
  if (captured != replayed)
    differ(verdict, fmt::format("{}: length", what), fmt::format("{} bytes", captured),
           fmt::format("{} bytes", replayed));
}

std::string end_text(const StreamRun& run) {
  std::string text = run.reset ? "a RST of ours" : run.finished ? "a FIN of ours" : "no end of ours";
  return text + (run.heard_finish ? ", the peer's FIN acknowledged" : "");
}

// A FIN that a RST follows, or replaces, is another end; nothing else of it matters here.
void compare_end(const StreamRun& captured, const StreamRun& replayed, Verdict& verdict) {
  const bool same = captured.reset == replayed.reset && captured.heard_finish == replayed.heard_finish &&
                    (captured.reset || captured.finished == replayed.finished);
  if (!same) differ(verdict, "end of the connection", end_text(captured), end_text(replayed));
}

// Whatever was acknowledged in one run at some time was acknowledged in the other not much later.
void compare_acks(const StreamRun& captured, const StreamRun& replayed, Duration delay, Verdict& verdict) {
  std::size_t i = 0;
  for (const StreamRun::Acked& one : captured.acked) {
    while (i < replayed.acked.size() && replayed.acked[i].bytes < one.bytes) ++i;
    const bool in_time = i < replayed.acked.size() && replayed.acked[i].at <= one.at + delay;
    if (in_time) continue;
    differ(verdict, "acknowledgement", fmt::format("ack {}", one.bytes + 1),
           i < replayed.acked.size() ? fmt::format("ack {} at {:.6f} s", replayed.acked[i].bytes + 1,
                                                   std::chrono::duration<double>(replayed.acked[i].at).count())
                                     : "nothing",
           &one);
    return;  // the first one; what follows mostly follows from it
  }
}

}  // namespace

void StreamFollower::look(const SegmentView& segment, std::size_t number, Duration at, const Numbers& numbers) {
  const wire::tcp::Header& header = segment.header;
  if (header.has(flag::rst)) {
    // After both FINs it answers a straggler, and the connection has ended already.
    run_.reset = run_.reset || !(run_.finished && run_.heard_finish);
    return;
  }
  const std::uint32_t wire = header.seq - numbers.ours.first - (header.has(flag::syn) ? 0 : 1);
  const std::uint64_t offset = unwrapped(wire, run_.sent);
  const Bytes text = segment.text;
  const bool behind_syn = static_cast<std::int64_t>(offset) >= 0;
  if (behind_syn && !text.empty()) {
    const std::size_t good = ours_ ? ours_->agreement(offset, text) : text.size();
    if (good < text.size() && !run_.wrong) run_.wrong = offset + good;
    run_.sent = std::max(run_.sent, offset + text.size());
  }
  run_.finished = run_.finished || header.has(flag::fin);
  if (header.has(flag::ack)) acknowledge(unwrapped(header.ack - numbers.peers.first - 1, run_.heard), number, at);
}

void StreamFollower::acknowledge(std::uint64_t bytes, std::size_t number, Duration at) {
  const std::uint64_t before = run_.acked.empty() ? 0 : run_.acked.back().bytes;
  if (static_cast<std::int64_t>(bytes) <= 0 || bytes <= before) return;
  run_.acked.push_back({at, bytes, number});
  run_.heard_finish = peer_finish_ != 0 && bytes >= peer_finish_;
  run_.heard = bytes - (run_.heard_finish ? 1 : 0);
}

void compare_streams(const StreamRun& captured, const StreamRun& replayed, Level level, Duration delay,
                     Verdict& verdict) {
  if (replayed.wrong && *replayed.wrong < captured.sent)
    differ(verdict, fmt::format("text sent: byte {}", *replayed.wrong), "", "");
  compare_length("text sent", captured.sent, replayed.sent, verdict);
  compare_length("text received", captured.heard, replayed.heard, verdict);
  compare_end(captured, replayed, verdict);
  if (level == Level::acks) compare_acks(captured, replayed, delay, verdict);
}

}  // namespace sluice::lab
