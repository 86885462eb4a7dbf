// The script's stage itself: time, what arrives, what leaves; see script.hpp.
#include "tests/support/script.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

#include "lab/script.hpp"
#include "stack/tcp/environment.hpp"
#include "tests/support/script_report.hpp"
#include "tests/support/script_wire.hpp"
#include "tests/support/shape.hpp"
#include "tests/support/world.hpp"

namespace sluice::test {
namespace {

// The clock of RFC 6528 comes around after so many ticks of 4 µs; one turn in keeps us away from time 0.
constexpr Duration kIsnTick = 4us;
constexpr std::uint64_t kOneTurn = std::uint64_t{1} << 32;
// More events than this in one step of time: something answers for ever [A-TCP-15].
constexpr int kMostSteps = 100'000;
constexpr std::uint16_t kPortStep = 1000;

IpAddress address(Family family, bool ours) {
  return *IpAddress::parse(family == Family::ipv4 ? (ours ? "10.0.0.1" : "10.0.0.2") : (ours ? "fd00::1" : "fd00::2"));
}

tcp::SendReason reason_named(std::string_view text) {
  for (int i = 0; i <= static_cast<int>(tcp::SendReason::reset_late_data); ++i)
    if (name(static_cast<tcp::SendReason>(i)) == text) return static_cast<tcp::SendReason>(i);
  return tcp::SendReason::none;
}

tcp::State state_named(std::string_view text) {
  for (std::size_t i = 0; i < tcp::kStateCount; ++i)
    if (name(static_cast<tcp::State>(i)) == text) return static_cast<tcp::State>(i);
  return tcp::State::closed;
}

const TraceField* field(const TraceEvent& event, std::string_view key) {
  for (const TraceField& one : event.fields)
    if (one.key == key) return &one;
  return nullptr;
}

std::uint32_t number(const TraceEvent& event, std::string_view key) {
  const TraceField* found = field(event, key);
  return found ? static_cast<std::uint32_t>(found->number) : 0;
}

}  // namespace

std::set<std::pair<tcp::State, tcp::State>>& edges_taken() {
  static std::set<std::pair<tcp::State, tcp::State>> taken;
  return taken;
}

std::string text_line(std::string_view flags, std::uint32_t seq, std::uint32_t length, std::string_view rest) {
  return std::string(flags) + " " + std::to_string(seq) + ":" + std::to_string(seq + length) + "(" +
         std::to_string(length) + ")" + std::string(rest);
}

class Script::Device final : public FrameSink {
 public:
  explicit Device(Script& script) : script_(script) {}
  bool accept(const Frame& frame) noexcept override {
    if (script_.device_full_) return false;
    script_.gather(frame);
    return true;
  }

 private:
  Script& script_;
};

Script::Script() : family(Family::ipv4), shape_(shape_of_run()) {
  const char* wish = std::getenv("SLUICE_SCRIPT_FAMILY");
  if (wish && std::string_view(wish) == "6") family = Family::ipv6;
  config.key = run_key();
}

Script::~Script() {
  if (std::uncaught_exceptions() == 0 && (!sent_.empty() || !faults_.empty())) {
    const std::string what =
        sent_.empty() ? "a packet that left is wrong" : "this was left over: " + to_text(brief(sent_.front().line));
    ADD_FAIL_CHECK_AT(__FILE__, __LINE__, report(what));
  }
  socket = {};
  listener = {};
  host_.reset();
}

// --- time --------------------------------------------------------------------------------------------------------

Stack& Script::stack() {
  begin(false);
  return host_->home();
}

// The time at which the stack's clock makes the ISN that the test wants.
Time Script::start_for(const FourTuple& tuple) const noexcept {
  const auto hash = static_cast<std::uint32_t>(KeyedHash(config.key, KeyUse::isn)(tcp::TupleBytes(tuple).bytes()));
  return Time(kIsnTick * static_cast<std::int64_t>(kOneTurn + (our_isn - hash)));
}

void Script::begin(bool active) {
  if (host_) return;
  if (active) ports(kActivePort, kServerPort);
  if (config.ip.addresses.empty())
    config.ip.addresses = {{address(family, true), static_cast<std::uint8_t>(family == Family::ipv4 ? 24 : 64)}};
  if (family == Family::ipv6 && config.ip.mtu == 1500) config.ip.mtu = 1520;
  config.observer = this;
  start_ = now_ = start_for(tuple());
  const std::uint8_t home = lab::Host::home_of(tuple(), ip::Protocol::tcp, config.key, shape_);
  host_ = std::make_unique<lab::Host>(config, shape_, home);
  host_->handle_timeout(now_);
}

void Script::turn() {
  Device device(*this);
  begin(false);
  host_->poll_transmit(now_, device);
  settle_fresh();
  poll_events();
}

void Script::poll_events() {
  while (const auto event = host_->poll_event()) {
    const bool mine = event->socket.kind == SocketKind::tcp && socket && event->socket.slot == socket.id();
    if (mine) ready_ |= event->ready;
  }
}

void Script::step_to(Time end) {
  begin(false);
  for (int steps = 0; host_->next_timeout() <= end; ++steps) {
    if (steps > kMostSteps) fail("the stack's timers never come to rest", Here());
    now_ = std::max(now_, host_->next_timeout());
    host_->handle_timeout(now_);
    turn();
  }
  now_ = end;
  host_->handle_timeout(now_);
  turn();
}

void Script::run(Duration time) { step_to((begin(false), now_) + time); }

void Script::device_full(bool full) {
  note(full ? "the device is full" : "the device takes packets again");
  device_full_ = full;
  turn();
}

// --- connections -------------------------------------------------------------------------------------------------

FourTuple Script::tuple() const noexcept {
  FourTuple tuple{{address(family, true), local_port_}, {address(family, false), peer_port_}};
  while (host_ && !host_->is_home(tuple, ip::Protocol::tcp)) tuple.remote.port += kPortStep;
  return tuple;
}

Flow& Script::flow() { return flow_of(tuple()); }

Flow& Script::flow_of(const FourTuple& tuple) {
  Flow& found = flows_[{tuple.local.port, tuple.remote.port}];
  if (found.tuple.local.port != 0) return found;
  found.tuple = tuple;
  found.peers.first = peer_isn;
  return found;
}

void Script::peer(std::uint16_t port) { peer_port_ = port; }

void Script::ports(std::uint16_t local, std::uint16_t peer_port) {
  local_port_ = local;
  peer_port_ = peer_port;
}

// --- what arrives ------------------------------------------------------------------------------------------------

lab::PacketLine Script::parse(std::string_view packet, Here here) {
  const auto parsed = lab::parse_packet(packet);
  if (!parsed) fail("\"" + std::string(packet) + "\", " + parsed.error().to_string(), here);
  return *parsed;
}

// What a peer of this connection would put on by itself.
void Script::complete(lab::SegmentLine& segment) {
  Flow& now_playing = flow();
  if (!segment.window) segment.window = peer_window;
  if (!now_playing.stamps || segment.has(wire::tcp::rst)) return;
  if (segment.options && segment.options->empty()) return;  // "<>": really none
  const auto is_stamps = [](const lab::TcpOption& one) { return std::holds_alternative<lab::option::Timestamps>(one); };
  std::vector<lab::TcpOption> written = segment.options.value_or(std::vector<lab::TcpOption>{});
  if (std::any_of(written.begin(), written.end(), is_stamps)) return;
  const auto clock = static_cast<std::uint32_t>(1000 + now() / 1ms);
  segment.options = {
      {lab::option::NoOperation{}, lab::option::NoOperation{}, lab::option::Timestamps{clock, now_playing.last_stamp}}};
  segment.options->insert(segment.options->end(), written.begin(), written.end());
}

std::vector<std::uint8_t> Script::build(lab::PacketLine line, std::string_view text, Here here) {
  begin(false);
  const Flow& now_playing = flow();
  std::vector<std::uint8_t> payload(text.begin(), text.end());
  if (lab::SegmentLine* segment = line.segment()) {
    complete(*segment);
    if (text.empty())
      for (std::uint32_t i = 0; i < segment->length; ++i)  // numbers before the stream's start wrap
        payload.push_back(pattern_byte(kPeerStream, static_cast<std::uint32_t>(stream_offset(*segment) + i)));
    if (payload.size() != segment->length) fail("the text is not as long as the line says", here);
  }
  const auto bytes = lab::to_wire(line, {.source = now_playing.tuple.remote,
                                         .destination = now_playing.tuple.local,
                                         .sender = now_playing.peers,
                                         .receiver = now_playing.ours,
                                         .payload = payload});
  if (!bytes) fail("there is no such packet: " + to_text(line), here);
  return *bytes;
}

std::vector<std::uint8_t> Script::wire(std::string_view packet, std::string_view text, Here here) {
  return build(parse(packet, here), text, here);
}

void Script::in_bytes(std::vector<std::uint8_t> packet, std::string_view what) {
  deliver({{std::move(packet), std::string(what)}});
}

void Script::in_super(std::vector<std::uint8_t> packet, std::uint16_t gso_size, std::uint16_t segments,
                      std::string_view what) {
  begin(false);
  rungs_.push_back({now(), lab::Rung::Kind::inbound, std::string(what), {}});
  Packet arrived = Packet::copy_of(pool_, packet);
  arrived.gso_size = gso_size;
  arrived.segment_count = segments;
  arrived.checksum_known_good = true;
  records_.push_back({now_, true, std::move(packet), std::string(what)});
  host_->receive({&arrived, 1}, now_);
  turn();
}

void Script::deliver(std::vector<std::pair<std::vector<std::uint8_t>, std::string>> packets) {
  begin(false);
  std::vector<Packet> batch;
  for (auto& [bytes, text] : packets) {
    rungs_.push_back({now(), lab::Rung::Kind::inbound, text, {}});
    batch.push_back(Packet::copy_of(pool_, bytes));
    records_.push_back({now_, true, std::move(bytes), std::move(text)});
  }
  host_->receive(batch, now_);
  turn();
}

void Script::in(std::string_view packet, Here here) { in(packet, std::string_view{}, here); }

void Script::in(std::string_view packet, std::string_view text, Here here) {
  lab::PacketLine line = parse(packet, here);
  deliver({{build(line, text, here), to_text(line)}});
}

void Script::in(std::initializer_list<std::string_view> packets, Here here) {
  std::vector<std::pair<std::vector<std::uint8_t>, std::string>> batch;
  for (const std::string_view packet : packets) {
    const lab::PacketLine line = parse(packet, here);
    batch.emplace_back(build(line, {}, here), to_text(line));
  }
  deliver(std::move(batch));
}

// --- what leaves -------------------------------------------------------------------------------------------------

void Script::gather(const Frame& frame) {
  ++frames_;
  bool continues = false;
  for (std::vector<std::uint8_t>& bytes : cut(frame)) {
    fresh_.push_back({std::move(bytes), continues});
    continues = true;
  }
}

// After poll_transmit() the observer has told of each segment why it left.
void Script::settle_fresh() {
  tcp::SendReason why = tcp::SendReason::none;
  for (Fresh& one : fresh_) {
    const auto opened = lab::open_packet(one.bytes);
    if (!opened) {
      faults_.push_back("a packet left that we can't read ourselves");
      continue;
    }
    if (!one.continues) why = reason_of(*opened);
    Sent sent{nullptr, {}, std::move(one.bytes), why};
    const std::string different = disagreement(sent.bytes);
    dissect(sent);
    rungs_.push_back({now(), lab::Rung::Kind::outbound, to_text(brief(sent.line)), std::string(name(why))});
    records_.push_back({now_, false, sent.bytes, rungs_.back().text + ": " + rungs_.back().note});
    if (!different.empty()) faults_.push_back("libtins disagrees about " + rungs_.back().text + ": " + different);
    sent_.push_back(std::move(sent));
  }
  fresh_.clear();
}

void Script::dissect(Sent& sent) {
  const lab::OpenedPacket packet = *lab::open_packet(sent.bytes);
  const bool is_tcp = packet.protocol == 6;
  Flow& flow = is_tcp ? flow_of({packet.source, packet.destination}) : this->flow();
  if (is_tcp) learn(flow, packet);
  sent.flow = &flow;
  sent.line = lab::to_line(packet, flow.ours, flow.peers);
  const lab::SegmentLine* segment = sent.line.segment();
  if (!segment) return;
  for (const lab::TcpOption& option : *segment->options)
    if (const auto* stamps = std::get_if<lab::option::Timestamps>(&option)) flow.last_stamp = *stamps->value;
}

// Our numbers begin with our SYN, our timestamps with the first that we send.
void Script::learn(Flow& flow, const lab::OpenedPacket& packet) {
  const lab::PacketLine raw = lab::to_line(packet, {}, {});
  const lab::SegmentLine& segment = *raw.segment();
  if (segment.has(wire::tcp::syn)) {
    if (flow.ours_known && flow.ours.first != segment.seq) flow.written.clear();
    flow.ours.first = segment.seq;
    flow.ours_known = true;
  }
  for (const lab::TcpOption& option : *segment.options) {
    const auto* stamps = std::get_if<lab::option::Timestamps>(&option);
    if (stamps && !flow.ours.first_stamp) flow.ours.first_stamp = stamps->value;
  }
}

tcp::SendReason Script::reason_of(const lab::OpenedPacket& packet) {
  if (packet.protocol != 6) return tcp::SendReason::none;
  const lab::PacketLine raw = lab::to_line(packet, {}, {});
  const lab::SegmentLine& segment = *raw.segment();
  // Of a super-segment the observer heard all flags, and the first piece lacks PSH and FIN.
  constexpr int kOfTheLast = wire::tcp::psh | wire::tcp::fin;
  const auto matches = [&segment](const Told& told) {
    const bool flags = ((told.flags ^ segment.flags) & ~kOfTheLast) == 0;
    return told.seq == segment.seq && told.ack == segment.ack.value_or(0) && flags;
  };
  const auto found = std::find_if(told_.begin(), told_.end(), matches);
  if (found == told_.end()) return tcp::SendReason::none;
  const tcp::SendReason why = found->why;
  told_.erase(found);
  return why;
}

void Script::on_event(const TraceEvent& event) noexcept {
  if (event.kind == TraceKind::state) {
    const std::string_view from = field(event, "from")->text, to = field(event, "to")->text;
    edges_taken().insert({state_named(from), state_named(to)});
    note(std::string(from) + " to " + std::string(to));
  }
  if (event.kind == TraceKind::drop) note("dropped: " + std::string(field(event, "reason")->text));
  if (event.kind != TraceKind::segment_out) return;
  told_.push_back({number(event, "seq"), number(event, "ack"), static_cast<std::uint16_t>(number(event, "flags")),
                   reason_named(field(event, "reason")->text)});
}

// --- expectations ------------------------------------------------------------------------------------------------

void Script::expect(std::string_view packet, std::optional<tcp::SendReason> why, Here here) {
  begin(false);
  const lab::PacketLine expected = parse(packet, here);
  const auto missing = [&](const std::string& what) {
    rungs_.push_back({now(), lab::Rung::Kind::missing, to_text(expected), what});
    fail("expected " + to_text(expected) + ": " + what, here);
  };
  if (!faults_.empty()) missing("a packet that left is wrong");
  if (sent_.empty()) missing("nothing left");
  const Sent sent = std::move(sent_.front());
  sent_.pop_front();
  last_bytes_ = sent.bytes;
  last_reason_ = sent.why;
  const std::string got = "got " + to_text(brief(sent.line));
  if (sent.flow != &flow()) missing(got + " for another connection");
  const std::string different = difference(expected, sent.line);
  if (!different.empty()) missing(got + "; differing in " + different);
  if (why && sent.why != *why)
    missing("it left for the reason " + std::string(name(sent.why)) + ", not " + std::string(name(*why)));
  if (check_text) check_content(sent, here);
}

void Script::check_content(const Sent& sent, Here here) {
  const lab::SegmentLine* segment = sent.line.segment();
  if (!segment || segment->length == 0) return;
  const Bytes text = lab::open_packet(sent.bytes)->payload;
  const std::vector<std::uint8_t>& written = sent.flow->written;
  const std::uint64_t offset = stream_offset(*segment);
  const bool known = offset + text.size() <= written.size();
  if (!known || !std::equal(text.begin(), text.end(), written.begin() + static_cast<std::ptrdiff_t>(offset)))
    fail("the text of " + to_text(brief(sent.line)) + " is not what was written", here);
}

void Script::out(std::string_view packet, Here here) { expect(packet, std::nullopt, here); }
void Script::out(std::string_view packet, tcp::SendReason why, Here here) { expect(packet, why, here); }

void Script::out(Duration after, std::string_view packet, Here here) {
  silence(after, here);
  expect(packet, std::nullopt, here);
}

void Script::out(Duration after, std::string_view packet, tcp::SendReason why, Here here) {
  silence(after, here);
  expect(packet, why, here);
}

// Up to the last moment nothing leaves; then time goes on to the moment itself.
void Script::silence(Duration time, Here here) {
  if (time > 0ns) quiet(time - 1ns, here);
  run(time > 0ns ? 1ns : 0ns);
}

void Script::quiet(Duration time, Here here) {
  begin(false);
  const auto demand = [&] {
    if (!faults_.empty()) fail("a packet that left is wrong", here);
    if (!sent_.empty()) fail("expected nothing, got " + to_text(brief(sent_.front().line)), here);
  };
  demand();
  if (time == 0ns) return;
  run(time);
  demand();
}

lab::PacketLine Script::take(Here here) {
  if (sent_.empty()) fail("expected any packet, and nothing left", here);
  lab::PacketLine line = sent_.front().line;
  last_bytes_ = sent_.front().bytes;
  last_reason_ = sent_.front().why;
  sent_.pop_front();
  return line;
}

std::size_t Script::skip() {
  const std::size_t skipped = sent_.size();
  sent_.clear();
  return skipped;
}

void Script::play(std::string_view exchange, Here here) {
  const auto lines = lab::parse_exchange(exchange);
  if (!lines) fail(lines.error().to_string(), here);
  for (const lab::ExchangeLine& line : *lines) {
    const bool absolute = line.when.kind == lab::When::Kind::absolute;
    const Duration wait = absolute ? line.when.earliest - now() : line.when.earliest;
    if (line.inbound) {
      run(wait);
      in(to_text(line.packet), here);
    } else {
      out(wait, to_text(line.packet), here);
    }
  }
}

void Script::state_is(tcp::State state, Here here) {
  if (socket.state() == state) return;
  fail("expected " + std::string(name(state)) + ", the connection is in " + std::string(name(socket.state())), here);
}

void Script::error_is(Errc error, Here here) {
  if (socket.error() == error) return;
  fail("expected the error '" + std::string(describe(error)) + "', the socket says '" +
           std::string(describe(socket.error())) + "'",
       here);
}

// --- failures ----------------------------------------------------------------------------------------------------

std::string Script::report(const std::string& what) const {
  std::string text = what + "\n";
  for (const std::string& fault : faults_) text += fault + "\n";
  text += "\n" + lab::ladder(rungs_);
  return text + "\n" + save_capture(records_);
}

void Script::fail(const std::string& what, Here here) {
  const std::string text = report(what);
  sent_.clear();
  faults_.clear();
  ADD_FAIL_AT(here.file, here.line, text);
  throw std::logic_error(text);  // never reached: the line above leaves the test
}

}  // namespace sluice::test
