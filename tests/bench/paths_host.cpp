// A sluice end: the bulk source and the sink on its sockets.
#include "tests/bench/paths_host.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

#include "tun/clock.hpp"

namespace sluice::bench {
namespace {

constexpr std::size_t kBlock = 256 * 1024;

Config config_for(const IpAddress& address, const std::string& seed, Observer* observer) {
  Config config;
  config.key = tun::key_from_seed(seed + address.to_string());
  config.ip.mtu = kMtu;
  config.ip.addresses = {{address, 24}};
  config.memory_limit = std::size_t{1} << 30;
  config.observer = observer;
  return config;
}

tcp::Options bulk_options() {
  tcp::Options options;
  options.send_buffer = options.receive_buffer = kSocketBuffer;
  return options;
}

}  // namespace

SluiceHost::SluiceHost(const IpAddress& address, const std::string& seed, Time now, Observer* observer)
    : address_(address),
      stack_(config_for(address, seed, observer)),
      text_(Slice::copy_of(std::vector<std::uint8_t>(kBlock))) {
  stack_.handle_timeout(now);
}

void SluiceHost::listen(std::uint16_t port) {
  auto listener = stack_.listen({address_, port}, {.options = bulk_options()});
  if (!listener) throw std::runtime_error("sluice cannot listen");
  sinks_.push_back({.port = port, .listener = std::move(*listener)});
}

void SluiceHost::send_to(const Endpoint& remote, const std::string& congestion) {
  auto socket = stack_.connect(remote, {.congestion = congestion_named(congestion), .options = bulk_options()});
  if (!socket) throw std::runtime_error("sluice cannot connect");
  sources_.push_back({.port = remote.port, .socket = std::move(*socket)});
}

void SluiceHost::turn(Time now, FrameSink& sink) {
  if (!arrived.empty()) stack_.receive(arrived, now);
  arrived.clear();
  stack_.handle_timeout(now);
  for (Sink& one : sinks_) serve(one);
  for (Source& one : sources_) serve(one);
  stack_.poll_transmit(now, sink);
}

void SluiceHost::serve(Sink& sink) {
  if (!sink.socket) {
    auto accepted = sink.listener.accept();
    if (!accepted) return;
    sink.socket = std::move(*accepted);
  }
  for (MutableBytes run = sink.socket.peek(); !run.empty(); run = sink.socket.peek()) {
    sink.received += run.size();
    sink.socket.consume(run.size());
  }
}

void SluiceHost::serve(Source& source) {
  while (source.socket.writable() >= kBlock)
    if (source.socket.write(text_).value_or(0) == 0) break;
}

std::uint64_t SluiceHost::received(std::uint16_t port) const noexcept {
  for (const Sink& sink : sinks_)
    if (sink.port == port) return sink.received;
  return 0;
}

SenderFigures SluiceHost::sender(std::uint16_t port) const {
  for (const Source& source : sources_) {
    if (source.port != port) continue;
    if (source.socket.error() != Errc::none) throw std::runtime_error("a connection of sluice failed");
    const auto info = source.socket.info();
    return {info->bytes_sent, info->bytes_retransmitted};
  }
  return {};
}

std::string SluiceHost::notes() const {
  std::string text;
  for (const tcp::Counter which :
       {tcp::Counter::timeouts, tcp::Counter::fast_retransmits, tcp::Counter::duplicate_bytes,
        tcp::Counter::drop_memory, tcp::Counter::drop_out_of_order_limit}) {
    const std::uint64_t count = const_cast<Stack&>(stack_).tcp().counters()[which];
    if (count > 0) text += fmt::format("{}{}={}", text.empty() ? "" : " ", tcp::name(which), count);
  }
  return text;
}

}  // namespace sluice::bench
