// The player: events of a capture in the order of time, a stack between them; see replay.hpp.
#include "lab/replay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "lab/replay_application.hpp"
#include "lab/replay_comparison.hpp"
#include "lab/replay_numbers.hpp"
#include "lab/replay_stream.hpp"
#include "tun/segmentation.hpp"

namespace sluice::lab {
namespace {

/// A stack that says so much more than its model will not come to rest.
constexpr std::size_t kMostReplies = 10000;

/// Of a ladder around a difference.
constexpr std::size_t kMostRungs = 40;

/// A packet of the capture at the time when it reaches our side, or left it.
struct Due {
  Time at{};
  std::size_t packet = 0;  ///< in the conversation
  bool ours = false;
  /// Of the peer's: what it acknowledges, relative, if our side had sent that; else 0.
  std::uint64_t needs = 0;
};

class Player {
 public:
  Player(const Conversation& conversation, Side us, const ReplaySettings& settings, Verdict& verdict)
      : conversation_(conversation),
        settings_(settings),
        us_(us),
        by_stream_(conversation.kind == ConversationKind::tcp && settings.level <= Level::acks),
        verdict_(verdict),
        host_(config_for(conversation, us, settings), settings.shape, home_for(conversation, us, settings)),
        comparison_(settings, captured_numbers_, replayed_numbers_, verdict) {
    learn();
    captured_run_ = StreamFollower(nullptr, peer_finish());
    replayed_run_ = StreamFollower(&streams_.of(us).text, peer_finish());
    const auto raw = [this](Bytes packet) { say(std::vector<std::uint8_t>(packet.begin(), packet.end())); };
    application_ =
        make_application({conversation, us, settings, streams_.of(us), streams_.of(other(us)), host_.home(), raw});
  }

  void run() {
    if (due_.empty()) return;
    now_ = due_.front().at;
    const Time end = due_.back().at + settings_.after;
    host_.handle_timeout(now_);
    application_->begin();
    for (Time next = now_; next <= end && !is_restless(); next = next_event()) {
      now_ = std::max(now_, next);
      turn();
      while (settings_.level <= Level::acks && !is_restless() && acknowledge_so_far()) turn();
    }
    judge();
  }

 private:
  static Config config_for(const Conversation& conversation, Side us, const ReplaySettings& settings) {
    Config config = settings.stack;
    const IpAddress& address = us == Side::opener ? conversation.opener.address : conversation.other.address;
    config.ip.addresses = {{address, static_cast<std::uint8_t>(address.is_v4() ? 32 : 128)}};
    return config;
  }

  /// The shard of the conversation's own flow.
  static std::uint8_t home_for(const Conversation& conversation, Side us, const ReplaySettings& settings) {
    const bool opened = us == Side::opener;
    FourTuple flow{opened ? conversation.opener : conversation.other,
                   opened ? conversation.other : conversation.opener};
    ip::Protocol protocol = conversation.kind == ConversationKind::tcp ? ip::Protocol::tcp : ip::Protocol::udp;
    if (conversation.kind == ConversationKind::icmp) {
      protocol = ip::Protocol::icmp;
      flow.local.port = flow.remote.port = 0;
    }
    return Host::home_of(flow, protocol, settings.stack.key, settings.shape);
  }

  bool is_restless() const noexcept { return verdict_.got >= kMostReplies + 4 * due_.size(); }
  Duration since_start(Time at) const noexcept { return at - conversation_.packets.front().at; }
  static Side other(Side side) noexcept { return side == Side::opener ? Side::other : Side::opener; }

  void learn() {
    captured_.isn = us_ == Side::opener ? conversation_.opener_isn : conversation_.other_isn;
    peer_.isn = us_ == Side::opener ? conversation_.other_isn : conversation_.opener_isn;
    due_.reserve(conversation_.packets.size());
    for (std::size_t i = 0; i < conversation_.packets.size(); ++i) {
      const ConversationPacket& packet = conversation_.packets[i];
      Due due{packet.at, i, is_ours(packet, us_)};
      verdict_.super_segments += packet.bytes.size() > settings_.stack.ip.mtu ? 1u : 0u;
      verdict_.cut += packet.cut ? 1u : 0u;
      due.at += due.ours ? -settings_.distance : settings_.distance;
      due_.push_back(due);
    }
    streams_ = both_streams(conversation_, [this](std::size_t i, const SegmentView& one) { learn(one, due_[i]); });
    captured_numbers_ = {captured_.side(), peer_.side()};
    if (settings_.distance != Duration::zero())
      std::stable_sort(due_.begin(), due_.end(), [](const Due& a, const Due& b) { return a.at < b.at; });
  }

  void learn(const SegmentView& segment, Due& due) {
    (due.ours ? captured_ : peer_).learn(segment);
    verdict_.unfinished += has_unfinished_checksum(segment) ? 1u : 0u;
    if (!due.ours) due.needs = needs(segment.header);
    if (due.ours && due.packet > 0) takes_syn_text_ = takes_syn_text_ || answers_text(segment.header);
  }

  /// A SYN,ACK of ours that took more than the SYN.
  bool answers_text(const wire::tcp::Header& header) const {
    return header.has(wire::tcp::syn) && header.has(wire::tcp::ack) && peer_.isn && header.ack - *peer_.isn > 1;
  }

  std::uint64_t needs(const wire::tcp::Header& header) const {
    if (!header.has(wire::tcp::ack) || !captured_.isn) return 0;
    const std::uint64_t acked = unwrapped(header.ack - *captured_.isn, captured_.end);
    return acked <= captured_.end ? acked : 0;  // left of the first number it is larger than anything
  }

  Time next_event() const {
    return next_ < due_.size() ? std::min(host_.next_timeout(), due_[next_].at) : host_.next_timeout();
  }

  bool is_due(bool ours) const { return next_ < due_.size() && due_[next_].at <= now_ && due_[next_].ours == ours; }

  /// Everything that reaches us before our next packet; then time; then the application; then what leaves.
  void turn() {
    for (; is_due(false); ++next_) waiting_.push_back(due_[next_]);
    hear();
    host_.handle_timeout(now_);
    for (; is_due(true); ++next_) {
      expect(due_[next_]);
      application_->act(due_[next_].packet);
    }
    application_->pump();
    SinkOf sink([this](const Frame& frame) noexcept {
      say(frame);
      return true;
    });
    host_.poll_transmit(now_, sink);
    while (host_.poll_event()) continue;
  }

  /// An acknowledgement of what we have not sent yet waits until we have.
  void hear() {
    if (!waiting_.empty() && !syn_text_.empty()) {
      ++verdict_.added;
      receive(std::exchange(syn_text_, {}));
    }
    const std::uint64_t before = replayed_.end;
    while (!waiting_.empty() && before >= waiting_.front().needs) {
      const Due due = waiting_.front();
      waiting_.pop_front();
      verdict_.late += due.at < now_ ? 1u : 0u;
      Packet packet = Packet::copy_of(pool_, conversation_.packets[due.packet].bytes);
      translate(packet.bytes(), translation(captured_, replayed_));
      if (takes_syn_text_) show_cookie(packet.bytes(), own_cookie());
      batch_.push_back(std::move(packet));
      if (!settings_.shape.offload) receive_batch();
    }
    receive_batch();
  }

  /// What our stack gives to this peer.
  wire::tcp::FastOpen own_cookie() const {
    const tcp::FastOpenCookies cookies(settings_.stack.key, settings_.stack.tcp.fast_open_period);
    return cookies.make(conversation_.opener.address, false, now_);
  }

  void receive(Packet packet) {
    batch_.push_back(std::move(packet));
    receive_batch();
  }

  /// What a device with offloads would hand over at once.
  void receive_batch() {
    if (batch_.empty()) return;
    for (const Packet& packet : batch_)
      if (settings_.on_packet) settings_.on_packet(now_, Direction::in, packet.bytes());
    host_.receive(batch_, now_);
    batch_.clear();
  }

  /// Our side sends in smaller portions than the capture's did, and the peer's next packet acknowledges more than it
  /// has: what a peer would say to that. False when there is nothing new to acknowledge.
  bool acknowledge_so_far() {
    if (waiting_.empty() || replayed_.end <= acknowledged_) return false;
    acknowledged_ = replayed_.end;
    const Bytes next = conversation_.packets[waiting_.front().packet].bytes;
    const auto bytes = earlier_ack(next, acknowledged_, captured_, replayed_);
    if (!bytes) return false;
    ++verdict_.added;
    receive(Packet::copy_of(pool_, *bytes));
    return true;
  }

  /// Our side of the capture, as it comes.
  void expect(const Due& due) {
    const ConversationPacket& packet = conversation_.packets[due.packet];
    ++verdict_.expected;
    if (!by_stream_)
      comparison_.expect({packet.number, since_start(due.at), packet.bytes});
    else if (const auto segment = view_segment(packet.bytes))
      captured_run_.look(*segment, packet.number, since_start(due.at), captured_numbers_);
  }

  /// Our side took a SYN without its text, where the capture's side perhaps knew its cookie: the peer says it again.
  void notice_refused_text(const wire::tcp::Header& ours) {
    const bool refuses = settings_.level <= Level::acks && ours.has(wire::tcp::syn) && ours.has(wire::tcp::ack) &&
                         peer_.isn && ours.ack == *peer_.isn + 1;
    if (!refuses || std::exchange(refused_text_, true)) return;
    const ConversationPacket& first = conversation_.packets.front();
    if (auto text = is_ours(first, us_) ? std::nullopt : text_of_syn(first.bytes, replayed_))
      syn_text_ = Packet::copy_of(pool_, *text);
  }

  /// What the wire carries of a frame.
  void say(const Frame& frame) {
    const Slice whole = frame.copy();
    const auto say_bytes = [this](Bytes packet) { say(std::vector<std::uint8_t>(packet.begin(), packet.end())); };
    if (!frame.checksum_partial) return say_bytes(whole.bytes());
    tun::Segments segments(whole.bytes(), frame.gso_size);
    for (Bytes piece = segments.next(); !piece.empty(); piece = segments.next()) say_bytes(piece);
  }

  void say(std::vector<std::uint8_t> packet) {
    const auto segment = view_segment(packet);
    if (segment) {
      replayed_.learn(*segment);
      notice_refused_text(segment->header);
    }
    if (settings_.on_packet) settings_.on_packet(now_, Direction::out, packet);
    replayed_numbers_ = {replayed_.side(), peer_.side()};
    ++verdict_.got;
    if (!by_stream_)
      comparison_.got(std::move(packet), since_start(now_));
    else if (segment)
      replayed_run_.look(*segment, 0, since_start(now_), replayed_numbers_);
  }

  void judge() {
    verdict_.counts = host_.counts();
    if (by_stream_)
      compare_streams(captured_run_.run(), replayed_run_.run(), settings_.level, settings_.ack_delay, verdict_);
    else
      comparison_.finish();
    if (const auto byte = application_->misread())
      verdict_.differences.push_back(
          {Difference::Kind::changed, 0, {}, fmt::format("text read: byte {}", *byte), "", ""});
    for (const Due& due : waiting_) {
      if (verdict_.differences.size() > settings_.most_differences) break;
      const ConversationPacket& packet = conversation_.packets[due.packet];
      verdict_.differences.push_back({Difference::Kind::waiting, packet.number, since_start(packet.at),
                                      "of the peer: acknowledges what was never sent",
                                      packet_text(packet.bytes, of_peer(), false), ""});
    }
    draw_peer();
    if (is_restless()) verdict_.error = "the stack does not come to rest";
  }

  /// The capture's numbers as the peer sees them.
  Numbers of_peer() const { return {captured_numbers_.peers, captured_numbers_.ours}; }

  /// The peer's packets, where they came, into the ladder around the first difference.
  void draw_peer() {
    std::vector<ReplayRung>& ladder = verdict_.ladder;
    if (ladder.empty()) return;
    const std::size_t first = ladder.front().place, last = ladder.back().place;
    for (const ConversationPacket& packet : conversation_.packets) {
      if (packet.number < first || packet.number > last || is_ours(packet, us_)) continue;
      const std::string text = short_packet_text(packet.bytes, of_peer());
      ladder.push_back({packet.number, packet.number, since_start(packet.at), text, "", true, false});
      if (ladder.size() > kMostRungs) break;
    }
    std::stable_sort(ladder.begin(), ladder.end(),
                     [](const ReplayRung& a, const ReplayRung& b) { return a.place < b.place; });
  }

  /// What an acknowledgement of the peer's FIN counts to, his text and the FIN; 0 without one.
  std::uint64_t peer_finish() {
    const OurStream& theirs = streams_.of(other(us_));
    return theirs.finished ? theirs.text.size() + 1 : 0;
  }

  const Conversation& conversation_;
  const ReplaySettings& settings_;
  Side us_;
  BothStreams streams_;
  bool by_stream_;  ///< what counts is what the connection came to
  Verdict& verdict_;
  BufferPool pool_;
  Host host_;
  std::vector<Packet> batch_;
  std::unique_ptr<ReplayApplication> application_;
  std::vector<Due> due_;
  std::size_t next_ = 0;
  std::deque<Due> waiting_;
  NumberBase captured_;
  NumberBase replayed_;
  NumberBase peer_;
  Numbers captured_numbers_;
  Numbers replayed_numbers_;
  Comparison comparison_;
  StreamFollower captured_run_{nullptr, 0};  ///< both begin when the streams are known
  StreamFollower replayed_run_{nullptr, 0};
  Packet syn_text_;  ///< that is to be said again
  bool refused_text_ = false;
  bool takes_syn_text_ = false;     ///< our side of the capture, by a cookie
  std::uint64_t acknowledged_ = 0;  ///< by acknowledge_so_far(), relative
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

/// The packets that a stack said and heard, as the conversation that they are.
class Heard {
 public:
  explicit Heard(const Conversation& captured) {
    conversation_.kind = captured.kind;
    conversation_.opener = captured.opener;
    conversation_.other = captured.other;
    conversation_.has_opening = true;
  }

  void add(Time at, bool from_opener, Bytes packet) {
    const auto& bytes = bytes_.emplace_back(packet.begin(), packet.end());
    const std::size_t number = bytes_.size();
    conversation_.packets.push_back({number, at, from_opener, Direction::unknown, false, bytes});
    if (const auto segment = view_segment(bytes)) (from_opener ? opener_ : other_).learn(*segment);
  }

  const Conversation& conversation() {
    conversation_.opener_isn = opener_.isn;
    conversation_.other_isn = other_.isn;
    return conversation_;
  }

 private:
  Conversation conversation_;
  std::deque<std::vector<std::uint8_t>> bytes_;
  NumberBase opener_;
  NumberBase other_;
};

/// Plays as at level `stream`, and compares what the bytes mean in place of the bytes.
Verdict replay_messages(const Conversation& conversation, Side us, const ReplaySettings& settings) {
  Heard heard(conversation);
  ReplaySettings streams = settings;
  streams.level = Level::stream;
  streams.on_packet = [&](Time at, Direction direction, Bytes packet) {
    heard.add(at, (direction == Direction::out) == (us == Side::opener), packet);
    if (settings.on_packet) settings.on_packet(at, direction, packet);
  };
  Verdict verdict = replay(conversation, us, streams);
  verdict.level = Level::messages;
  verdict.differences.clear();
  if (!verdict.error.empty()) return verdict;
  const auto captured = settings.interpret(conversation), replayed = settings.interpret(heard.conversation());
  if (captured.empty()) verdict.error = "its text is neither HTTP nor WebSocket";
  verdict.messages = captured.size();
  for (std::size_t i = 0; i < std::max(captured.size(), replayed.size()); ++i) {
    const std::string a = i < captured.size() ? captured[i] : "", b = i < replayed.size() ? replayed[i] : "";
    if (a == b) continue;
    verdict.differences.push_back({Difference::Kind::changed, 0, {}, fmt::format("message {}", i + 1), a, b});
    if (verdict.differences.size() == settings.most_differences) break;
  }
  return verdict;
}

}  // namespace

std::string_view name(Level level) noexcept {
  switch (level) {
    case Level::messages: return "messages";
    case Level::stream: return "stream";
    case Level::acks: return "acks";
    case Level::segments: return "segments";
    case Level::timing: return "timing";
  }
  return "";
}

std::optional<Level> level_of(std::string_view text) noexcept {
  for (const Level level : {Level::messages, Level::stream, Level::acks, Level::segments, Level::timing})
    if (name(level) == text) return level;
  return std::nullopt;
}

std::string_view name(Side side) noexcept { return side == Side::opener ? "opener" : "other side"; }

Verdict replay(const Conversation& conversation, Side us, const ReplaySettings& settings) {
  Verdict verdict;
  verdict.title = fmt::format("{} as the {}", conversation.title(), name(us));
  verdict.level = settings.level;
  if (settings.until != 0 && conversation.packets.back().number > settings.until) {
    Conversation shorter = conversation;
    std::erase_if(shorter.packets, [&](const ConversationPacket& one) { return one.number > settings.until; });
    ReplaySettings all = settings;
    all.until = 0;
    return replay(shorter, us, all);
  }
  verdict.error = obstacle(conversation, us);
  const bool tcp = conversation.kind == ConversationKind::tcp;
  if (verdict.error.empty() && settings.level == Level::messages && !(tcp && settings.interpret))
    verdict.error = "only TCP has messages";
  if (verdict.error.empty() && settings.level == Level::messages) return replay_messages(conversation, us, settings);
  if (verdict.error.empty()) Player(conversation, us, settings, verdict).run();
  return verdict;
}

}  // namespace sluice::lab
