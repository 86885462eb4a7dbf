// Options of sockets as the kernel's ABI has them, and struct tcp_info.
#include <cstring>

#include "tests/posix/programs.hpp"

namespace sluice::posix {
namespace {

template <class T>
T get_as(Program& program, int fd, int level, int name) {
  T value{};
  std::size_t length = sizeof value;
  const Answer answer =
      program.getsockopt(fd, level, name, {reinterpret_cast<std::uint8_t*>(&value), sizeof value}, length);
  CHECK(answer.good());
  CHECK(length == sizeof value);
  return value;
}

template <class T>
Answer set_as(Program& program, int fd, int level, int name, const T& value) {
  return program.setsockopt(fd, level, name, {reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
}

std::string congestion_of(Program& program, int fd) {
  return get_as<std::array<char, 16>>(program, fd, IPPROTO_TCP, TCP_CONGESTION).data();
}

TEST_CASE_FIXTURE(Programs, "unknown options and short values are refused") {
  const int fd = client.open();
  CHECK(text_of(client.set(fd, SOL_SOCKET, 9999, 1)) == "ENOPROTOOPT");
  CHECK(text_of(client.set(fd, IPPROTO_TCP, 9999, 1)) == "ENOPROTOOPT");
  CHECK(text_of(client.set(fd, IPPROTO_IP, 9999, 1)) == "ENOPROTOOPT");
  CHECK(text_of(client.set(fd, IPPROTO_IPV6, IPV6_TCLASS, 1)) == "ENOPROTOOPT");
  CHECK(text_of(client.set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1)) == "ENOPROTOOPT");
  CHECK(text_of(client.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, as_bytes("x"))) == "EINVAL");
  CHECK(text_of(client.setsockopt(fd, SOL_SOCKET, SO_LINGER, as_bytes("xxxx"))) == "EINVAL");
  CHECK(client.get(fd, SOL_SOCKET, 9999) == -ENOPROTOOPT);
}

TEST_CASE_FIXTURE(Programs, "a short room gets the first bytes of an option") {
  const int fd = client.open();
  std::uint8_t byte = 0xff;
  std::size_t length = 1;
  CHECK(client.getsockopt(fd, SOL_SOCKET, SO_TYPE, {&byte, 1}, length).good());
  CHECK(length == 1);
  CHECK(byte == SOCK_STREAM);
}

TEST_CASE_FIXTURE(Programs, "buffers are told doubled, cut to the host's limit, and used as they were set") {
  const int fd = client.open();
  CHECK(client.set(fd, SOL_SOCKET, SO_RCVBUF, 10000).good());
  CHECK(client.get(fd, SOL_SOCKET, SO_RCVBUF) == 20000);
  CHECK(client.set(fd, SOL_SOCKET, SO_RCVBUF, 1).good());
  CHECK(client.get(fd, SOL_SOCKET, SO_RCVBUF) == 2304);
  CHECK(client.set(fd, SOL_SOCKET, SO_SNDBUF, 1).good());
  CHECK(client.get(fd, SOL_SOCKET, SO_SNDBUF) == 4608);
  CHECK(client.set(fd, SOL_SOCKET, SO_SNDBUF, 1 << 30).good());
  CHECK(client.get(fd, SOL_SOCKET, SO_SNDBUF) == 2 * 212992);
  CHECK(client.set(fd, SOL_SOCKET, SO_SNDBUFFORCE, 1 << 20).good());
  CHECK(client.get(fd, SOL_SOCKET, SO_SNDBUF) == 2 << 20);
  listen();
  CHECK(client.connect(fd, at_server(80)).error == EINPROGRESS);
  CHECK(client.tcp_socket(fd)->options()->send_buffer == 1 << 20);
}

TEST_CASE_FIXTURE(Programs, "times and linger are structures") {
  const int fd = client.open();
  CHECK(set_as(client, fd, SOL_SOCKET, SO_RCVTIMEO, timeval{3, 250000}).good());
  CHECK(get_as<timeval>(client, fd, SOL_SOCKET, SO_RCVTIMEO).tv_usec == 250000);
  CHECK(get_as<timeval>(client, fd, SOL_SOCKET, SO_SNDTIMEO).tv_sec == 0);
  CHECK(text_of(set_as(client, fd, SOL_SOCKET, SO_SNDTIMEO, timeval{0, 1000000})) == "EDOM");
  CHECK(set_as(client, fd, SOL_SOCKET, SO_LINGER, linger{1, 5}).good());
  CHECK(get_as<linger>(client, fd, SOL_SOCKET, SO_LINGER).l_linger == 5);
}

TEST_CASE_FIXTURE(Programs, "options of TCP reach the connection, whenever they are set") {
  const auto [left, right] = connect();
  CHECK(client.set(left, IPPROTO_TCP, TCP_NODELAY, 1).good());
  CHECK(client.set(left, SOL_SOCKET, SO_KEEPALIVE, 1).good());
  CHECK(client.set(left, IPPROTO_TCP, TCP_KEEPIDLE, 10).good());
  CHECK(client.set(left, IPPROTO_TCP, TCP_KEEPINTVL, 3).good());
  CHECK(client.set(left, IPPROTO_TCP, TCP_KEEPCNT, 4).good());
  CHECK(client.set(left, IPPROTO_TCP, TCP_USER_TIMEOUT, 1500).good());
  CHECK(client.set(left, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 8192).good());
  CHECK(client.set(left, IPPROTO_IP, IP_TOS, 0xb8).good());
  CHECK(client.set(left, IPPROTO_IP, IP_TTL, 9).good());
  const tcp::Options options = *client.tcp_socket(left)->options();
  CHECK(options.no_delay);
  CHECK(options.keep_alive.on);
  CHECK(options.keep_alive.idle == 10s);
  CHECK(options.keep_alive.interval == 3s);
  CHECK(options.keep_alive.probes == 4);
  CHECK(options.user_timeout == 1500ms);
  CHECK(options.unsent_low_water == 8192);
  CHECK(options.dscp == 46);
  CHECK(options.hop_limit == 9);
  CHECK(text_of(client.set(left, IPPROTO_TCP, TCP_KEEPCNT, 0)) == "EINVAL");
  CHECK(text_of(client.set(left, IPPROTO_IP, IP_TTL, 0)) == "EINVAL");
  CHECK(client.get(left, IPPROTO_TCP, TCP_USER_TIMEOUT) == 1500);
  CHECK(client.get(left, IPPROTO_IP, IP_MTU) == 1500);
}

TEST_CASE_FIXTURE(Programs, "congestion control is chosen by name, before the first loss") {
  const int fd = client.open();
  CHECK(congestion_of(client, fd) == "cubic");
  CHECK(text_of(client.setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, as_bytes("vegas"))) == "ENOENT");
  CHECK(client.setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, as_bytes("reno")).good());
  CHECK(congestion_of(client, fd) == "reno");
  const auto [left, right] = connect();
  CHECK(client.setsockopt(left, IPPROTO_TCP, TCP_CONGESTION, as_bytes("bbr")).good());
  CHECK(congestion_of(client, left) == "bbr");
  CHECK(client.write(left, std::string(100000, 'a')).good());
  run(1s);
  CHECK(server.read(right, 100000).size() == 100000);
}

TEST_CASE_FIXTURE(Programs, "TCP_MAXSEG bounds the segments of both sides") {
  const int listener = listen();
  const int fd = client.open();
  CHECK(text_of(client.set(fd, IPPROTO_TCP, TCP_MAXSEG, 50)) == "EINVAL");
  CHECK(client.set(fd, IPPROTO_TCP, TCP_MAXSEG, 500).good());
  CHECK(client.get(fd, IPPROTO_TCP, TCP_MAXSEG) == 500);
  CHECK(client.connect(fd, at_server(80)).error == EINPROGRESS);
  run();
  const int accepted = static_cast<int>(server.accept(listener, 0, nullptr).value);
  CHECK(client.get(fd, IPPROTO_TCP, TCP_MAXSEG) == 488);  // less the timestamps
  CHECK(server.get(accepted, IPPROTO_TCP, TCP_MAXSEG) == 488);
}

TEST_CASE_FIXTURE(Programs, "a cork holds what is less than a segment, and MSG_MORE until the next write") {
  const auto [left, right] = connect();
  CHECK(client.set(left, IPPROTO_TCP, TCP_CORK, 1).good());
  CHECK(client.write(left, "half").good());
  run(50ms);
  CHECK(server.read(right) == "<EAGAIN>");
  CHECK(client.set(left, IPPROTO_TCP, TCP_CORK, 0).good());
  run(50ms);
  CHECK(server.read(right) == "half");
  CHECK(client.write(left, "head", MSG_MORE).good());
  run(50ms);
  CHECK(server.read(right) == "<EAGAIN>");
  CHECK(client.write(left, "body").good());
  run(50ms);
  CHECK(server.read(right) == "headbody");
}

TEST_CASE_FIXTURE(Programs, "a corked tail leaves by itself after a while") {
  const auto [left, right] = connect();
  CHECK(client.write(left, "tail", MSG_MORE).good());
  run(150ms);
  CHECK(server.read(right) == "<EAGAIN>");
  run(150ms);
  CHECK(server.read(right) == "tail");
}

// --- tcp_info ----------------------------------------------------------------------------------------------------

tcp_info info_of(Program& program, int fd) { return get_as<tcp_info>(program, fd, IPPROTO_TCP, TCP_INFO); }

TEST_CASE_FIXTURE(Programs, "TCP_INFO tells of an idle connection in the kernel's numbers") {
  CHECK(info_of(client, client.open()).tcpi_state == 7);
  const auto [left, right] = connect();
  const tcp_info info = info_of(client, left);
  CHECK(info.tcpi_state == 1);
  CHECK(info.tcpi_ca_state == 0);
  CHECK(info.tcpi_options == (TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE));
  CHECK(info.tcpi_snd_mss == 1448);
  CHECK(info.tcpi_advmss == 1448);
  CHECK(info.tcpi_pmtu == 1500);
  CHECK(info.tcpi_rtt == 20000);
  CHECK(info.tcpi_snd_cwnd == 10);
  CHECK(info.tcpi_snd_ssthresh == 0x7fffffff);
  CHECK(info.tcpi_unacked == 0);
}

TEST_CASE_FIXTURE(Programs, "TCP_INFO counts what is in flight in segments, and bytes that were taken") {
  const auto [left, right] = connect();
  CHECK(client.set(left, IPPROTO_TCP, TCP_NODELAY, 1).good());
  CHECK(client.write(left, std::string(3000, 'a')).good());
  CHECK(info_of(client, left).tcpi_notsent_bytes == 3000);
  run(5ms);
  CHECK(info_of(client, left).tcpi_unacked == 3);
  CHECK(client.shutdown(left, SHUT_WR).good());
  run(1ms);
  CHECK(info_of(client, left).tcpi_state == 4);
  CHECK(info_of(client, left).tcpi_unacked == 4);
  run();
  const tcp_info info = info_of(client, left);
  CHECK(info.tcpi_state == 5);
  CHECK(info.tcpi_unacked == 0);
  CHECK(info.tcpi_bytes_acked >= 3000);
  CHECK(info.tcpi_delivered >= 3);
  CHECK(info_of(server, right).tcpi_state == 8);
  CHECK(info_of(server, right).tcpi_bytes_received == 3000);
}

TEST_CASE_FIXTURE(Programs, "TCP_INFO tells of losses and timeouts") {
  const auto [left, right] = connect();
  world.take_packet = [](bool to_right, Bytes) { return to_right; };
  CHECK(client.write(left, "lost").good());
  run(2s);
  const tcp_info info = info_of(client, left);
  CHECK(info.tcpi_ca_state == 4);
  CHECK(info.tcpi_retransmits > 0);
  CHECK(info.tcpi_backoff > 0);
  CHECK(info.tcpi_total_retrans > 0);
  CHECK(info.tcpi_snd_cwnd == 1);
  CHECK(text_of(client.setsockopt(left, IPPROTO_TCP, TCP_CONGESTION, as_bytes("reno"))) == "EBUSY");
  world.take_packet = nullptr;
  run(10s);
  CHECK(server.read(right) == "lost");
}

TEST_CASE_FIXTURE(Programs, "TCP_INFO of a listener counts who waits") {
  const int listener = listen();
  CHECK(client.connect(client.open(), at_server(80)).error == EINPROGRESS);
  run();
  const tcp_info info = info_of(server, listener);
  CHECK(info.tcpi_state == 10);
  CHECK(info.tcpi_unacked == 1);
  CHECK(info.tcpi_sacked == 10);
}

TEST_CASE_FIXTURE(Programs, "queues are counted in bytes") {
  const auto [left, right] = connect();
  CHECK(client.write(left, "12345").good());
  int count = 0;
  CHECK(client.ioctl(left, SIOCOUTQ, count).good());
  CHECK(count == 5);
  CHECK(client.ioctl(left, SIOCOUTQNSD, count).good());
  CHECK(count == 5);
  run();
  CHECK(client.ioctl(left, SIOCOUTQ, count).good());
  CHECK(count == 0);
  CHECK(server.ioctl(right, FIONREAD, count).good());
  CHECK(count == 5);
  CHECK(text_of(server.ioctl(right, 0x1234, count)) == "ENOTTY");
}

}  // namespace
}  // namespace sluice::posix
