// The player: events of a capture in the order of time, a stack between them; see replay.hpp.
#include "lab/replay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "lab/replay_application.hpp"
#include "lab/replay_numbers.hpp"
#include "lab/replay_stream.hpp"
#include "lab/replay_verdict.hpp"

namespace sluice::lab {
namespace {

/// A stack that says so much more than its model will not come to rest.
constexpr std::size_t kMostReplies = 10000;

/// A packet of the capture at the time when it reaches our side, or left it.
struct Due {
  Time at{};
  std::size_t packet = 0;  ///< in the conversation
  bool ours = false;
  /// Of the peer's: what it acknowledges, relative, if our side had sent that; else 0.
  std::uint32_t needs = 0;
};

struct Sent {
  Time at{};
  std::vector<std::uint8_t> bytes;
};

class Player {
 public:
  Player(const Conversation& conversation, Side us, const ReplaySettings& settings)
      : conversation_(conversation), settings_(settings), us_(us), stack_(config_for(conversation, us, settings)) {
    learn(us);
    application_ = make_application(conversation, us, settings, stack_, [this](Bytes packet) { say(packet); });
  }

  void run(Verdict& verdict) {
    now_ = due_.front().at;
    const Time end = due_.back().at + settings_.after;
    stack_.handle_timeout(now_);
    application_->begin();
    for (Time next = now_; next <= end && sent_.size() < most_sent(); next = next_event()) {
      now_ = std::max(now_, next);
      turn();
      while (settings_.level <= Level::acks && sent_.size() < most_sent() && acknowledge_so_far()) turn();
    }
    judge(verdict);
  }

 private:
  static Config config_for(const Conversation& conversation, Side us, const ReplaySettings& settings) {
    Config config = settings.stack;
    const IpAddress& address = us == Side::opener ? conversation.opener.address : conversation.other.address;
    config.ip.addresses = {{address, static_cast<std::uint8_t>(address.is_v4() ? 32 : 128)}};
    return config;
  }

  std::size_t most_sent() const noexcept { return kMostReplies + 4 * due_.size(); }
  Time start() const noexcept { return conversation_.packets.front().at; }

  void learn(Side us) {
    captured_.isn = us == Side::opener ? conversation_.opener_isn : conversation_.other_isn;
    peer_.isn = us == Side::opener ? conversation_.other_isn : conversation_.opener_isn;
    for (std::size_t i = 0; i < conversation_.packets.size(); ++i) {
      const ConversationPacket& packet = conversation_.packets[i];
      Due due{packet.at, i, is_ours(packet, us)};
      const auto view = view_datagram(packet.bytes);
      if (view) (due.ours ? captured_ : peer_).learn(*view);
      if (view) unfinished_ += has_unfinished_checksum(*view) ? 1u : 0u;
      super_segments_ += packet.bytes.size() > settings_.stack.ip.mtu ? 1u : 0u;
      if (view && !due.ours) due.needs = needs(*view);
      due.at += due.ours ? -settings_.distance : settings_.distance;
      due_.push_back(due);
    }
    std::stable_sort(due_.begin(), due_.end(), [](const Due& a, const Due& b) { return a.at < b.at; });
  }

  std::uint32_t needs(const DatagramView& view) const {
    const auto header = tcp_header(view);
    if (!header || !header->has(wire::tcp::ack) || !captured_.isn) return 0;
    const std::uint32_t acked = header->ack - *captured_.isn;
    return static_cast<std::int32_t>(captured_.end - acked) >= 0 && static_cast<std::int32_t>(acked) > 0 ? acked : 0;
  }

  Time next_event() const {
    return next_ < due_.size() ? std::min(stack_.next_timeout(), due_[next_].at) : stack_.next_timeout();
  }

  bool is_due(bool ours) const { return next_ < due_.size() && due_[next_].at <= now_ && due_[next_].ours == ours; }

  /// Everything that reaches us before our next packet; then time; then the application; then what leaves.
  void turn() {
    for (; is_due(false); ++next_) waiting_.push_back(due_[next_]);
    hear();
    stack_.handle_timeout(now_);
    for (; is_due(true); ++next_) application_->act(due_[next_].packet);
    application_->pump();
    SinkOf sink([this](const Frame& frame) noexcept {
      std::vector<std::uint8_t> bytes(frame.head.begin(), frame.head.end());
      for (const Slice& piece : frame.body) bytes.insert(bytes.end(), piece.bytes().begin(), piece.bytes().end());
      say(bytes);
      return true;
    });
    stack_.poll_transmit(now_, sink);
    while (stack_.poll_event()) continue;
  }

  /// An acknowledgement of what we have not sent yet waits until we have.
  void hear() {
    const std::uint32_t before = replayed_.end;
    while (!waiting_.empty() && static_cast<std::int32_t>(before - waiting_.front().needs) >= 0) {
      const Due due = waiting_.front();
      waiting_.pop_front();
      late_ += due.at < now_ ? 1u : 0u;
      const auto bytes = translated(conversation_.packets[due.packet].bytes, translation(captured_, replayed_));
      Packet packet = Packet::copy_of(pool_, bytes);
      stack_.receive(std::span(&packet, 1), now_);
    }
  }

  /// Our side sends in smaller portions than the capture's did, and the peer's next packet acknowledges more than it
  /// has: what a peer would say to that. False when there is nothing new to acknowledge.
  bool acknowledge_so_far() {
    if (waiting_.empty() || static_cast<std::int32_t>(replayed_.end - acknowledged_) <= 0) return false;
    acknowledged_ = replayed_.end;
    const Bytes next = conversation_.packets[waiting_.front().packet].bytes;
    const auto bytes = earlier_ack(next, acknowledged_, captured_, replayed_);
    if (!bytes) return false;
    ++added_;
    Packet packet = Packet::copy_of(pool_, *bytes);
    stack_.receive(std::span(&packet, 1), now_);
    return true;
  }

  void say(Bytes packet) {
    if (const auto view = view_datagram(packet)) replayed_.learn(*view);
    sent_.push_back({now_, {packet.begin(), packet.end()}});
  }

  void judge(Verdict& verdict) {
    std::vector<SaidPacket> expected, got;
    for (const Due& due : due_) {
      const ConversationPacket& packet = conversation_.packets[due.packet];
      if (due.ours) expected.push_back({packet.number, due.at - start(), packet.bytes});
    }
    for (const Sent& one : sent_) got.push_back({0, one.at - start(), one.bytes});
    const Numbers before{captured_.side(), peer_.side()}, after{replayed_.side(), peer_.side()};
    verdict.late = late_;
    verdict.added = added_;
    verdict.unfinished = unfinished_;
    verdict.super_segments = super_segments_;
    verdict.level = settings_.level;
    if (settings_.level <= Level::acks && conversation_.kind == ConversationKind::tcp)
      judge_streams(expected, before, got, after, verdict);
    else
      compare(expected, before, got, after, settings_, verdict);
    for (const Due& due : waiting_) {
      const ConversationPacket& packet = conversation_.packets[due.packet];
      verdict.differences.push_back({Difference::Kind::waiting, packet.number, packet.at - start(),
                                     "of the peer: acknowledges what was never sent",
                                     packet_text(packet.bytes, {peer_.side(), captured_.side()}, false), ""});
      if (verdict.differences.size() > settings_.most_differences) break;
    }
    if (sent_.size() >= most_sent()) verdict.error = "the stack does not come to rest";
  }

  void judge_streams(std::span<const SaidPacket> expected, const Numbers& before, std::span<const SaidPacket> got,
                     const Numbers& after, Verdict& verdict) const {
    const Side peer = us_ == Side::opener ? Side::other : Side::opener;
    const std::vector<std::uint8_t> text = our_stream(conversation_, peer).text;
    verdict.expected = expected.size();
    verdict.got = got.size();
    const std::uint32_t finish = finish_of(peer);
    compare_streams(stream_run(expected, before, text, finish), stream_run(got, after, text, finish), settings_.level,
                    settings_.ack_delay, verdict);
  }

  /// What an acknowledgement of the peer's FIN counts to, its text and the FIN; 0 without one.
  std::uint32_t finish_of(Side peer) const {
    for (const ConversationPacket& packet : conversation_.packets) {
      const auto view = is_ours(packet, peer) ? view_datagram(packet.bytes) : std::nullopt;
      const auto header = view ? tcp_header(*view) : std::nullopt;
      if (!header || !header->has(wire::tcp::fin)) continue;
      const auto text = static_cast<std::uint32_t>(view->transport.size() - header->size);
      return header->seq + text - peer_.isn.value_or(0);
    }
    return 0;
  }

  const Conversation& conversation_;
  const ReplaySettings& settings_;
  Side us_;
  BufferPool pool_;
  Stack stack_;
  std::unique_ptr<ReplayApplication> application_;
  std::vector<Due> due_;
  std::size_t next_ = 0;
  std::deque<Due> waiting_;
  NumberBase captured_;
  NumberBase replayed_;
  NumberBase peer_;
  std::vector<Sent> sent_;
  std::size_t late_ = 0;
  std::uint32_t acknowledged_ = 0;  ///< by acknowledge_so_far(), relative
  std::size_t added_ = 0;
  std::size_t unfinished_ = 0;
  std::size_t super_segments_ = 0;
  Time now_{};
};

/// Why there can be no replay, or empty.
std::string obstacle(const Conversation& conversation, Side us) {
  const auto& packets = conversation.packets;
  const bool speaks =
      std::any_of(packets.begin(), packets.end(), [us](const ConversationPacket& one) { return is_ours(one, us); });
  if (!speaks) return "the capture holds no packet of this side";
  if (conversation.kind == ConversationKind::tcp && !conversation.has_opening)
    return "the SYN that opened the connection is not in the capture";
  for (const Endpoint* end : {&conversation.opener, &conversation.other})
    if (end->address.is_invalid_source()) return "no packet may come from " + end->address.to_string();
  if (conversation.opener.address.family() != conversation.other.address.family())
    return "the two sides are of different families";
  return "";
}

}  // namespace

std::string_view name(Level level) noexcept {
  switch (level) {
    case Level::stream: return "stream";
    case Level::acks: return "acks";
    case Level::segments: return "segments";
    case Level::timing: return "timing";
  }
  return "";
}

std::string_view name(Side side) noexcept { return side == Side::opener ? "opener" : "other side"; }

Verdict replay(const Conversation& conversation, Side us, const ReplaySettings& settings) {
  Verdict verdict;
  verdict.title = fmt::format("{} as the {}", conversation.title(), name(us));
  verdict.error = obstacle(conversation, us);
  if (verdict.error.empty()) Player(conversation, us, settings).run(verdict);
  return verdict;
}

}  // namespace sluice::lab
