// The three applications: of a TCP connection, of a UDP socket, of a ping; see replay_application.hpp.
#include "lab/replay_application.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "stack/tcp/seq.hpp"
#include "stack/wire/icmp.hpp"
#include "stack/wire/icmpv6.hpp"
#include "stack/wire/udp.hpp"

namespace sluice::lab {
namespace {

namespace flag = wire::tcp;

/// A capture may lack packets, but not this much: numbers that would have us write that many zeros are lies.
constexpr std::size_t kLargestGaps = 1u << 20;

const Endpoint& our_end(const Conversation& conversation, Side us) {
  return us == Side::opener ? conversation.opener : conversation.other;
}

const Endpoint& peer_end(const Conversation& conversation, Side us) {
  return us == Side::opener ? conversation.other : conversation.opener;
}

// --- what was said ---------------------------------------------------------------------------------------------------

/// Gathers the text of one side, segment by segment.
class StreamReader {
 public:
  StreamReader(const std::optional<std::uint32_t>& isn, OurStream& into) : into_(into) {
    if (isn) first_ = tcp::Seq::initial(tcp::WireSeq{*isn}) + 1;
  }

  void look(std::size_t packet, const SegmentView& segment) {
    const wire::tcp::Header& header = segment.header;
    if ((header.flags & (flag::syn | flag::fin | flag::rst)) != 0) into_.turns.push_back(packet);
    if (!first_ || header.has(flag::rst)) return;
    into_.finished = into_.finished || header.has(flag::fin);
    const std::uint64_t before = into_.text.size();
    if (segment.text.empty()) return look_for_probe(packet, header);
    const tcp::Seq at = tcp::Seq::unwrap(tcp::WireSeq{header.seq}, *first_ + before) + (header.has(flag::syn) ? 1 : 0);
    if (at < *first_) return;
    const std::uint64_t offset = at - *first_;
    const std::uint64_t gap = offset - std::min(offset, before);
    if (gap > kLargestGaps - gaps_) return;
    gaps_ += gap;
    into_.text.place(offset, segment.text);
    if (into_.text.size() == before) return;
    if (!begun_) begun_ = packet;
    if (header.has(flag::psh) || header.has(flag::fin)) finish();
  }

  /// Of the other side: what it has, and whether its window is closed.
  void hear(const wire::tcp::Header& header) {
    if (!first_ || !header.has(flag::ack) || header.has(flag::rst)) return;
    const tcp::Seq acked = tcp::Seq::unwrap(tcp::WireSeq{header.ack}, *first_ + into_.text.size());
    all_acknowledged_ = acked == *first_ + into_.text.size();
    closed_ = header.window == 0;
  }

  /// Whatever was written ends here.
  void finish() {
    if (begun_) into_.writes.push_back({*std::exchange(begun_, std::nullopt), into_.text.size()});
  }

 private:
  /// A number that was acknowledged already, by one; with a closed window this asks for the window.
  void look_for_probe(std::size_t packet, const wire::tcp::Header& header) {
    const tcp::Seq end = *first_ + into_.text.size();
    const bool old = header.flags == flag::ack && tcp::Seq::unwrap(tcp::WireSeq{header.seq}, end) + 1 == end;
    if (old && all_acknowledged_ && !closed_ && !into_.finished) into_.probes.push_back(packet);
  }

  OurStream& into_;
  std::optional<tcp::Seq> first_;
  std::optional<std::size_t> begun_;  ///< the packet in which the open write began
  std::uint64_t gaps_ = 0;
  bool all_acknowledged_ = false;
  bool closed_ = false;  ///< the other side's window
};

// --- TCP ---------------------------------------------------------------------------------------------------------

struct Step {
  enum class Kind : std::uint8_t { connect, write, probe, finish, close, abort };
  std::size_t packet = 0;
  Kind kind = Kind::connect;
  std::uint64_t end = 0;  ///< of a write
};

/// The steps of our side in the order of its packets.
class StepPlan {
 public:
  explicit StepPlan(const ReplayScene& scene) : conversation_(scene.conversation), us_(scene.us) {
    const OurStream& ours = scene.ours;
    for (const std::size_t i : ours.turns)
      if (const auto segment = view_segment(conversation_.packets[i].bytes)) look(i, segment->header);
    for (const std::size_t i : ours.probes) steps.push_back({i, Step::Kind::probe});
    for (const OurStream::Write& write : ours.writes) steps.push_back({write.packet, Step::Kind::write, write.end});
    if (scene.settings.fast_open && !listens) write_before_syn();
    std::stable_sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) {
      return std::pair(a.packet, a.kind) < std::pair(b.packet, b.kind);
    });
  }

  std::vector<Step> steps;
  bool listens = false;

 private:
  /// The first write, if its text left with the SYN or with our next packet.
  void write_before_syn() {
    const auto write =
        std::find_if(steps.begin(), steps.end(), [](const Step& one) { return one.kind == Step::Kind::write; });
    if (write == steps.end()) return;
    std::size_t behind = syn_ + 1;
    while (behind < write->packet && !is_ours(conversation_.packets[behind], us_)) ++behind;
    if (behind >= write->packet) write->packet = syn_;
  }

  void look(std::size_t i, const wire::tcp::Header& header) {
    if (header.has(flag::syn) && !opened_) {
      syn_ = i;
      opened_ = true;
      listens = header.has(flag::ack);
      if (!listens) steps.push_back({i, Step::Kind::connect});
    }
    if (header.has(flag::fin) && !finished_) {
      finished_ = true;
      steps.push_back({i, was_closed(i) ? Step::Kind::close : Step::Kind::finish});
    }
    if (header.has(flag::rst)) steps.push_back({i, Step::Kind::abort});
  }

  /// After `fin`, a RST of ours right behind text of the peer's: nobody was there to read it.
  bool was_closed(std::size_t fin) const {
    const auto& packets = conversation_.packets;
    for (std::size_t i = fin + 2; i < packets.size(); ++i) {
      if (!is_ours(packets[i], us_) || is_ours(packets[i - 1], us_)) continue;
      const auto answer = view_segment(packets[i].bytes), late = view_segment(packets[i - 1].bytes);
      if (answer && late && answer->header.has(flag::rst) && !late->text.empty()) return true;
    }
    return false;
  }

  const Conversation& conversation_;
  Side us_;
  std::size_t syn_ = 0;
  bool opened_ = false;
  bool finished_ = false;
};

class TcpApplication final : public ReplayApplication {
 public:
  explicit TcpApplication(const ReplayScene& scene)
      : stack_(scene.stack),
        us_(our_end(scene.conversation, scene.us)),
        peer_(peer_end(scene.conversation, scene.us)),
        options_(scene.settings.socket),
        fast_open_(scene.settings.fast_open),
        plan_(scene),
        text_(scene.ours.text),
        theirs_(scene.theirs.text) {}

  void begin() override {
    if (!plan_.listens) return;
    tcp::ListenOptions how{.options = options_};
    how.fast_open = fast_open_ ? 1 : 0;
    if (auto listener = stack_.listen(us_, how)) listener_ = std::move(*listener);
  }

  void act(std::size_t packet) override {
    accept();
    for (; next_ < plan_.steps.size() && plan_.steps[next_].packet <= packet; ++next_) take(plan_.steps[next_]);
  }

  void pump() override {
    accept();
    if (!socket_) return;
    if (probing_ && !std::exchange(probe_is_new_, false)) stop_probing();
    read();
    write();
    const bool connected = socket_.state() != tcp::State::syn_sent;  // before that, an end would take the SYN back
    if (ending_ && connected && written_ == allowed_) end();
  }

 private:
  void accept() {
    if (socket_ || !listener_) return;
    if (auto accepted = listener_.accept()) socket_ = std::move(*accepted);
  }

  void read() {
    for (MutableBytes run = socket_.peek(); !run.empty(); run = socket_.peek()) {
      const std::size_t good = theirs_.agreement(read_, run);
      if (good < run.size() && !misread_) misread_ = read_ + good;
      read_ += run.size();
      socket_.consume(run.size());
    }
  }

  void write() {
    while (written_ < allowed_) {
      Bytes run = text_.run_at(written_);
      run = run.first(static_cast<std::size_t>(std::min<std::uint64_t>(run.size(), allowed_ - written_)));
      const std::size_t taken = socket_.write(run).value_or(0);
      written_ += taken;
      if (taken < run.size()) return;
    }
  }

  void take(const Step& step) {
    switch (step.kind) {
      case Step::Kind::connect: connect(); break;
      case Step::Kind::write: allowed_ = step.end; break;
      case Step::Kind::probe: probe(); break;
      case Step::Kind::finish:
      case Step::Kind::close: ending_ = step.kind; break;
      case Step::Kind::abort: abort(); break;
    }
  }

  void connect() {
    const tcp::OpenOptions how{.local = us_, .options = options_, .fast_open = fast_open_};
    if (auto opened = stack_.connect(peer_, how)) socket_ = std::move(*opened);
  }

  /// The line has been idle for long enough: the timer runs out with the next tick of the clock, and once.
  void probe() {
    tcp::Options options = options_;
    options.keep_alive = {.on = true, .idle = Duration(1)};
    probing_ = probe_is_new_ = socket_ && socket_.set_options(options);
  }

  void stop_probing() {
    (void)socket_.set_options(options_);
    probing_ = false;
  }

  void end() {
    if (std::exchange(ending_, std::nullopt) == Step::Kind::close)
      socket_.close();
    else
      socket_.finish();
  }

  // What the stack itself answers with a RST leaves a socket that is dead or not yet synchronized.
  void abort() {
    const tcp::State state = socket_.state();
    const bool alive = state != tcp::State::closed && state != tcp::State::syn_sent && state != tcp::State::time_wait;
    if (socket_ && alive && socket_.error() == Errc::none) socket_.abort();
  }

  Stack& stack_;
  Endpoint us_;
  Endpoint peer_;
  tcp::Options options_;
  bool fast_open_ = false;
  StepPlan plan_;
  const StreamText& text_;
  const StreamText& theirs_;
  tcp::Listener listener_;
  tcp::Socket socket_;
  std::size_t next_ = 0;
  std::uint64_t allowed_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t read_ = 0;
  std::optional<Step::Kind> ending_;
  bool probing_ = false;
  bool probe_is_new_ = false;
};

// --- UDP ---------------------------------------------------------------------------------------------------------

struct OurDatagram {
  std::size_t packet = 0;  ///< the first fragment, if it was cut
  std::vector<std::uint8_t> payload;
  udp::Outgoing how;
};

/// Datagrams of our side, put together again; one that lacks a fragment is left out.
class DatagramPlan {
 public:
  DatagramPlan(const Conversation& conversation, Side us) {
    for (std::size_t i = 0; i < conversation.packets.size(); ++i) {
      const auto view = view_datagram(conversation.packets[i].bytes);
      if (!view || !is_ours(conversation.packets[i], us)) continue;
      if (view->protocol == protocol::kUdp)
        look(i, *view);
      else
        refuses = refuses || view_quote(*view);
    }
    datagrams.erase(
        std::remove_if(datagrams.begin(), datagrams.end(), [](const OurDatagram& one) { return one.payload.empty(); }),
        datagrams.end());
    for (OurDatagram& one : datagrams) {
      one.payload.erase(one.payload.begin(), one.payload.begin() + wire::udp::kHeaderSize);
      one.how.data = Slice::copy_of(one.payload);
    }
  }

  std::vector<OurDatagram> datagrams;
  bool refuses = false;  ///< our side reported an error about a datagram

 private:
  struct Unfinished {
    std::size_t datagram = 0;
    std::vector<std::uint8_t> payload;
  };

  void look(std::size_t i, const DatagramView& view) {
    if (view.fragment && view.fragment->offset != 0) return go_on(view);
    OurDatagram one{i, {}, {}};
    one.how.ecn = view.ecn;
    one.how.dscp = view.dscp;
    one.how.hop_limit = view.hop_limit;
    one.how.dont_fragment = view.dont_fragment && !view.fragment;
    const std::vector<std::uint8_t> bytes(view.transport.begin(), view.transport.end());
    if (view.fragment)
      unfinished_[view.fragment->identification] = {datagrams.size(), bytes};
    else if (wire::udp::parse(view.transport))
      one.payload = bytes;
    datagrams.push_back(std::move(one));
  }

  void go_on(const DatagramView& view) {
    const auto found = unfinished_.find(view.fragment->identification);
    if (found == unfinished_.end() || found->second.payload.size() != view.fragment->offset) return;
    std::vector<std::uint8_t>& payload = found->second.payload;
    payload.insert(payload.end(), view.transport.begin(), view.transport.end());
    if (view.fragment->more) return;
    if (wire::udp::parse(payload)) datagrams[found->second.datagram].payload = std::move(payload);
    unfinished_.erase(found);
  }

  std::map<std::uint32_t, Unfinished> unfinished_;
};

class UdpApplication final : public ReplayApplication {
 public:
  explicit UdpApplication(const ReplayScene& scene)
      : stack_(scene.stack),
        us_(our_end(scene.conversation, scene.us)),
        peer_(peer_end(scene.conversation, scene.us)),
        options_(scene.settings.datagrams),
        plan_(scene.conversation, scene.us) {}

  void begin() override {
    if (plan_.refuses && plan_.datagrams.empty()) return;
    if (auto bound = stack_.bind_udp(us_, options_)) socket_ = std::move(*bound);
  }

  void act(std::size_t packet) override {
    for (; next_ < plan_.datagrams.size() && plan_.datagrams[next_].packet <= packet; ++next_) {
      udp::Outgoing& one = plan_.datagrams[next_].how;
      one.to = peer_;
      (void)socket_.send(std::span(&one, 1));  // what it refuses is missing in what leaves
    }
  }

  void pump() override {
    std::array<udp::Received, 8> room;
    for (int errors = 0; errors < 8;) {
      const auto count = socket_.receive(room);
      if (count && *count == 0) return;
      errors += count ? 0 : 1;
    }
  }

 private:
  Stack& stack_;
  Endpoint us_;
  Endpoint peer_;
  udp::Options options_;
  DatagramPlan plan_;
  udp::Socket socket_;
  std::size_t next_ = 0;
};

// --- ping --------------------------------------------------------------------------------------------------------

class PingApplication final : public ReplayApplication {
 public:
  explicit PingApplication(const ReplayScene& scene) : conversation_(scene.conversation), raw_(scene.raw) {}

  void act(std::size_t packet) override {
    const Bytes bytes = conversation_.packets[packet].bytes;
    const auto view = view_datagram(bytes);
    if (!view || view->transport.empty()) return;
    const std::uint8_t request =
        view->protocol == protocol::kIcmp ? wire::icmp::kEchoRequest : wire::icmpv6::kEchoRequest;
    const bool later_fragment = view->fragment && view->fragment->offset != 0;
    if (later_fragment ? sending_ : view->transport[0] == request) raw_(bytes);
    if (!later_fragment) sending_ = view->transport[0] == request;
  }

 private:
  const Conversation& conversation_;
  std::function<void(Bytes)> raw_;
  bool sending_ = false;
};

}  // namespace

BothStreams both_streams(const Conversation& conversation,
                         const std::function<void(std::size_t, const SegmentView&)>& also) {
  BothStreams both;
  StreamReader opener(conversation.opener_isn, both.opener), other(conversation.other_isn, both.other);
  for (std::size_t i = 0; i < conversation.packets.size(); ++i)
    if (const auto segment = view_segment(conversation.packets[i].bytes)) {
      const bool from_opener = conversation.packets[i].from_opener;
      (from_opener ? opener : other).look(i, *segment);
      (from_opener ? other : opener).hear(segment->header);
      if (also) also(i, *segment);
    }
  opener.finish();
  other.finish();
  return both;
}

std::unique_ptr<ReplayApplication> make_application(const ReplayScene& scene) {
  switch (scene.conversation.kind) {
    case ConversationKind::tcp: return std::make_unique<TcpApplication>(scene);
    case ConversationKind::udp: return std::make_unique<UdpApplication>(scene);
    case ConversationKind::icmp: break;
  }
  return std::make_unique<PingApplication>(scene);
}

}  // namespace sluice::lab
