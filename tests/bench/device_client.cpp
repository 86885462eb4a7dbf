// Blocking sockets where one connection is measured, poll() where many are.
#include "tests/bench/device_client.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "tests/bench/bulk_block.hpp"
#include "tun/fd.hpp"

namespace sluice::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kPiece = 256 * 1024;  // bytes a call

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

[[noreturn]] void fail(const std::string& what) {
  const bool stood_still = errno == EAGAIN || errno == EINPROGRESS;
  throw std::runtime_error(what + ": " + (stood_still ? "nothing moved for seconds" : std::strerror(errno)));
}

double gigabits(double bytes, double seconds) { return bytes * 8 / seconds / 1e9; }

tun::Fd connected(const char* address, std::uint16_t port) {
  sockaddr_in to;
  tun::Fd fd(kernel_socket(address, port, to));
  const timeval patience{kPatience, 0};
  setsockopt(fd.number(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd.number(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect(fd.number(), reinterpret_cast<sockaddr*>(&to), sizeof to) < 0) fail("connect");
  return fd;
}

std::size_t received(const tun::Fd& fd, char* into, std::size_t size) {
  const ssize_t got = recv(fd.number(), into, size, 0);
  if (got < 0) fail("recv");
  if (got == 0) throw std::runtime_error("the other end closed the connection");
  return static_cast<std::size_t>(got);
}

void send_all(const tun::Fd& fd, std::string_view text) {
  if (send(fd.number(), text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) fail("send");
}

/// Asks for one file over and over, and counts the bytes of the bodies.
class HttpDownload {
 public:
  HttpDownload(const char* address, const std::string& path)
      : fd_(connected(address, 80)), request_("GET " + path + " HTTP/1.1\r\nHost: " + address + "\r\n\r\n") {
    send_all(fd_, request_);
    send_all(fd_, request_);
  }

  /// Bytes of body in what one call brought.
  std::size_t step() {
    const std::size_t held = head_.size();
    std::copy(head_.begin(), head_.end(), buffer_.begin());
    const std::size_t end = held + received(fd_, buffer_.data() + held, buffer_.size() - held);
    head_.clear();
    std::size_t counted = 0;
    for (std::size_t at = 0; at < end;) {
      if (left_ == 0) {
        const std::string_view rest(buffer_.data() + at, end - at);
        const std::size_t size = begin_answer(rest);
        if (size == 0) {
          head_.assign(rest);
          break;
        }
        at += size;
        continue;
      }
      const std::size_t taken = std::min(left_, end - at);
      left_ -= taken;
      at += taken;
      counted += taken;
    }
    return counted;
  }

 private:
  /// Reads the head of an answer and sends the next request; bytes of the head, 0 = it isn't whole.
  std::size_t begin_answer(std::string_view text) {
    const std::size_t end = text.find("\r\n\r\n");
    if (end == text.npos) {
      if (text.size() > 8192) throw std::runtime_error("an answer's head is too long");
      return 0;
    }
    if (!text.starts_with("HTTP/1.1 200 ")) throw std::runtime_error("the file was refused");
    constexpr std::string_view kLength = "\r\ncontent-length: ";
    const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
    const auto found = std::search(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), kLength.begin(),
                                   kLength.end(), same);
    const auto value = static_cast<std::size_t>(found - text.begin()) + kLength.size();
    if (value >= end) throw std::runtime_error("an answer without Content-Length");
    left_ = std::stoul(std::string(text.substr(value, end - value)));
    if (left_ == 0) throw std::runtime_error("the file is empty");
    send_all(fd_, request_);
    return end + 4;
  }

  tun::Fd fd_;
  std::string request_;
  std::string head_;  // of an answer whose end is still to come
  std::vector<char> buffer_ = std::vector<char>(kPiece);
  std::size_t left_ = 0;  // bytes of the body under way
};

}  // namespace

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
  // The kernel's default may be BBR, which paces.
  setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
  return fd;
}

void probe(const char* address, std::uint16_t port) { (void)connected(address, port); }

double bulk_in(const char* address, double seconds) {
  const std::vector<std::uint8_t> block = bulk_block();
  const tun::Fd fd = connected(address, kDiscard);
  std::size_t at = 0;
  double bytes = 0;
  const auto start = SteadyClock::now();
  while (seconds_since(start) < seconds) {
    const ssize_t moved = send(fd.number(), block.data() + at, std::min(kPiece, block.size() - at), MSG_NOSIGNAL);
    if (moved <= 0) fail("send");
    bytes += static_cast<double>(moved);
    at = (at + static_cast<std::size_t>(moved)) % block.size();
  }
  shutdown(fd.number(), SHUT_WR);
  char byte = 0;
  if (recv(fd.number(), &byte, 1, 0) != 0) fail("the end of what was sent");
  return gigabits(bytes, seconds_since(start));
}

double bulk_out(const char* address, double seconds) {
  const std::size_t size = bulk_block_size();
  const std::vector<std::uint8_t> block = bulk_block(8);
  const tun::Fd fd = connected(address, kSource);
  std::vector<char> buffer(kPiece);
  std::size_t at = 0;
  double bytes = 0;
  const auto start = SteadyClock::now();
  while (seconds_since(start) < seconds) {
    const std::size_t moved = received(fd, buffer.data(), buffer.size());
    if (std::memcmp(buffer.data(), block.data() + at, std::min<std::size_t>(moved, 8)) != 0)
      throw std::runtime_error("other bytes came than were sent");
    bytes += static_cast<double>(moved);
    at = (at + moved) % size;
  }
  return gigabits(bytes, seconds_since(start));
}

RoundTrips ping_pong(const char* address, double seconds) {
  const tun::Fd fd = connected(address, kEcho);
  std::vector<double> times;
  const auto start = SteadyClock::now();
  while (seconds_since(start) < seconds) {
    const auto sent = SteadyClock::now();
    char byte = 'x';
    send_all(fd, {&byte, 1});
    (void)received(fd, &byte, 1);
    times.push_back(seconds_since(sent) * 1e6);
  }
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times[times.size() * 99 / 100]};
}

double connections(const char* address, int parallel, double seconds) {
  std::uint64_t done = 0;
  std::vector<pollfd> open(static_cast<std::size_t>(parallel));
  std::vector<char> closing(open.size());
  const auto begin_one = [&](std::size_t slot) {
    sockaddr_in to;
    const int fd = kernel_socket(address, kDiscard, to);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) < 0 && errno != EINPROGRESS) fail("connect");
    open[slot] = {fd, POLLOUT, 0};
    closing[slot] = 0;
  };
  for (std::size_t i = 0; i < open.size(); ++i) begin_one(i);
  const auto start = SteadyClock::now();
  while (seconds_since(start) < seconds) {
    const int ready = poll(open.data(), open.size(), kPatience * 1000);
    if (ready < 0) fail("poll");
    if (ready == 0) throw std::runtime_error("no connection moved for seconds");
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (open[i].revents == 0) continue;
      if (!closing[i]) {
        shutdown(open[i].fd, SHUT_WR);
        closing[i] = 1;
        open[i].events = POLLIN;
        continue;
      }
      char byte = 0;
      const ssize_t got = recv(open[i].fd, &byte, 1, 0);
      if (got < 0 && errno == EAGAIN) continue;
      if (got < 0) fail("a connection");
      close(open[i].fd);
      ++done;
      begin_one(i);
    }
  }
  const double rate = static_cast<double>(done) / seconds_since(start);
  for (const pollfd& one : open) close(one.fd);
  return rate;
}

double http_bulk(const char* address, const std::string& path, double seconds) {
  HttpDownload download(address, path);
  double bytes = 0;
  const auto start = SteadyClock::now();
  while (seconds_since(start) < seconds) bytes += static_cast<double>(download.step());
  return gigabits(bytes, seconds_since(start));
}

}  // namespace sluice::bench
