// See stage.hpp.
#include "lab/drill/stage.hpp"

#include <algorithm>
#include <stdexcept>

#include "stack/wire/tcp.hpp"

namespace sluice::lab::drill {
namespace {

using namespace std::chrono_literals;

constexpr Time kStart{3600s};

bool uses_v4(const Settings& settings) noexcept { return settings.version != IpVersion::v6; }

IpAddress local_of(const Settings& settings) {
  return settings.local.value_or(*IpAddress::parse(uses_v4(settings) ? "192.168.0.1" : "fd3d:fa7b:d17d::1"));
}

IpAddress remote_of(const Settings& settings) {
  return settings.remote.value_or(*IpAddress::parse(uses_v4(settings) ? "192.0.2.1" : "fd3d:fa7b:d17d:8888::1"));
}

}  // namespace

Config Stage::config_of(const Settings& settings, const IpAddress& local, Observer* observer) {
  Config config = settings.config;
  config.ip.addresses = {{local, static_cast<std::uint8_t>(local.is_v4() ? 16 : 64)}};
  config.ip.mtu = settings.mtu;
  config.observer = observer;
  return config;
}

posix::Calls::Settings Stage::calls_of(const Settings& settings) {
  posix::Calls::Settings calls;
  calls.tcp_defaults = settings.socket;
  calls.fast_open_client = settings.fast_open_client;
  calls.fast_open_server = settings.fast_open_server;
  return calls;
}

Stage::Stage(const Settings& settings)
    : local_(local_of(settings)),
      remote_(remote_of(settings)),
      start_(kStart),
      now_(kStart),
      turns_left_(settings.limits.turns),
      stack_(config_of(settings, local_, this)),
      calls_(stack_.tcp(), stack_.udp(), calls_of(settings)) {
  stack_.handle_timeout(now_);
}

Stage::~Stage() = default;

void Stage::run_to(Duration time) {
  run_until(time, [] { return false; });
}

bool Stage::run_until(Duration time, const std::function<bool()>& done) {
  const Time end = start_ + time;
  for (;;) {
    count_turn();
    if (done()) return true;
    Time next = stack_.next_timeout();
    if (wake) next = std::min(next, start_ + *wake);
    if (next > end) {
      if (now_ >= end) return false;
      now_ = end;
    } else {
      now_ = std::max(now_, next);
    }
    if (wake && now_ >= start_ + *wake) wake.reset();
    stack_.handle_timeout(now_);
    turn();
    if (next > end) return done();
  }
}

void Stage::count_turn() {
  if (turns_left_ == 0) throw std::runtime_error("the stack has taken too many turns: does it ever come to rest?");
  --turns_left_;
}

void Stage::inject(const std::vector<std::uint8_t>& packet) {
  Packet arrived = Packet::copy_of(pool_, packet);
  stack_.receive({&arrived, 1}, now_);
  turn();
}

void Stage::turn() {
  for (;;) {
    count_turn();
    SinkOf sink([this](const Frame& frame) noexcept {
      gather(frame);
      return true;
    });
    stack_.poll_transmit(now_, sink);
    explain_sent();
    pass_events();
    if (!after_turn || !after_turn()) return;
  }
}

void Stage::pass_events() {
  while (const auto event = stack_.poll_event()) {
    const SocketKind kind = event->socket.kind;
    calls_.on_event(kind == SocketKind::udp, kind == SocketKind::tcp_listener, event->socket.slot, event->ready);
  }
}

void Stage::gather(const Frame& frame) {
  Sent one{.at = now(), .bytes = {frame.head.begin(), frame.head.end()}, .why = {}, .matched = 0};
  for (const Slice& piece : frame.body) one.bytes.insert(one.bytes.end(), piece.bytes().begin(), piece.bytes().end());
  sent.push_back(std::move(one));
}

void Stage::on_event(const TraceEvent& event) noexcept {
  if (trace) trace(now(), event);
  if (event.kind != TraceKind::segment_out) return;
  Told told{};
  for (const TraceField& field : event.fields) {
    if (field.key == "seq") told.seq = static_cast<std::uint32_t>(field.number);
    if (field.key == "flags") told.flags = static_cast<std::uint16_t>(field.number);
    if (field.key == "reason") told.why = field.text;
  }
  told_.push_back(std::move(told));
}

// The stack tells of a segment after the device took it, and of replies without a connection before: so both wait for
// each other here.
void Stage::explain_sent() {
  for (Sent& one : sent) {
    if (!one.why.empty() || told_.empty()) continue;
    const std::size_t header = one.bytes[0] >> 4 == 4 ? (one.bytes[0] & 15u) * 4 : 40;
    wire::tcp::Header tcp;
    if (one.bytes.size() < header ||
        wire::tcp::parse(Bytes(one.bytes).subspan(header), tcp) != wire::tcp::ParseError::none)
      continue;
    const auto same = [&](const Told& told) { return told.seq == tcp.seq && (told.flags & 255) == tcp.flags; };
    const auto found = std::find_if(told_.begin(), told_.end(), same);
    if (found == told_.end()) continue;
    one.why = std::move(found->why);
    told_.erase(found);
  }
  told_.clear();
}

}  // namespace sluice::lab::drill
