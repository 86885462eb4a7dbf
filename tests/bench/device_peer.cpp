// Both ends of the device benchmark: the same services on sluice and on the kernel, and a kernel client that measures
// them (device_client.hpp). tests/bench/device lays out the namespaces and calls this.
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <functional>
#include <list>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "stack/stack.hpp"
#include "tests/bench/bulk_block.hpp"
#include "tests/bench/device_client.hpp"
#include "tun/clock.hpp"
#include "tun/event_loop.hpp"
#include "tun/open.hpp"

namespace {

using namespace sluice;
using bench::kDiscard;
using bench::kEcho;
using bench::kernel_socket;
using bench::kSource;

constexpr std::size_t kPiece = 256 * 1024;  // bytes a call

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

// --- the services on sluice --------------------------------------------------------------------------------------

struct Session {
  tcp::Socket socket;
  std::uint16_t port = 0;
  std::size_t sent = 0;  // where in the block a source goes on
};

class Services {
 public:
  Services(tun::EventLoop& loop, const IpAddress& local) : loop_(loop), block_(Slice::copy_of(bench::bulk_block())) {
    for (const std::uint16_t port : {kEcho, kDiscard, kSource}) {
      tcp::ListenOptions options;
      options.options.no_delay = true;  // as `sluice serve` has it, and its buffers
      options.backlog = 1024;
      auto listener = loop.stack().listen({local, port}, options);
      if (!listener) throw std::runtime_error("cannot listen");
      listeners_.push_back(std::move(*listener));
      loop.on(listeners_.back(), [this, port, index = listeners_.size() - 1](Readiness) { accept_all(index, port); });
    }
  }

 private:
  void accept_all(std::size_t index, std::uint16_t port) {
    while (auto socket = listeners_[index].accept()) {
      sessions_.push_back({.socket = std::move(*socket), .port = port});
      const auto place = std::prev(sessions_.end());
      loop_.on(place->socket, [this, place](Readiness) { serve(place); });
      serve(place);
    }
  }

  void serve(std::list<Session>::iterator place) {
    tcp::Socket& socket = place->socket;
    if (place->port == kSource) feed(*place);
    for (MutableBytes run = socket.peek(); !run.empty(); run = socket.peek()) {
      const std::size_t taken = place->port == kEcho ? socket.write(Bytes(run)).value_or(0) : run.size();
      socket.consume(taken);
      if (taken < run.size()) break;
    }
    if (!socket.at_eof() && socket.error() == Errc::none) return;
    loop_.off({SocketKind::tcp, socket.id()});
    sessions_.erase(place);
  }

  void feed(Session& session) {
    for (;;) {
      const std::size_t size = std::min(kPiece, block_.size() - session.sent);
      const auto taken = session.socket.write(block_.part(session.sent, size));
      if (!taken || *taken == 0) return;
      session.sent = (session.sent + *taken) % block_.size();
    }
  }

  tun::EventLoop& loop_;
  Slice block_;
  std::vector<tcp::Listener> listeners_;
  std::list<Session> sessions_;
};

void serve_on_sluice(const std::string& device_name, const std::string& prefix, std::size_t mtu, long spin_us,
                     bool offload, tun::Backend backend) {
  const auto local = Prefix::parse(prefix);
  if (!local) throw std::runtime_error("not a prefix: " + prefix);
  const auto device = tun::open_tun({.name = device_name,
                                     .addresses = {{*local, tun::default_peer(*local)}},
                                     .mtu = mtu,
                                     .offload = offload,
                                     .backend = backend});
  Config config;
  config.key = tun::random_key();
  config.ip.mtu = mtu;
  config.tcp.maximum_frame = device->offloads().maximum_frame;
  config.ip.addresses = {*local};
  Stack stack(config);
  tun::EventLoop loop(stack, *device, {.spin = std::chrono::microseconds(spin_us)});
  Services services(loop, local->address);
  loop.stop_on({SIGINT, SIGTERM});
  std::printf("ready\n");
  std::fflush(stdout);
  (void)loop.run();
}

// --- the services on the kernel ----------------------------------------------------------------------------------

void kernel_session(int fd, std::uint16_t port, const std::vector<std::uint8_t>& block) {
  std::vector<char> piece(port == kEcho ? kPiece : 0);
  for (std::size_t at = 0;;) {
    if (port == kSource) {
      const ssize_t sent = send(fd, block.data() + at, std::min(kPiece, block.size() - at), MSG_NOSIGNAL);
      if (sent <= 0) break;
      at = (at + static_cast<std::size_t>(sent)) % block.size();
      continue;
    }
    const ssize_t got = recv(fd, piece.data(), piece.size(), 0);
    if (got <= 0 || send(fd, piece.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) != got) break;
  }
  close(fd);
}

// One thread takes short connections and bulk by itself; an echo or a source gets a thread of its own.
void serve_on_kernel(const char* address) {
  const std::vector<std::uint8_t> source = bench::bulk_block();
  std::vector<pollfd> listeners;
  for (const std::uint16_t port : {kEcho, kDiscard, kSource}) {
    sockaddr_in to;
    const int fd = kernel_socket(address, port, to);
    if (bind(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) < 0) fail("bind");
    if (listen(fd, 1024) < 0) fail("listen");
    listeners.push_back({fd, POLLIN, 0});
  }
  std::printf("ready\n");
  std::fflush(stdout);
  const std::uint16_t ports[] = {kEcho, kDiscard, kSource};
  std::vector<pollfd> watched = listeners;  // then the discard connections, as the sluice side has them: one thread
  std::vector<char> piece(kPiece);
  for (;;) {
    if (poll(watched.data(), watched.size(), -1) < 0) fail("poll");
    for (std::size_t i = watched.size(); i-- > listeners.size();) {
      if (watched[i].revents == 0 || recv(watched[i].fd, piece.data(), piece.size(), 0) > 0) continue;
      close(watched[i].fd);
      watched.erase(watched.begin() + static_cast<std::ptrdiff_t>(i));
    }
    for (std::size_t i = 0; i < listeners.size(); ++i) {
      if (!(watched[i].revents & POLLIN)) continue;
      const int fd = accept(watched[i].fd, nullptr, nullptr);
      if (fd < 0) continue;
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      if (ports[i] == kDiscard)
        watched.push_back({fd, POLLIN, 0});
      else
        std::thread(kernel_session, fd, ports[i], std::cref(source)).detach();
    }
  }
}

void switch_offloads_off(const std::string& device) {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  for (const int command : {ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO}) {
    ethtool_value value{static_cast<std::uint32_t>(command), 0};
    ifreq request{};
    std::strncpy(request.ifr_name, device.c_str(), IFNAMSIZ - 1);
    request.ifr_data = reinterpret_cast<char*>(&value);
    if (ioctl(fd, SIOCETHTOOL, &request) < 0) fail("ethtool " + device);
  }
  close(fd);
}

const char* const kUsage =
    "usage: device_peer serve-sluice DEV PREFIX MTU SPIN_US [offload] [uring] | serve-kernel ADDR | offloads-off DEV\n"
    "       device_peer probe ADDR PORT | bulk-in|bulk-out|ping ADDR SECONDS | connect ADDR SECONDS PARALLEL\n"
    "       device_peer http-bulk ADDR SECONDS PATH\n";

/// The client's verbs; nullopt: none of them. Answers the figures, in one line.
std::optional<std::string> measure(const std::vector<std::string>& words) {
  if (words.size() < 3) return std::nullopt;
  const char* const address = words[1].c_str();
  const double seconds = std::stod(words[2]);
  const auto is = [&](const char* verb, std::size_t count) { return words[0] == verb && words.size() == count; };
  if (is("probe", 3)) {
    bench::probe(address, static_cast<std::uint16_t>(std::stoul(words[2])));
    return "";
  }
  if (is("bulk-in", 3)) return std::to_string(bench::bulk_in(address, seconds));
  if (is("bulk-out", 3)) return std::to_string(bench::bulk_out(address, seconds));
  if (is("connect", 4)) return std::to_string(bench::connections(address, std::stoi(words[3]), seconds));
  if (is("http-bulk", 4)) return std::to_string(bench::http_bulk(address, words[3], seconds));
  if (!is("ping", 3)) return std::nullopt;
  const bench::RoundTrips times = bench::ping_pong(address, seconds);
  return std::to_string(times.p50) + " " + std::to_string(times.p99);
}

int run(const std::vector<std::string>& words) {
  const auto is = [&](const char* verb, std::size_t least) { return words.size() >= least && words[0] == verb; };
  if (is("serve-sluice", 5)) {
    const auto has = [&](const char* word) { return std::find(words.begin() + 5, words.end(), word) != words.end(); };
    serve_on_sluice(words[1], words[2], std::stoul(words[3]), std::stol(words[4]), has("offload"),
                    has("uring") ? tun::Backend::uring : tun::Backend::epoll);
  } else if (is("serve-kernel", 2)) {
    serve_on_kernel(words[1].c_str());
  } else if (is("offloads-off", 2)) {
    switch_offloads_off(words[1]);
  } else if (const auto figures = measure(words)) {
    std::printf("%s\n", figures->c_str());
  } else {
    std::fputs(kUsage, stderr);
    return 2;
  }
  return 0;
}

}  // namespace

int main(int count, char** words) {
  try {
    return run({words + 1, words + count});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "device_peer: %s\n", error.what());
    return 1;
  }
}
