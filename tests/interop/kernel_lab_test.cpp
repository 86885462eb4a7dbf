// The lab of the tests against the kernel's TCP, and a test that it sees what both sides do.
#include "tests/interop/kernel_lab.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <unordered_map>

#include "tests/support/world.hpp"
#include "tun/clock.hpp"

namespace sluice::interop {
namespace {

constexpr std::size_t kNoise = std::size_t{130} << 20;
constexpr std::size_t kBacklog = 1024;

const tun::AddressPair kFour{*Prefix::parse("10.66.0.2/24"), *IpAddress::parse("10.66.0.1")};
const tun::AddressPair kSix{*Prefix::parse("fd66::2/64"), *IpAddress::parse("fd66::1")};

const tun::AddressPair& pair_of(Family family) { return family == Family::ipv4 ? kFour : kSix; }

std::unique_ptr<tun::FdDevice> open_device(const tun::Namespace& where, const LabSettings& settings) {
  tun::TunOptions options{.name = "lab0", .addresses = {kFour, kSix}};
  options.queue = settings.queue;
  options.offload = settings.offload;
  options.backend = settings.backend;
  std::unique_ptr<tun::FdDevice> device;
  where.run([&] { device = tun::open_tun(options); });
  return device;
}

std::unique_ptr<lab::ImpairedDevice> impair(tun::Device& device, const LabSettings& settings) {
  if (settings.in.is_clear() && settings.out.is_clear()) return nullptr;
  return std::make_unique<lab::ImpairedDevice>(device, settings.in, settings.out, test::run_key(1));
}

/// The observer of the stack: who writes the capture tells the test's own.
Observer* begin_capture(lab::CaptureTap& tap, lab::CaptureNotes& notes, Observer* own) {
  static int number = 0;
  const char* folder = std::getenv("SLUICE_CAPTURES");
  if (!folder) return own;
  const std::string path = fmt::format("{}/kernel-{}-{}.pcapng", folder, ::getpid(), ++number);
  auto writer = lab::CaptureWriter::open({.path = path, .wall_offset = tun::wall_clock_offset()});
  REQUIRE(writer);
  tap.start(std::move(*writer));
  return &notes;
}

Config stack_config(const tun::Device& device, Observer* observer) {
  Config config;
  config.key = test::run_key();
  config.ip.addresses = {kFour.local, kSix.local};
  config.ip.mtu = device.mtu();
  config.tcp.maximum_frame = device.offloads().maximum_frame;
  if (device.offloads().udp) config.udp_maximum_frame = device.offloads().maximum_frame;
  config.observer = observer;
  return config;
}

struct SocketAddress {
  sockaddr_in6 room{};  // the longer one
  socklen_t size = 0;
  sockaddr* raw() noexcept { return reinterpret_cast<sockaddr*>(&room); }
};

SocketAddress to_kernel(const Endpoint& endpoint) {
  SocketAddress address;
  const Bytes bytes = endpoint.address.bytes();
  if (endpoint.address.is_v4()) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(endpoint.port);
    std::memcpy(&in.sin_addr, bytes.data(), bytes.size());
    std::memcpy(&address.room, &in, sizeof in);
    address.size = sizeof in;
  } else {
    address.room.sin6_family = AF_INET6;
    address.room.sin6_port = htons(endpoint.port);
    std::memcpy(&address.room.sin6_addr, bytes.data(), bytes.size());
    address.size = sizeof(sockaddr_in6);
  }
  return address;
}

/// The port stands at the same place in both families' addresses.
std::uint16_t peer_port(int fd) {
  SocketAddress peer;
  peer.size = sizeof peer.room;
  if (::getpeername(fd, peer.raw(), &peer.size) != 0) return 0;
  return ntohs(peer.room.sin6_port);
}

template <class Number>
void append_nonzero(std::vector<std::string>& lines, const char* layer, const Counters<Number>& counters) {
  for (unsigned i = 0; i < static_cast<unsigned>(Number::count); ++i) {
    const auto one = static_cast<Number>(i);
    if (counters[one] > 0) lines.push_back(fmt::format("{} {} {}", layer, name(one), counters[one]));
  }
}

std::vector<std::string> nonzero_counters(Stack& stack, const tun::Device& device) {
  std::vector<std::string> lines;
  append_nonzero(lines, "device", device.counters());
  append_nonzero(lines, "ip", stack.ip().counters());
  append_nonzero(lines, "tcp", stack.tcp().counters());
  append_nonzero(lines, "udp", stack.udp().counters());
  return lines;
}

/// "tcp drop_paws 3" and the like.
bool is_loss(const std::string& line) {
  for (const char* mark : {" drop_", " malformed_", "device read_errors", "device write_errors", "device unsupported"})
    if (line.find(mark) != std::string::npos) return true;
  return false;
}

std::vector<std::string> words(const std::string& line) {
  std::istringstream in(line);
  return {std::istream_iterator<std::string>(in), {}};
}

/// What the kernel counts when a packet of ours is wrong.
const std::array<std::array<std::string, 2>, 5> kComplaints = {{{"Ip", "InHdrErrors"},

                                                                {"Tcp", "InCsumErrors"},
                                                                {"Udp", "InErrors"},
                                                                {"Udp", "InCsumErrors"},
                                                                {"Icmp", "InErrors"}}};

}  // namespace

// --- bytes

Digest::Digest() : context_(EVP_MD_CTX_new()) { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }

void Digest::add(Bytes bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }

std::string Digest::hex() const {
  const std::unique_ptr<EVP_MD_CTX, Free> copy(EVP_MD_CTX_new());
  EVP_MD_CTX_copy_ex(copy.get(), context_.get());
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  unsigned size = 0;
  EVP_DigestFinal_ex(copy.get(), sum.data(), &size);
  return fmt::format("{:02x}", fmt::join(sum.data(), sum.data() + size, ""));
}

std::string sha256(Bytes bytes) {
  Digest digest;
  digest.add(bytes);
  return digest.hex();
}

Bytes noise_at(std::size_t offset, std::size_t size) {
  static Random random(test::run_key(2), KeyUse::test);
  static std::vector<std::uint8_t> all;
  all.reserve(kNoise);  // so that what grows never moves
  REQUIRE(offset + size <= kNoise);
  if (const std::size_t made = all.size(); made < offset + size) {
    all.resize(offset + size);
    random.fill(MutableBytes(all).subspan(made));
  }
  return Bytes(all).subspan(offset, size);
}

// --- ends

OurEnd::OurEnd(tun::EventLoop& loop, tcp::Socket its) : socket(std::move(its)), loop_(loop) {
  loop_.on(socket, [this](Readiness) { pump(); });
}

OurEnd::~OurEnd() { loop_.off(socket); }

KernelEnd::KernelEnd(tun::EventLoop& loop, tun::Fd fd) : loop_(loop), stream_(std::move(fd)), fd_(stream_.fd()) {
  watch();
}

KernelEnd::~KernelEnd() {
  if (watched_) loop_.unwatch(fd_);
}

void KernelEnd::pump() {
  stream_.on_ready();
  move(stream_);
  watch();
}

void KernelEnd::abort() {
  if (std::exchange(watched_, false)) loop_.unwatch(fd_);
  stream_.abort();
}

/// Level-triggered: only what can be acted on may be waited for.
void KernelEnd::watch() {
  const bool sends = any(stream_.interest() & Readiness::writable);
  if (error() != Errc::none || (done() && !sends)) {
    if (std::exchange(watched_, false)) loop_.unwatch(fd_);
    return;
  }
  const Readiness wanted =
      (sends ? Readiness::writable : Readiness::none) | (reads && !eof ? Readiness::readable : Readiness::none);
  if (watched_ && wanted == interest_) return;
  watched_ = true;
  interest_ = wanted;
  loop_.watch(fd_, wanted, [this](Readiness ready) {
    if (any(ready & Readiness::failed)) reads = true;  // to learn of the error
    pump();
  });
}

// --- the lab

std::string Variant::name() const {
  return fmt::format("{} over {}", opener == Opener::ours ? "we open" : "the kernel opens",
                     family == Family::ipv4 ? "IPv4" : "IPv6");
}

KernelLab::KernelLab(const LabSettings& settings)
    : namespace_(tun::Namespace::create()),
      device_(open_device(namespace_, settings)),
      link_(impair(*device_, settings)),
      tap_(link_ ? static_cast<tun::Device&>(*link_) : *device_),
      notes_(tap_, settings.observer),
      stack_(stack_config(tap_, begin_capture(tap_, notes_, settings.observer))),
      loop_(std::make_unique<tun::EventLoop>(stack_, tap_)) {}

IpAddress KernelLab::our_address(Family family) const { return pair_of(family).local.address; }
IpAddress KernelLab::kernel_address(Family family) const { return pair_of(family).peer; }

/// A process that was stopped for a while still has its time: no turn counts for more than a second.
bool KernelLab::run_until(const std::function<bool()>& condition, std::chrono::seconds limit) {
  Duration left = limit;
  for (Time last = tun::monotonic_now(); !condition();) {
    if (left < Duration(0)) return false;
    const Result<void> turned = loop_->turn(std::chrono::milliseconds(20));
    REQUIRE(turned);
    const Time now = tun::monotonic_now();
    left -= std::min<Duration>(now - std::exchange(last, now), std::chrono::seconds(1));
  }
  return true;
}

std::vector<Pair> KernelLab::connect(const Variant& variant, std::size_t count, const Ends& ends) {
  INFO(variant.name(), ", ", count, " connections; ", counters_text());
  return variant.opener == Opener::kernel ? let_kernel_connect(variant.family, count, ends)
                                          : let_us_connect(variant.family, count, ends);
}

/// Finds out who talks to whom, by the port of the one that opened.
std::vector<Pair> KernelLab::await_pairs(Opener opener, Accepted& accepted, std::size_t count) {
  const bool all = run_until([&] { return accepted.ours.size() == count && accepted.kernels.size() == count; });
  INFO("ours: ", accepted.ours.size(), ", the kernel's: ", accepted.kernels.size(), " of ", count);
  REQUIRE(all);
  const bool by_kernel = opener == Opener::kernel;
  std::unordered_map<std::uint16_t, std::unique_ptr<KernelEnd>> kernels;
  for (auto& one : accepted.kernels) {
    const std::uint16_t port = by_kernel ? must(tun::kernel_local(one->fd())).port : peer_port(one->fd());
    kernels[port] = std::move(one);
  }
  std::vector<Pair> pairs;
  for (auto& one : accepted.ours) {
    const Endpoint opened = by_kernel ? must(one->socket.remote()) : must(one->socket.local());
    REQUIRE(kernels[opened.port] != nullptr);
    pairs.push_back({std::move(one), std::move(kernels[opened.port])});
  }
  return pairs;
}

std::vector<Pair> KernelLab::let_kernel_connect(Family family, std::size_t count, const Ends& ends) {
  Accepted accepted;
  tcp::ListenOptions options{.backlog = kBacklog, .options = ends.ours};
  tcp::Listener listener = must(stack_.listen({our_address(family), 0}, options));
  loop_->on(listener, [&](Readiness) {
    while (auto socket = listener.accept())
      accepted.ours.push_back(std::make_unique<OurEnd>(*loop_, std::move(*socket)));
  });
  for (tun::Fd& fd : kernel_sockets(family, SOCK_STREAM, count, ends)) {
    REQUIRE(kernel_connect(fd, must(listener.local())) == EINPROGRESS);
    accepted.kernels.push_back(std::make_unique<KernelEnd>(*loop_, std::move(fd)));
  }
  std::vector<Pair> pairs = await_pairs(Opener::kernel, accepted, count);
  loop_->off(listener);
  return pairs;
}

std::vector<Pair> KernelLab::let_us_connect(Family family, std::size_t count, const Ends& ends) {
  Accepted accepted;
  const tun::Fd listener = kernel_socket(family, SOCK_STREAM, ends);
  const Endpoint where = kernel_bind(listener, family);
  REQUIRE(::listen(listener.number(), static_cast<int>(kBacklog)) == 0);
  loop_->watch(listener.number(), Readiness::readable, [&](Readiness) {
    for (;;) {
      tun::Fd fd(::accept4(listener.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!fd) return;
      accepted.kernels.push_back(std::make_unique<KernelEnd>(*loop_, std::move(fd)));
    }
  });
  for (std::size_t i = 0; i < count; ++i) {
    tcp::Socket socket = must(stack_.connect(where, {.options = ends.ours}));
    accepted.ours.push_back(std::make_unique<OurEnd>(*loop_, std::move(socket)));
  }
  std::vector<Pair> pairs = await_pairs(Opener::ours, accepted, count);
  loop_->unwatch(listener.number());
  return pairs;
}

std::vector<tun::Fd> KernelLab::kernel_sockets(Family family, int type, std::size_t count, const Ends& ends) const {
  std::vector<tun::Fd> all(count);
  const int domain = family == Family::ipv4 ? AF_INET : AF_INET6;
  namespace_.run([&] {
    for (tun::Fd& fd : all) fd = tun::Fd(::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  });
  const int size = ends.kernel_receive_buffer;
  const std::string& control = ends.kernel_congestion;
  for (const tun::Fd& fd : all) {
    bool good = bool(fd);
    if (size > 0) good = good && ::setsockopt(fd.number(), SOL_SOCKET, SO_RCVBUF, &size, sizeof size) == 0;
    if (type == SOCK_STREAM)
      good = good && ::setsockopt(fd.number(), IPPROTO_TCP, TCP_CONGESTION, control.data(),
                                  static_cast<socklen_t>(control.size())) == 0;
    REQUIRE(good);
  }
  return all;
}

int KernelLab::kernel_connect(const tun::Fd& fd, const Endpoint& remote) {
  SocketAddress address = to_kernel(remote);
  return ::connect(fd.number(), address.raw(), address.size) == 0 ? 0 : errno;
}

Endpoint KernelLab::kernel_bind(const tun::Fd& fd, Family family, std::uint16_t port) const {
  SocketAddress address = to_kernel({kernel_address(family), port});
  REQUIRE(::bind(fd.number(), address.raw(), address.size) == 0);
  return must(tun::kernel_local(fd.number()));
}

// --- what both sides count

/// /proc/net/snmp and netstat: a line of names, then a line of numbers, both beginning with "Group:".
std::uint64_t KernelLab::kernel_count(const std::string& group, const std::string& wanted) const {
  std::uint64_t value = 0;
  bool found = false;
  namespace_.run([&] {
    for (const char* file : {"/proc/thread-self/net/snmp", "/proc/thread-self/net/netstat"}) {
      std::ifstream in(file);
      std::string names, numbers;
      while (std::getline(in, names) && std::getline(in, numbers)) {
        const std::vector<std::string> keys = words(names), values = words(numbers);
        const auto at = std::find(keys.begin(), keys.end(), wanted);
        if (keys.empty() || keys.front() != group + ":" || at == keys.end()) continue;
        value = std::stoull(values.at(static_cast<std::size_t>(at - keys.begin())));
        found = true;
      }
    }
  });
  INFO(group, " ", wanted);
  REQUIRE(found);
  return value;
}

/// /proc/net/dev: eight numbers of what came in, then bytes, packets, errors and drops of what went out.
std::uint64_t KernelLab::queue_drops() const {
  std::uint64_t drops = 0;
  namespace_.run([&] {
    std::ifstream in("/proc/thread-self/net/dev");
    for (std::string line; std::getline(in, line);)
      if (const auto fields = words(line); !fields.empty() && fields.front() == "lab0:")
        drops = std::stoull(fields.at(12));
  });
  return drops;
}

std::string KernelLab::counters_text() {
  return fmt::format("{}", fmt::join(nonzero_counters(stack_, *device_), ", "));
}

/// Counters of loss that `explained` does not name. On a busy machine a timer of either side may be faster than this
/// test: then text comes that came long ago, a TIME-WAIT answers it and ignores the RST that it gets for it (RFC 1337),
/// and what is acknowledged a second time has no connection any more.
std::string KernelLab::unexplained_losses(std::vector<std::string> explained) {
  const bool sent_again =
      kernel_count("Tcp", "RetransSegs") > 0 || stack_.tcp().counters()[tcp::Counter::retransmissions] > 0;
  if (sent_again)
    explained.insert(explained.end(), {"tcp drop_unacceptable", "tcp drop_bad_reset", "tcp drop_no_connection"});
  std::string text;
  for (const std::string& line : nonzero_counters(stack_, *device_)) {
    const auto names_it = [&](const std::string& name) { return line.find(name) != std::string::npos; };
    if (is_loss(line) && std::none_of(explained.begin(), explained.end(), names_it)) text += line + "; ";
  }
  return text;
}

void KernelLab::check_rest(const std::vector<std::string>& explained) {
  const bool ended = run_until([&] { return stack_.tcp().connection_count() == 0; });
  INFO(counters_text());
  CHECK(ended);
  CHECK(stack_.tcp().half_open_count() == 0);
  CHECK(stack_.memory().used() == 0);
  CHECK(unexplained_losses(explained) == "");
  for (const auto& complaint : kComplaints) {
    INFO("the kernel's ", complaint[0], " ", complaint[1]);
    CHECK(kernel_count(complaint[0], complaint[1]) == 0);
  }
  // A SYN,ACK that came twice counts as an error; no other does.
  CHECK(kernel_count("Tcp", "InErrs") == kernel_count("TcpExt", "TCPSYNChallenge"));
  CHECK(queue_drops() == 0);
}

TEST_CASE("a lab counts on both sides, and its noise and digests are what they say") {
  KernelLab lab;
  CHECK(sha256(as_bytes("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256(noise_at(0, 1000)) != sha256(noise_at(1000, 1000)));
  Pair pair = lab.connect({});
  CHECK(lab.kernel_count("Tcp", "ActiveOpens") == 1);
  CHECK(lab.counters_text().find("tcp passive_opens 1") != std::string::npos);
  CHECK(lab.queue_drops() == 0);
  CHECK_FALSE(lab.run_until([] { return false; }, std::chrono::seconds(0)));
}

}  // namespace sluice::interop
