// The loop of a World: earliest event first, deliver, let the stacks talk, repeat; see world.hpp.
#include "tests/support/world.hpp"

#include <doctest/doctest.h>
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/capture.hpp"
#include "tun/segmentation.hpp"

namespace sluice::test {
namespace {

constexpr std::size_t kRemembered = 4096;

IpAddress address_for(Family family, bool is_left) {
  return *IpAddress::parse(family == Family::ipv4 ? (is_left ? "10.1.0.1" : "10.1.0.2")
                                                  : (is_left ? "fd01::1" : "fd01::2"));
}

Config config_for(const WorldSettings& settings, bool is_left) {
  Config config;
  config.key = run_key(settings.stream * 2 + (is_left ? 0 : 1));
  config.ip.mtu = settings.mtu;
  config.ip.addresses = {{address_for(Family::ipv4, is_left), 24}, {address_for(Family::ipv6, is_left), 64}};
  config.tcp = is_left ? settings.left_tcp : settings.right_tcp;
  config.memory_limit = settings.memory_limit;
  config.observer = is_left ? settings.left_observer : settings.right_observer;
  return config;
}

std::unique_ptr<lab::Host> host_for(const WorldSettings& settings, bool is_left) {
  const Config config = config_for(settings, is_left);
  FourTuple flow{{address_for(settings.family, is_left), is_left ? settings.home_left : settings.home_right},
                 {address_for(settings.family, !is_left), is_left ? settings.home_right : settings.home_left}};
  const std::uint8_t home = lab::Host::home_of(flow, ip::Protocol::tcp, config.key, settings.shape);
  return std::make_unique<lab::Host>(config, settings.shape, home);
}

}  // namespace

Key run_key(std::uint64_t stream) {
  Key key{};
  const char* seed = std::getenv("SLUICE_SEED");
  const std::string_view text = seed ? seed : "736c75696365";
  for (std::size_t i = 0; i < text.size() && i < 2 * key.size(); ++i) {
    const char* const digits = "0123456789abcdef";
    const char* const found = std::find(digits, digits + 16, text[i]);
    key[i / 2] = static_cast<std::uint8_t>(key[i / 2] << 4 | ((found - digits) & 15));
  }
  for (std::size_t i = 0; i < 8; ++i) key[24 + i] = static_cast<std::uint8_t>(stream >> (8 * i));
  return key;
}

std::uint8_t pattern_byte(std::uint64_t seed, std::uint64_t offset) noexcept {
  const std::uint64_t mixed = (offset / 251 + seed) * 0x9e3779b97f4a7c15u;
  return static_cast<std::uint8_t>((mixed >> 32) + offset);
}

std::vector<std::uint8_t> pattern(std::uint64_t seed, std::uint64_t offset, std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = pattern_byte(seed, offset + i);
  return bytes;
}

World::Host::Host(const WorldSettings& settings, bool is_left)
    : address(address_for(settings.family, is_left)),
      clock(is_left ? settings.left_clock : settings.right_clock),
      stacks(host_for(settings, is_left)),
      link(is_left ? settings.to_left : settings.to_right, run_key(settings.stream), is_left ? 1 : 2) {}

World::World(const WorldSettings& settings)
    : settings_(settings), left_(settings, true), right_(settings, false), now_(settings.start) {
  handle_timeout(left_);
  handle_timeout(right_);
}

World::~World() {
  if (std::uncaught_exceptions() > 0) write_capture();
}

IpAddress World::left_address(Family family) { return address_for(family, true); }
IpAddress World::right_address(Family family) { return address_for(family, false); }

void World::inject(bool to_right, std::vector<std::uint8_t> packet, Duration after) {
  injected_.emplace(now_ + after, std::pair(to_right, std::move(packet)));
}

void World::restart(bool right_host) {
  Host& host = right_host ? right_ : left_;
  host.stacks = host_for(settings_, !right_host);
  handle_timeout(host);
}

// The bytes of the packet, which stay until the next one.
Bytes World::remember(bool to_right, Bytes packet) {
  Seen seen{now_, to_right, {packet.begin(), packet.end()}};
  if (seen_.size() < kRemembered) return seen_.emplace_back(std::move(seen)).bytes;
  return (seen_[seen_next_++ % kRemembered] = std::move(seen)).bytes;
}

void World::write_capture() const {
  const char* folder = std::getenv("SLUICE_CAPTURE_DIR");
  const std::string path = fmt::format("{}/failed-world-{}.pcapng", folder ? folder : "/tmp", settings_.stream);
  auto writer = lab::CaptureWriter::open({.path = path});
  if (!writer) return;
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    const Seen& seen = seen_[(seen_next_ + i) % seen_.size()];
    (*writer)->add(seen.at, seen.to_right ? lab::Direction::out : lab::Direction::in, seen.bytes);
  }
  const char* seed = std::getenv("SLUICE_SEED");
  fmt::print(stderr, "the last {} packets of this world are in {} (SLUICE_SEED={}, stream {})\n", seen_.size(), path,
             seed ? seed : "default", settings_.stream);
}

void World::handle_timeout(Host& host) { host.stacks->handle_timeout(now_ + host.clock); }

Time World::next_timeout(const Host& host) const {
  const Time next = host.stacks->next_timeout();
  return next == kNever ? kNever : next - host.clock;
}

void World::deliver(Host& host) {
  std::vector<Packet> batch;
  while (auto released = host.link.take(now_)) batch.push_back(std::move(released->packet));
  if (!batch.empty()) host.stacks->receive(batch, now_ + host.clock);
}

void World::deliver_injected() {
  while (!injected_.empty() && injected_.begin()->first <= now_) {
    const auto [to_right, bytes] = std::move(injected_.extract(injected_.begin()).mapped());
    Host& host = to_right ? right_ : left_;
    Packet packet = Packet::copy_of(host.pool, bytes);
    host.stacks->receive(std::span(&packet, 1), now_ + host.clock);
  }
}

void World::pull(Host& from, Host& to, bool to_right) {
  const auto carry = [&](Bytes packet) {
    ++packets_;
    const Bytes bytes = remember(to_right, packet);
    if (on_packet) on_packet(to_right, bytes);
    if (!take_packet || !take_packet(to_right, bytes)) to.link.offer(now_, bytes);
  };
  SinkOf sink([&](const Frame& frame) noexcept {
    const Slice whole = frame.copy();
    if (!frame.checksum_partial) {
      carry(whole.bytes());
      return true;
    }
    tun::Segments segments(whole.bytes(), frame.gso_size);  // a wire has no super-segments
    for (Bytes piece = segments.next(); !piece.empty(); piece = segments.next()) carry(piece);
    return true;
  });
  from.stacks->poll_transmit(now_ + from.clock, sink);
  REQUIRE_MESSAGE(packets_ <= settings_.packet_ceiling, "the packet ceiling was reached: an endless exchange");
}

void World::settle() {
  for (;;) {
    const std::uint64_t before = packets_;
    deliver_injected();
    deliver(left_);
    deliver(right_);
    handle_timeout(left_);
    handle_timeout(right_);
    if (on_step) on_step();
    pull(left_, right_, true);
    pull(right_, left_, false);
    const bool due = std::min(left_.link.next_release(), right_.link.next_release()) <= now_ ||
                     (!injected_.empty() && injected_.begin()->first <= now_);
    if (packets_ == before && !due) return;
  }
}

Time World::next_event() const {
  const Time injected = injected_.empty() ? kNever : injected_.begin()->first;
  return std::min(
      {next_timeout(left_), next_timeout(right_), left_.link.next_release(), right_.link.next_release(), injected});
}

void World::run_for(Duration time) {
  const Time end = now_ + time;
  settle();
  while (next_event() <= end) {
    now_ = std::max(now_, next_event());
    settle();
  }
  now_ = end;
  settle();
}

bool World::run_until(const std::function<bool()>& condition, Duration limit) {
  const Time end = now_ + limit;
  for (;;) {
    settle();
    if (condition()) return true;
    const Time next = next_event();
    if (next > end || next == kNever) return false;
    now_ = std::max(now_, next);
  }
}

std::size_t World::memory_used(bool of_right) const noexcept {
  std::size_t used = 0;
  for (const auto& stack : stacks(of_right)) used += stack->memory().used();
  return used;
}

std::optional<Endpoint> World::port_for(const Endpoint& remote) {
  if (settings_.shape.shards == 1 || settings_.anywhere) return std::nullopt;
  Endpoint local{left_.address, next_port_++};
  const auto fits = [&] {
    return left_.stacks->is_home({local, remote}, ip::Protocol::tcp) &&
           right_.stacks->is_home({remote, local}, ip::Protocol::tcp);
  };
  while (!fits()) local.port = next_port_++;
  return local;
}

std::pair<tcp::Socket, tcp::Socket> World::connect(std::uint16_t port, const tcp::OpenOptions& open,
                                                   const tcp::ListenOptions& listen) {
  const Endpoint server{right_.address, port};
  std::vector<tcp::Listener> listeners;
  for (const auto& stack : right_.stacks->stacks()) {
    auto listener = stack->listen(server, listen);
    REQUIRE(listener);
    listeners.push_back(std::move(*listener));
  }
  tcp::OpenOptions options = open;
  if (!options.local) options.local = port_for(server);
  auto opened = left().connect(server, options);
  REQUIRE(opened);
  tcp::Socket accepted;
  REQUIRE(run_until([&] {
    for (tcp::Listener& listener : listeners) {
      if (accepted) break;
      if (auto socket = listener.accept()) accepted = std::move(*socket);
    }
    return accepted && opened->state() == tcp::State::established;
  }));
  return {std::move(*opened), std::move(accepted)};
}

void Transfer::step() {
  while (sent_ < total_ && from_.writable() > 0) {
    const std::size_t size =
        static_cast<std::size_t>(std::min<std::uint64_t>({total_ - sent_, from_.writable(), 65536}));
    const auto taken = from_.write(pattern(seed_, sent_, size));
    if (!taken || *taken == 0) break;
    sent_ += *taken;
  }
  if (sent_ == total_ && finish_when_sent && !finished_) {
    from_.finish();
    finished_ = true;
  }
  for (MutableBytes run = to_.peek(); !run.empty(); run = to_.peek()) {
    for (std::size_t i = 0; i < run.size(); ++i)
      if (run[i] != pattern_byte(seed_, received_ + i)) FAIL("byte ", received_ + i, " is wrong");
    received_ += run.size();
    to_.consume(run.size());
  }
}

}  // namespace sluice::test
