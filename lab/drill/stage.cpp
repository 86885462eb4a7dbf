// See stage.hpp.
#include "lab/drill/stage.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "lab/merge.hpp"
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

std::uint8_t home_of(const Settings& settings) {
  return Host::home_of(Stage::home_flow(settings), ip::Protocol::tcp, settings.config.key, settings.shape);
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
    : departures_([this](Time at, Bytes packet, const DepartureNote& note) {
        sent.push_back({.at = at - start_, .bytes = {packet.begin(), packet.end()}, .note = note});
      }),
      local_(local_of(settings)),
      remote_(remote_of(settings)),
      start_(kStart),
      now_(kStart),
      turns_left_(settings.limits.turns),
      shape_(settings.shape),
      host_(config_of(settings, local_, this), settings.shape, home_of(settings)),
      calls_(host_.home().tcp(), host_.home().udp(), calls_of(settings)) {
  host_.handle_timeout(now_);
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
    Time next = host_.next_timeout();
    if (wake) next = std::min(next, start_ + *wake);
    if (next > end) {
      if (now_ >= end) return false;
      now_ = end;
    } else {
      now_ = std::max(now_, next);
    }
    if (wake && now_ >= start_ + *wake) wake.reset();
    host_.handle_timeout(now_);
    turn();
    if (next > end) return done();
  }
}

void Stage::count_turn() {
  if (turns_left_ == 0) throw std::runtime_error("the stack has taken too many turns: does it ever come to rest?");
  --turns_left_;
}

void Stage::inject(const std::vector<std::uint8_t>& packet, bool more) {
  arriving_.push_back(Packet::copy_of(pool_, packet));
  if (more && shape_.offload) return;
  std::vector<Packet> batch = std::exchange(arriving_, {});
  if (shape_.offload) batch = merged(std::move(batch));
  for (Packet& arrived : batch) {
    host_.receive({&arrived, 1}, now_);
    turn();
  }
}

FourTuple Stage::home_flow(const Settings& settings) {
  return {{local_of(settings), settings.bind_port}, {remote_of(settings), settings.connect_port}};
}

void Stage::turn() {
  for (;;) {
    count_turn();
    SinkOf sink([this](const Frame& frame) noexcept {
      departures_.left(now_, frame);
      return true;
    });
    host_.poll_transmit(now_, sink);
    departures_.clear();
    pass_events();
    if (!after_turn || !after_turn()) return;
  }
}

void Stage::pass_events() {
  while (const auto event = host_.poll_event()) {
    const SocketKind kind = event->socket.kind;
    calls_.on_event(kind == SocketKind::udp, kind == SocketKind::tcp_listener, event->socket.slot, event->ready);
  }
}

void Stage::on_event(const TraceEvent& event) noexcept {
  if (trace) trace(now(), event);
  departures_.told(event);
}

}  // namespace sluice::lab::drill
