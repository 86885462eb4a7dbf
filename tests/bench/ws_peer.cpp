// Both ends of the WebSocket benchmark: our session on the kernel's sockets, a bare echo of bytes to compare, and a
// client that loads any server. tests/bench/ws starts them and does the sums.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "http/driver.hpp"
#include "http/server_session.hpp"
#include "stack/base/random.hpp"
#include "tun/clock.hpp"
#include "tun/kernel_stream.hpp"
#include "ws/connection.hpp"
#include "ws/echo.hpp"
#include "ws/frame.hpp"
#include "ws/handshake.hpp"

namespace {

using namespace sluice;
using SteadyClock = std::chrono::steady_clock;
using ByteVector = std::vector<std::uint8_t>;

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

Endpoint endpoint_of(const std::string& text) {
  const auto endpoint = Endpoint::parse(text);
  if (!endpoint) fail("no endpoint: " + text);
  return *endpoint;
}

void no_delay(int fd) {
  const int yes = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

// --- servers on the kernel's sockets --------------------------------------------------------------------------------

/// How a server agrees to compression: not at all, with windows that are kept, or with streams that sessions share.
enum class Deflate : std::uint8_t { no, kept, shared };

struct Habits {
  ws::ServerPolicy policy;
  ws::Settings settings;
  ws::DeflatePool pool;
  BufferPool buffers;

  explicit Habits(Deflate deflate) {
    settings.max_frame = settings.max_message = 64u << 20;
    settings.pool = &buffers;
    settings.send_timeout = {};
    if (deflate == Deflate::kept) policy.deflate.emplace();
    if (deflate != Deflate::shared) return;
    policy.deflate = {{12, false}, {12, false}};
    settings.deflate_pool = &pool;
  }
};

class Served {
 public:
  virtual ~Served() = default;
  /// False: it is over.
  virtual bool pump(Time now) = 0;
  tun::KernelStream stream;
  bool watches_output = false;
};

/// HTTP until the request for a WebSocket is answered, an echo of messages from then on.
class WsServed final : public Served {
 public:
  explicit WsServed(Habits& habits) : habits_(habits), opening_(std::make_unique<Opening>()) {}
  bool pump(Time now) override {
    if (opening_ && !open(now)) return false;
    return opening_ || !connection_->pump(now, ws::Echo());
  }

 private:
  struct Opening {
    http::ServerSession http;
    std::optional<ws::DeflateParameters> agreed;
  };

  bool open(Time now) {
    const http::Phase phase = http::drive(stream, opening_->http, now, [this](http::ServerEvent&& event) {
      const auto* head = std::get_if<http::RequestHead>(&event);
      if (!head) return;
      const ws::ServerAnswer answer = ws::answer_handshake(head->request, habits_.policy);
      opening_->agreed = answer.deflate;
      opening_->http.respond(answer.response);
    });
    if (phase == http::Phase::upgraded) {
      connection_ = std::make_unique<ws::Connection<tun::KernelStream>>(stream, ws::Role::server, habits_.settings,
                                                                        nullptr, Bytes(), opening_->agreed);
      opening_.reset();
    }
    return phase == http::Phase::upgraded || phase == http::Phase::serving;
  }

  Habits& habits_;
  std::unique_ptr<Opening> opening_;
  std::unique_ptr<ws::Connection<tun::KernelStream>> connection_;
};

/// The handshake of a WebSocket and nothing behind it but a bare echo: what a connection costs without a session.
class HollowServed final : public Served {
 public:
  explicit HollowServed(Habits& habits) : habits_(habits), http_(std::make_unique<http::ServerSession>()) {}
  bool pump(Time now) override {
    if (!http_) {
      for (Bytes bytes = stream.peek(); !bytes.empty(); bytes = stream.peek()) {
        (void)stream.write(bytes);
        stream.consume(bytes.size());
      }
      return !stream.at_eof() && stream.error() == Errc::none;
    }
    const http::Phase phase = http::drive(stream, *http_, now, [this](http::ServerEvent&& event) {
      const auto* head = std::get_if<http::RequestHead>(&event);
      if (head) http_->respond(ws::answer_handshake(head->request, habits_.policy).response);
    });
    if (phase == http::Phase::upgraded) http_.reset();
    return phase == http::Phase::upgraded || phase == http::Phase::serving;
  }

 private:
  Habits& habits_;
  std::unique_ptr<http::ServerSession> http_;
};

/// What comes goes back, unread.
class RawServed final : public Served {
 public:
  bool pump(Time) override {
    while (stream.writable() == tun::KernelStream::kBuffer) {
      const Bytes bytes = stream.peek();
      if (bytes.empty()) break;
      const auto written = stream.write(bytes);
      stream.consume(written ? *written : bytes.size());
    }
    return !stream.at_eof() && stream.error() == Errc::none;
  }
};

template <class Make>
int serve(const Endpoint& local, Make make) {
  auto listener = tun::kernel_listen(local, 4096);
  if (!listener) fail("cannot listen");
  const int poller = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event wish{EPOLLIN, {nullptr}};
  ::epoll_ctl(poller, EPOLL_CTL_ADD, listener->number(), &wish);
  std::puts("ready");
  std::fflush(stdout);
  std::array<epoll_event, 256> events;
  for (;;) {
    const int count = ::epoll_wait(poller, events.data(), static_cast<int>(events.size()), -1);
    if (count < 0 && errno != EINTR) return 1;
    const Time now = tun::monotonic_now();
    for (int i = 0; i < count; ++i) {
      auto* served = static_cast<Served*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (!served) {
        while (auto stream = tun::kernel_accept(*listener)) {
          no_delay(stream->fd());
          std::unique_ptr<Served> made = make();
          made->stream = std::move(*stream);
          epoll_event watch{EPOLLIN, {.ptr = made.get()}};
          ::epoll_ctl(poller, EPOLL_CTL_ADD, made->stream.fd(), &watch);
          made.release();  // epoll holds it until it is over
        }
        continue;
      }
      served->stream.on_ready();
      if (!served->pump(now)) {
        delete served;
        continue;
      }
      const bool output = any(served->stream.interest() & Readiness::writable);
      if (output == served->watches_output) continue;
      served->watches_output = output;
      epoll_event watch{EPOLLIN | (output ? EPOLLOUT : 0u), {.ptr = served}};
      ::epoll_ctl(poller, EPOLL_CTL_MOD, served->stream.fd(), &watch);
    }
  }
}

// --- the client ------------------------------------------------------------------------------------------------------

struct Load {
  Endpoint server;
  std::string target = "/";
  std::size_t size = 20;  ///< bytes a message
  std::size_t connections = 16;
  std::size_t batch = 64;  ///< messages that leave together, on each connection
  double seconds = 2;
  bool raw = false;  ///< no handshake and no frames read: bytes come back as they were sent
};

int connect_to(const Endpoint& server) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server.port);
  std::memcpy(&address.sin_addr, server.address.bytes().data(), 4);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("no connection");
  no_delay(fd);
  return fd;
}

void send_all(int fd, Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) fail("the server is gone");
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
}

void open_websocket(int fd, const Load& load, bool deflate) {
  std::string request = "GET " + load.target + " HTTP/1.1\r\nHost: " + load.server.address.to_string() +
                        "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  if (deflate) request += "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
  request += "\r\n";
  send_all(fd, as_bytes(request));
  std::string answer;
  while (answer.find("\r\n\r\n") == answer.npos) {
    char byte = 0;
    if (::recv(fd, &byte, 1, 0) != 1) fail("no answer to the handshake");
    answer += byte;
  }
  if (!answer.starts_with("HTTP/1.1 101")) fail("the server refused: " + answer.substr(0, answer.find('\r')));
}

/// A masked binary frame, `times` over.
ByteVector frames(std::size_t size, std::size_t times, bool raw) {
  const ws::FrameHeader header{true, 0, ws::Opcode::binary, !raw, {0x37, 0xfa, 0x21, 0x3d}, size};
  std::array<std::uint8_t, ws::kMaxHeader> head;
  const std::size_t head_size = ws::write_header(head, header);
  ByteVector all;
  for (std::size_t i = 0; i < times; ++i) {
    all.insert(all.end(), head.begin(), head.begin() + static_cast<std::ptrdiff_t>(head_size));
    all.insert(all.end(), size, static_cast<std::uint8_t>('a'));
  }
  return all;
}

/// A masked frame of JSON that permessage-deflate made smaller.
ByteVector compressed_frame() {
  std::string text;
  for (int i = 0; i < 12; ++i) text += "{\"id\":" + std::to_string(i * 7919) + ",\"name\":\"sensor\",\"value\":0.5},";
  ws::ChunkQueue queue(nullptr);
  ws::Deflater deflater(12, {});
  deflater.add(as_bytes(text), queue);
  deflater.end(queue);
  const ws::FrameHeader header{true, ws::kRsv1, ws::Opcode::text, true, {}, queue.size()};  // the key of zeros
  ByteVector frame(ws::kMaxHeader);
  frame.resize(ws::write_header(frame, header));
  for (const Slice& slice : queue.slices()) frame.insert(frame.end(), slice.bytes().begin(), slice.bytes().end());
  return frame;
}

/// One connection of the load: a batch leaves, its answers come, the next batch leaves.
struct Client {
  int fd = -1;
  std::size_t unsent = 0;
  std::size_t awaited = 0;  ///< bytes of answers
  SteadyClock::time_point since;
};

/// messages/s, bytes of payload/s, then p50 and p99 of a batch's way there and back in µs.
int load(const Load& wish) {
  const ByteVector batch = frames(wish.size, wish.batch, wish.raw);
  const std::size_t answer = wish.raw ? batch.size() : wish.batch * (ws::header_size(wish.size, false) + wish.size);
  const int poller = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<Client> clients(wish.connections);
  for (Client& client : clients) {
    client.fd = connect_to(wish.server);
    if (!wish.raw) open_websocket(client.fd, wish, false);
    epoll_event watch{EPOLLIN, {.ptr = &client}};
    ::epoll_ctl(poller, EPOLL_CTL_ADD, client.fd, &watch);
  }
  const auto watch_output = [&](Client& client, bool output) {
    epoll_event watch{EPOLLIN | (output ? EPOLLOUT : 0u), {.ptr = &client}};
    ::epoll_ctl(poller, EPOLL_CTL_MOD, client.fd, &watch);
  };
  const auto send_more = [&](Client& client) {
    const bool waited = client.unsent > 0 && client.unsent < batch.size();
    while (client.unsent > 0) {
      const ssize_t sent =
          ::send(client.fd, batch.data() + batch.size() - client.unsent, client.unsent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno != EAGAIN) fail("the server is gone");
      if (sent < 0) break;
      client.unsent -= static_cast<std::size_t>(sent);
    }
    if ((client.unsent > 0) != waited || client.unsent > 0) watch_output(client, client.unsent > 0);
  };
  const auto begin = [&](Client& client) {
    client.unsent = batch.size();
    client.awaited = answer;
    client.since = SteadyClock::now();
    send_more(client);
  };
  for (Client& client : clients) begin(client);
  const auto start = SteadyClock::now();
  std::vector<double> delays;
  std::vector<std::uint8_t> room(1u << 20);
  std::array<epoll_event, 256> events;
  double elapsed = 0;
  while ((elapsed = seconds_since(start)) < wish.seconds) {
    const int count = ::epoll_wait(poller, events.data(), static_cast<int>(events.size()), 5000);
    if (count == 0) fail("the server answers no more");
    for (int i = 0; i < count; ++i) {
      Client& client = *static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (client.unsent > 0) send_more(client);
      const ssize_t got = ::recv(client.fd, room.data(), room.size(), MSG_DONTWAIT);
      if (got == 0 || (got < 0 && errno != EAGAIN)) fail("the server closed a connection");
      if (got > 0) client.awaited -= std::min(client.awaited, static_cast<std::size_t>(got));
      if (client.awaited > 0) continue;
      delays.push_back(1e6 * seconds_since(client.since));
      begin(client);
    }
  }
  if (delays.empty()) fail("not one batch came back");
  const double messages = static_cast<double>(delays.size() * wish.batch) / elapsed;
  std::sort(delays.begin(), delays.end());
  const auto percentile = [&](double share) {
    return delays[std::min(delays.size() - 1, static_cast<std::size_t>(share * static_cast<double>(delays.size())))];
  };
  std::printf("%.0f %.0f %.1f %.1f\n", messages, messages * static_cast<double>(wish.size), percentile(0.5),
              percentile(0.99));
  return 0;
}

/// Opens connections, lets each say one message, says "open", and holds them until the input ends.
int idle(const Load& wish, bool deflate) {
  std::vector<int> all;
  const ByteVector frame = deflate ? compressed_frame() : frames(wish.size, 1, false);
  for (std::size_t i = 0; i < wish.connections; ++i) {
    all.push_back(connect_to(wish.server));
    open_websocket(all.back(), wish, deflate);
  }
  for (const int fd : all) {
    send_all(fd, frame);
    std::array<std::uint8_t, 4096> room;
    if (::recv(fd, room.data(), room.size(), 0) <= 0) fail("no echo");
  }
  std::puts("open");
  std::fflush(stdout);
  char end = 0;
  while (::read(STDIN_FILENO, &end, 1) > 0) {
  }
  return 0;
}

int usage() {
  std::fputs(
      "usage: ws_peer serve ENDPOINT [no|kept|shared]\n"
      "       ws_peer serve-raw|serve-raw-idle ENDPOINT\n"
      "       ws_peer load|load-raw ENDPOINT TARGET SIZE CONNECTIONS BATCH SECONDS\n"
      "       ws_peer idle ENDPOINT TARGET CONNECTIONS [deflate]\n",
      stderr);
  return 2;
}

int run(const std::vector<std::string>& words) {
  const std::string verb = words.size() > 2 ? words[1] : "";
  if (verb == "serve") {
    const std::string way = words.size() > 3 ? words[3] : "no";
    Habits habits(way == "kept" ? Deflate::kept : way == "shared" ? Deflate::shared : Deflate::no);
    return serve(endpoint_of(words[2]), [&] { return std::make_unique<WsServed>(habits); });
  }
  if (verb == "serve-raw-idle") {
    Habits habits(Deflate::no);
    return serve(endpoint_of(words[2]), [&] { return std::make_unique<HollowServed>(habits); });
  }
  if (verb == "serve-raw") return serve(endpoint_of(words[2]), [] { return std::make_unique<RawServed>(); });
  if ((verb == "load" || verb == "load-raw") && words.size() == 8)
    return load({endpoint_of(words[2]), words[3], std::stoul(words[4]), std::stoul(words[5]), std::stoul(words[6]),
                 std::stod(words[7]), verb == "load-raw"});
  if (verb == "idle" && words.size() >= 5)
    return idle({endpoint_of(words[2]), words[3], 20, std::stoul(words[4]), 1, 0, false},
                words.size() > 5 && words[5] == "deflate");
  return usage();
}

}  // namespace

int main(int count, char** values) {
  try {
    return run(std::vector<std::string>(values, values + count));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ws_peer: %s\n", error.what());
    return 1;
  }
}
