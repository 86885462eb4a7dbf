// Both ends of the device benchmark: the same services on sluice and on the kernel, and a kernel client that measures
// them. tests/bench/device lays out the namespaces and calls this.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <list>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "stack/stack.hpp"
#include "tun/event_loop.hpp"
#include "tun/open.hpp"

namespace {

using namespace sluice;
using SteadyClock = std::chrono::steady_clock;

constexpr std::uint16_t kEcho = 7, kDiscard = 9, kSource = 19;
constexpr std::size_t kBlock = 256 * 1024;

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

// --- the services on sluice --------------------------------------------------------------------------------------

struct Session {
  tcp::Socket socket;
  std::uint16_t port;
};

class Services {
 public:
  Services(tun::EventLoop& loop, const IpAddress& local)
      : loop_(loop), zeros_(Slice::copy_of(std::vector<std::uint8_t>(kBlock))) {
    for (const std::uint16_t port : {kEcho, kDiscard, kSource}) {
      tcp::ListenOptions options;
      options.options.no_delay = true;
      options.options.send_buffer = options.options.receive_buffer = 4 << 20;
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
      sessions_.push_back({std::move(*socket), port});
      const auto place = std::prev(sessions_.end());
      loop_.on(place->socket, [this, place](Readiness) { serve(place); });
      serve(place);
    }
  }

  void serve(std::list<Session>::iterator place) {
    tcp::Socket& socket = place->socket;
    if (place->port == kSource)
      while (socket.writable() >= kBlock / 4)
        if (const auto taken = socket.write(zeros_); !taken || *taken == 0) break;
    for (MutableBytes run = socket.peek(); !run.empty(); run = socket.peek()) {
      const std::size_t taken = place->port == kEcho ? socket.write(Bytes(run)).value_or(0) : run.size();
      socket.consume(taken);
      if (taken < run.size()) break;
    }
    if (!socket.at_eof() && socket.error() == Errc::none) return;
    loop_.off({SocketKind::tcp, socket.id()});
    sessions_.erase(place);
  }

  tun::EventLoop& loop_;
  Slice zeros_;
  std::vector<tcp::Listener> listeners_;
  std::list<Session> sessions_;
};

void serve_on_sluice(const std::string& device_name, const std::string& prefix, std::size_t mtu, long spin_us,
                     bool offload) {
  const auto local = Prefix::parse(prefix);
  if (!local) throw std::runtime_error("not a prefix: " + prefix);
  const auto device = tun::open_tun(
      {.name = device_name, .addresses = {{*local, tun::default_peer(*local)}}, .mtu = mtu, .offload = offload});
  Config config;
  if (getrandom(config.key.data(), config.key.size(), 0) != static_cast<ssize_t>(config.key.size())) fail("getrandom");
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

int kernel_socket(const char* address, std::uint16_t port, sockaddr_in& to) {
  to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  if (inet_pton(AF_INET, address, &to.sin_addr) != 1) throw std::runtime_error("not an IPv4 address");
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // The kernel's default here may be BBR, which paces: both sides of the comparison use Reno.
  setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
  return fd;
}

void kernel_session(int fd, std::uint16_t port) {
  std::vector<char> block(kBlock);
  for (;;) {
    if (port == kSource) {
      if (send(fd, block.data(), block.size(), MSG_NOSIGNAL) <= 0) break;
      continue;
    }
    const ssize_t got = recv(fd, block.data(), block.size(), 0);
    if (got <= 0) break;
    if (port == kEcho && send(fd, block.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) != got) break;
  }
  close(fd);
}

// One thread takes and ends short connections by itself; one that goes on gets a thread.
void serve_on_kernel(const char* address) {
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
  std::vector<char> block(kBlock);
  for (;;) {
    if (poll(watched.data(), watched.size(), -1) < 0) fail("poll");
    for (std::size_t i = watched.size(); i-- > listeners.size();) {
      if (watched[i].revents == 0 || recv(watched[i].fd, block.data(), block.size(), 0) > 0) continue;
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
        std::thread(kernel_session, fd, ports[i]).detach();
    }
  }
}

// --- the client --------------------------------------------------------------------------------------------------

int connected(const char* address, std::uint16_t port) {
  sockaddr_in to;
  const int fd = kernel_socket(address, port, to);
  if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) < 0) fail("connect");
  return fd;
}

/// Gbit/s of text, measured where it arrives or after the last byte was taken.
void bulk(const char* address, bool into, double seconds) {
  const int fd = connected(address, into ? kDiscard : kSource);
  std::vector<char> block(kBlock);
  double bytes = 0;
  const auto start = SteadyClock::now();
  while (seconds_since(start) < seconds) {
    const ssize_t moved =
        into ? send(fd, block.data(), block.size(), MSG_NOSIGNAL) : recv(fd, block.data(), block.size(), 0);
    if (moved <= 0) fail("bulk transfer");
    bytes += static_cast<double>(moved);
  }
  if (into) {
    shutdown(fd, SHUT_WR);  // the peer's FIN says that everything arrived
    while (recv(fd, block.data(), block.size(), 0) > 0) {
    }
  }
  std::printf("%.4f\n", bytes * 8 / seconds_since(start) / 1e9);
  close(fd);
}

/// Median and 99th percentile of a 1-byte echo, microseconds.
void ping_pong(const char* address, double seconds) {
  const int fd = connected(address, kEcho);
  std::vector<double> times;
  char byte = 'x';
  const auto start = SteadyClock::now();
  while (seconds_since(start) < seconds) {
    const auto sent = SteadyClock::now();
    if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1 || recv(fd, &byte, 1, 0) != 1) fail("echo");
    times.push_back(seconds_since(sent) * 1e6);
  }
  std::sort(times.begin(), times.end());
  std::printf("%.2f %.2f\n", times[times.size() / 2], times[times.size() * 99 / 100]);
  close(fd);
}

/// Connections a second: open, close, wait for the peer's end; `parallel` at once, non-blocking, in one thread.
void connections(const char* address, int parallel, double seconds) {
  std::uint64_t done = 0;
  std::vector<pollfd> open;
  std::vector<char> state;  // 0 connecting, 1 waits for the end
  const auto begin_one = [&](std::size_t slot) {
    sockaddr_in to;
    const int fd = kernel_socket(address, kDiscard, to);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) < 0 && errno != EINPROGRESS) fail("connect");
    open[slot] = {fd, POLLOUT, 0};
    state[slot] = 0;
  };
  open.resize(static_cast<std::size_t>(parallel));
  state.resize(open.size());
  for (std::size_t i = 0; i < open.size(); ++i) begin_one(i);
  const auto start = SteadyClock::now();
  while (seconds_since(start) < seconds) {
    if (poll(open.data(), open.size(), 1000) < 0) fail("poll");
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (open[i].revents == 0) continue;
      if (state[i] == 0) {
        shutdown(open[i].fd, SHUT_WR);
        state[i] = 1;
        open[i].events = POLLIN;
        continue;
      }
      char byte;
      if (recv(open[i].fd, &byte, 1, 0) < 0 && errno == EAGAIN) continue;
      close(open[i].fd);
      ++done;
      begin_one(i);
    }
  }
  std::printf("%.1f\n", static_cast<double>(done) / seconds_since(start));
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

int run(const std::vector<std::string>& words) {
  const auto word = [&words](std::size_t i) { return i < words.size() ? words[i] : std::string(); };
  if (word(0) == "serve-sluice" && words.size() >= 4)
    serve_on_sluice(word(1), word(2), std::stoul(word(3)), words.size() > 4 ? std::stol(word(4)) : 0,
                    word(words.size() - 1) == "offload");
  else if (word(0) == "serve-kernel" && words.size() == 2)
    serve_on_kernel(word(1).c_str());
  else if (word(0) == "bulk-in" || word(0) == "bulk-out")
    bulk(word(1).c_str(), word(0) == "bulk-in", std::stod(word(2)));
  else if (word(0) == "ping")
    ping_pong(word(1).c_str(), std::stod(word(2)));
  else if (word(0) == "connect")
    connections(word(1).c_str(), std::stoi(word(3)), std::stod(word(2)));
  else if (word(0) == "offloads-off")
    switch_offloads_off(word(1));
  else {
    std::fprintf(
        stderr,
        "usage: device_peer serve-sluice DEV PREFIX MTU [SPIN_US [offload]] | serve-kernel ADDR | offloads-off DEV\n"
        "       device_peer bulk-in|bulk-out|ping ADDR SECONDS | connect ADDR SECONDS PARALLEL\n");
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
