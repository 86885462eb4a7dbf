// Blocking sockets and threads: nothing clever stands between the kernel's TCP and the path.
#include "tests/bench/paths_kernel.hpp"

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace sluice::bench {
namespace {

constexpr std::size_t kBlock = 256 * 1024;

constexpr const char* kTelling[] = {"TCPSackRecovery", "TCPTimeouts",     "TCPLossProbes",   "TCPLostRetransmit",
                                    "TCPDSACKUndo",    "TCPFullUndo",     "TCPPartialUndo",  "TCPLossUndo",
                                    "TCPSACKReorder",  "TCPSpuriousRTOs", "TCPDSACKOfoRecv", "TCPSlowStartRetrans"};

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

sockaddr_in address_of(const Endpoint& endpoint) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  std::ranges::copy(endpoint.address.bytes(), reinterpret_cast<std::uint8_t*>(&address.sin_addr));
  return address;
}

tun::Fd socket_in(const tun::Namespace& home, int type) {
  tun::Fd fd;
  home.run([&] { fd = tun::Fd(socket(AF_INET, type | SOCK_CLOEXEC, 0)); });
  if (!fd) fail("socket");
  return fd;
}

void bind_to(const tun::Fd& fd, const Endpoint& local) {
  const sockaddr_in address = address_of(local);
  if (bind(fd.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) fail("bind");
}

/// The kernel doubles what it is told, for its bookkeeping.
void set_buffer(const tun::Fd& fd, int which) {
  const int size = static_cast<int>(kSocketBuffer);
  if (setsockopt(fd.number(), SOL_SOCKET, which, &size, sizeof size) < 0) fail("setsockopt");
}

}  // namespace

KernelHost::~KernelHost() { stop(); }

KernelHost::Flow& KernelHost::add(std::uint16_t port, bool sends) {
  Flow& flow = flows_.emplace_back();
  flow.port = port;
  flow.sends = sends;
  flow.fd = socket_in(home_, SOCK_STREAM);
  set_buffer(flow.fd, sends ? SO_SNDBUFFORCE : SO_RCVBUFFORCE);
  return flow;
}

void KernelHost::listen(std::uint16_t port) {
  Flow& flow = add(port, false);
  bind_to(flow.fd, {IpAddress::v4(0, 0, 0, 0), port});
  if (::listen(flow.fd.number(), 8) < 0) fail("listen");
  flow.thread = std::thread([&flow] {
    const tun::Fd taken(accept(flow.fd.number(), nullptr, nullptr));
    flow.connection = taken.number();
    std::vector<char> block(kBlock);
    for (ssize_t got = 1; got > 0; flow.bytes += static_cast<std::uint64_t>(std::max<ssize_t>(got, 0)))
      got = recv(taken.number(), block.data(), block.size(), 0);
    flow.connection = -1;
  });
}

void KernelHost::send_to(const Endpoint& remote, const std::string& congestion) {
  Flow& flow = add(remote.port, true);
  const auto size = static_cast<socklen_t>(congestion.size());
  if (setsockopt(flow.fd.number(), IPPROTO_TCP, TCP_CONGESTION, congestion.data(), size) < 0)
    fail("the kernel's congestion control " + congestion);
  flow.thread = std::thread([&flow, address = address_of(remote)] {
    if (connect(flow.fd.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) return;
    const std::vector<char> block(kBlock);
    while (send(flow.fd.number(), block.data(), block.size(), MSG_NOSIGNAL) > 0) {
    }
  });
}

std::uint64_t KernelHost::received(std::uint16_t port) const noexcept {
  for (const Flow& flow : flows_)
    if (flow.port == port && !flow.sends) return flow.bytes;
  return 0;
}

SenderFigures KernelHost::sender(std::uint16_t port) const {
  for (const Flow& flow : flows_) {
    if (flow.port != port || !flow.sends) continue;
    tcp_info info{};
    socklen_t size = sizeof info;
    if (getsockopt(flow.fd.number(), IPPROTO_TCP, TCP_INFO, &info, &size) < 0) fail("TCP_INFO");
    return {info.tcpi_bytes_sent, info.tcpi_bytes_retrans};
  }
  return {};
}

// Pairs of lines: names, then numbers.
std::string KernelHost::notes() const {
  std::ifstream file;
  home_.run([&] { file.open("/proc/thread-self/net/netstat"); });
  std::string notes, names, numbers;
  while (std::getline(file, names) && std::getline(file, numbers)) {
    std::istringstream name_words(names), number_words(numbers);
    for (std::string name, number; name_words >> name && number_words >> number;)
      if (number != "0" && std::ranges::find(kTelling, name) != std::end(kTelling)) notes += " " + name + "=" + number;
  }
  return notes;
}

void KernelHost::stop() noexcept {
  for (Flow& flow : flows_) {
    shutdown(flow.fd.number(), SHUT_RDWR);  // ends accept(), connect() and send()
    if (const int taken = flow.connection; taken >= 0) shutdown(taken, SHUT_RDWR);
  }
  for (Flow& flow : flows_)
    if (flow.thread.joinable()) flow.thread.join();
  flows_.clear();
}

Flood::Flood(const tun::Namespace& home, const Endpoint& remote) : fd_(socket_in(home, SOCK_DGRAM)) {
  const sockaddr_in address = address_of(remote);
  if (connect(fd_.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) fail("connect");
  thread_ = std::thread([this] {
    const std::vector<char> datagram(kMtu - 28);
    while (!over_) (void)send(fd_.number(), datagram.data(), datagram.size(), 0);
  });
}

Flood::~Flood() {
  over_ = true;
  thread_.join();
}

tun::Fd datagram_sink(const tun::Namespace& home, const Endpoint& local) {
  tun::Fd fd = socket_in(home, SOCK_DGRAM);
  bind_to(fd, local);
  return fd;
}

}  // namespace sluice::bench
