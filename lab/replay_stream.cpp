// See replay_stream.hpp.
#include "lab/replay_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "lab/replay_numbers.hpp"

namespace sluice::lab {
namespace {

namespace flag = wire::tcp;

constexpr std::size_t kLargestStream = std::size_t{1} << 30;

/// Puts text where it belongs, and takes the first copy of what comes twice.
void place(std::vector<std::uint8_t>& stream, std::uint64_t at, Bytes text) {
  if (at + text.size() > kLargestStream || at + text.size() <= stream.size()) return;
  const std::size_t known = at < stream.size() ? stream.size() - static_cast<std::size_t>(at) : 0;
  const std::size_t begin = std::max<std::size_t>(stream.size(), static_cast<std::size_t>(at));
  stream.resize(begin);
  stream.insert(stream.end(), text.begin() + static_cast<std::ptrdiff_t>(known), text.end());
}

class Follower {
 public:
  Follower(const Numbers& numbers, Bytes text, std::uint32_t peer_finish)
      : numbers_(numbers), text_(text), peer_finish_(peer_finish) {}

  void look(const SaidPacket& packet) {
    const auto view = view_datagram(packet.bytes);
    const auto header = view ? tcp_header(*view) : std::nullopt;
    if (!header) return;
    if (header->has(flag::rst)) {
      run_.reset = true;
      return;
    }
    const std::uint32_t at = header->seq - numbers_.ours.first - (header->has(flag::syn) ? 0 : 1);
    const Bytes text = view->transport.subspan(header->size);
    if (static_cast<std::int32_t>(at) >= 0) place(run_.sent, at, text);
    run_.finished = run_.finished || header->has(flag::fin);
    if (header->has(flag::ack)) acknowledge(header->ack - numbers_.peers.first - 1, packet);
  }

  StreamRun take() {
    const std::uint64_t bytes = run_.acked.empty() ? 0 : run_.acked.back().bytes;
    const std::size_t count = std::min<std::size_t>(static_cast<std::size_t>(bytes), text_.size());
    run_.heard.assign(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(count));
    run_.heard_finish = peer_finish_ != 0 && bytes >= peer_finish_;
    return std::move(run_);
  }

 private:
  void acknowledge(std::uint32_t bytes, const SaidPacket& packet) {
    const std::uint64_t before = run_.acked.empty() ? 0 : run_.acked.back().bytes;
    if (static_cast<std::int32_t>(bytes) <= 0 || bytes <= before) return;
    run_.acked.push_back({packet.at, bytes, packet.number});
  }

  const Numbers& numbers_;
  Bytes text_;
  std::uint32_t peer_finish_;
  StreamRun run_;
};

void differ(Verdict& verdict, std::string reason, std::string expected, std::string got,
            const StreamRun::Acked* where = nullptr) {
  verdict.differences.push_back({Difference::Kind::changed, where ? where->number : 0, where ? where->at : Duration{},
                                 std::move(reason), std::move(expected), std::move(got)});
}

void compare_text(const char* what, Bytes captured, Bytes replayed, Verdict& verdict) {
  const auto [a, b] = std::mismatch(captured.begin(), captured.end(), replayed.begin(), replayed.end());
  if (a == captured.end() && b == replayed.end()) return;
  const auto at = a - captured.begin();
  const bool cut = a == captured.end() || b == replayed.end();
  differ(verdict, cut ? fmt::format("{}: length", what) : fmt::format("{}: byte {}", what, at),
         fmt::format("{} bytes", captured.size()), fmt::format("{} bytes", replayed.size()));
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

StreamRun stream_run(std::span<const SaidPacket> ours, const Numbers& numbers, std::span<const std::uint8_t> text,
                     std::uint32_t peer_finish) {
  Follower follower(numbers, text, peer_finish);
  for (const SaidPacket& packet : ours) follower.look(packet);
  return follower.take();
}

void compare_streams(const StreamRun& captured, const StreamRun& replayed, Level level, Duration delay,
                     Verdict& verdict) {
  compare_text("text sent", captured.sent, replayed.sent, verdict);
  compare_text("text received", captured.heard, replayed.heard, verdict);
  compare_end(captured, replayed, verdict);
  if (level == Level::acks) compare_acks(captured, replayed, delay, verdict);
}

}  // namespace sluice::lab
