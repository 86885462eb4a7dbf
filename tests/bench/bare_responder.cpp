// The least that a TCP over a TUN can cost here: the limit beside which tests/bench/device holds sluice.
//
// One thread, one TUN, three services on one IPv4 address: echo (port 7), discard (9) and source (19). It answers a
// SYN, acknowledges, sends as fast as the peer's window lets it, and closes when the peer does. After work it looks for
// more for as long as sluice does, then sleeps.
//
// It is no TCP. It lacks:
// - congestion control, a measured round trip, pacing, delayed ACKs
// - retransmission: when a source heard nothing for 200 ms it begins again where the peer is, so that a lost packet
// costs
//   time and not the run
// - reassembly and SACK (what is out of order is dropped), timestamps, and every check of what comes: checksums,
//   sequence numbers but RCV.NXT, acceptable ACKs, windows that shrink, attacks
// - more than one peer: connections are told apart by the peer's port and ours alone
// - RST, zero-window probes, keep-alive, TIME-WAIT, ICMP, IPv6, fragments, path MTU
// - sockets: nobody reads what arrives, and what is sent was there before
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "stack/wire/ipv4.hpp"
#include "stack/wire/pseudo_header.hpp"
#include "stack/wire/tcp.hpp"
#include "tests/bench/bulk_block.hpp"
#include "tun/clock.hpp"
#include "tun/open.hpp"

namespace {

using namespace sluice;
using wire::tcp::Flag;

constexpr std::uint16_t kEcho = 7, kDiscard = 9, kSource = 19;
constexpr std::size_t kHeaders = 40;           // bytes of IPv4 and TCP headers without options
constexpr std::size_t kLargestPacket = 65535;  // bytes
constexpr std::uint8_t kWindowScale = 7;       // ours: 8 MiB are always open, as nothing waits here
constexpr std::uint32_t kFirst = 0x10000000;   // our initial sequence number
constexpr int kBatch = 64;                     // packets read before ACKs go out; sluice's own batch
constexpr int kBurst = 16;                     // packets that a source sends between two looks at what came
constexpr Duration kSilence = std::chrono::milliseconds(200);

/// A TUN by read() and writev(), with or without a header before each packet.
class Link {
 public:
  explicit Link(const tun::TunOptions& options)
      : device_(tun::open_tun(options)), before_(options.offload ? tun::VirtioHeader::kSize : 0) {
    if (options.offload && device_->offloads().maximum_frame == 0)
      throw std::runtime_error("the kernel grants no offloads");
  }

  int fd() const noexcept { return device_->fd(); }
  std::size_t mtu() const noexcept { return device_->mtu(); }
  bool has_offloads() const noexcept { return before_ != 0; }

  /// The next packet, valid until the next call; empty when there is none.
  Bytes read() {
    const ssize_t size = ::read(fd(), buffer_.data(), buffer_.size());
    if (size <= static_cast<ssize_t>(before_)) return {};
    return Bytes(buffer_).subspan(before_, static_cast<std::size_t>(size) - before_);
  }

  /// What the kernel refuses is lost.
  void write(const tun::VirtioHeader& header, Bytes head, Bytes text) {
    tun::VirtioBytes before = tun::write_virtio_header(header);
    const auto piece = [](Bytes bytes) { return iovec{const_cast<std::uint8_t*>(bytes.data()), bytes.size()}; };
    const std::array<iovec, 3> pieces = {piece(Bytes(before)), piece(head), piece(text)};
    const std::size_t skipped = has_offloads() ? 0 : 1;
    (void)!::writev(fd(), pieces.data() + skipped, static_cast<int>(pieces.size() - skipped));
  }

 private:
  std::unique_ptr<tun::FdDevice> device_;
  std::size_t before_;
  std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(tun::VirtioHeader::kSize + kLargestPacket);
};

struct Connection {
  std::uint16_t our_port = 0;
  std::uint16_t peer_port = 0;
  std::uint32_t in_next = 0;  // RCV.NXT
  std::uint32_t una = 0;      // SND.UNA
  std::uint32_t nxt = 0;      // SND.NXT
  std::uint32_t window = 0;   // SND.WND, bytes
  std::uint8_t shift = 0;     // the peer's window scale
  bool open = false;
  bool established = false;
  bool closing = false;  // our FIN is sent
  bool owes_ack = false;
};

class Responder {
 public:
  Responder(const tun::TunOptions& options, Duration spin)
      : link_(options), local_(options.addresses[0].local.address), peer_(options.addresses[0].peer), spin_(spin) {}

  [[noreturn]] void run() {
    Time last_work = tun::monotonic_now();
    for (;;) {
      const bool received = receive();
      const bool sent = push_sources();
      now_ = tun::monotonic_now();
      if (received || sent) last_work = now_;
      if (now_ - last_work < spin_) continue;
      rewind_silent_sources();
      pollfd wait{link_.fd(), POLLIN, 0};
      (void)::poll(&wait, 1, sources_.empty() ? -1 : 50);
    }
  }

 private:
  bool receive();
  void take(Bytes packet);
  void accept(Connection& connection, const wire::tcp::Header& header);
  void take_ack(Connection& connection, const wire::tcp::Header& header);
  void take_text(Connection& connection, const wire::tcp::Header& header, Bytes text);
  void send_acks();
  bool push_sources();
  bool push(Connection& connection);
  void rewind_silent_sources();
  void send(Connection& connection, std::uint8_t flags, Bytes text, const wire::tcp::Options& options = {});
  tun::VirtioHeader checksum(MutableBytes segment, Bytes text, std::size_t tcp_size) const;
  Connection* find(std::uint16_t our_port, std::uint16_t peer_port);

  Link link_;
  IpAddress local_;
  IpAddress peer_;
  Duration spin_;
  Time now_ = tun::monotonic_now();
  Time heard_ = now_;  // the last time that a source's ACK moved on
  std::uint16_t mss_ = 536;
  std::array<std::vector<Connection>, 3> connections_ = {std::vector<Connection>(65536), std::vector<Connection>(65536),
                                                         std::vector<Connection>(65536)};
  std::vector<Connection*> owing_;
  std::vector<Connection*> sources_;
  std::size_t block_size_ = bench::bulk_block_size();
  std::vector<std::uint8_t> block_ = bench::bulk_block(std::size_t{1} << 16);
};

Connection* Responder::find(std::uint16_t our_port, std::uint16_t peer_port) {
  switch (our_port) {
    case kEcho: return &connections_[0][peer_port];
    case kDiscard: return &connections_[1][peer_port];
    case kSource: return &connections_[2][peer_port];
    default: return nullptr;
  }
}

/// Answers whether anything came.
bool Responder::receive() {
  int count = 0;
  while (count < kBatch) {
    const Bytes packet = link_.read();
    if (packet.empty()) break;
    ++count;
    take(packet);
  }
  send_acks();
  return count > 0;
}

void Responder::take(Bytes packet) {
  const auto ip = wire::ipv4::parse(packet);
  if (!ip || ip->protocol != 6 || ip->is_fragment()) return;
  const Bytes segment = packet.subspan(ip->header_size, ip->payload_size());
  wire::tcp::Header header;
  if (wire::tcp::parse(segment, header) != wire::tcp::ParseError::none) return;
  Connection* const connection = find(header.destination_port, header.source_port);
  if (connection == nullptr) return;
  if (header.has(Flag::syn)) return accept(*connection, header);
  if (!connection->open) return;
  if (header.has(Flag::rst)) {
    connection->open = false;
    return;
  }
  take_ack(*connection, header);
  take_text(*connection, header, segment.subspan(header.size));
}

void Responder::accept(Connection& connection, const wire::tcp::Header& header) {
  connection = {.our_port = header.destination_port, .peer_port = header.source_port};
  connection.in_next = header.seq + 1;
  connection.una = connection.nxt = kFirst;
  connection.window = header.window;
  connection.open = true;
  const auto our_mss = static_cast<std::uint16_t>(link_.mtu() - kHeaders);
  mss_ = std::min(our_mss, header.options.mss.value_or(536));
  wire::tcp::Options options;
  options.mss = our_mss;
  if (header.options.window_scale) {
    options.window_scale = kWindowScale;
    connection.shift = std::min<std::uint8_t>(*header.options.window_scale, 14);
  }
  send(connection, Flag::syn | Flag::ack, {}, options);
  connection.nxt = kFirst + 1;
  if (connection.our_port != kSource) return;
  heard_ = now_;
  if (std::find(sources_.begin(), sources_.end(), &connection) == sources_.end()) sources_.push_back(&connection);
}

void Responder::take_ack(Connection& connection, const wire::tcp::Header& header) {
  connection.window = std::uint32_t{header.window} << connection.shift;
  if (static_cast<std::int32_t>(header.ack - connection.una) <= 0) return;
  connection.una = header.ack;
  connection.established = true;
  if (static_cast<std::int32_t>(connection.nxt - connection.una) < 0) connection.nxt = connection.una;
  if (connection.closing && connection.una == connection.nxt) connection.open = false;
  if (connection.our_port == kSource) heard_ = now_;
}

void Responder::take_text(Connection& connection, const wire::tcp::Header& header, Bytes text) {
  const bool fin = header.has(Flag::fin);
  if (text.empty() && !fin) return;
  if (!connection.owes_ack) owing_.push_back(&connection);
  connection.owes_ack = true;
  if (header.seq != connection.in_next || connection.closing) return;
  connection.in_next += static_cast<std::uint32_t>(text.size());
  if (connection.our_port == kEcho && !text.empty()) {
    send(connection, Flag::ack | Flag::psh, text);
    connection.nxt += static_cast<std::uint32_t>(text.size());
  }
  if (!fin) return;
  ++connection.in_next;
  send(connection, Flag::fin | Flag::ack, {});
  ++connection.nxt;
  connection.closing = true;
}

void Responder::send_acks() {
  for (Connection* const connection : owing_)
    if (connection->owes_ack) send(*connection, Flag::ack, {});
  owing_.clear();
}

/// Answers whether anything went out.
bool Responder::push_sources() {
  bool sent = false;
  for (std::size_t i = sources_.size(); i-- > 0;) {
    Connection& connection = *sources_[i];
    const bool over = !connection.open || connection.closing;
    if (over) sources_.erase(sources_.begin() + static_cast<std::ptrdiff_t>(i));
    for (int count = 0; !over && count < kBurst && push(connection); ++count) sent = true;
  }
  return sent;
}

/// One packet, if the window has room for a whole one or nothing is under way.
bool Responder::push(Connection& connection) {
  if (!connection.established) return false;
  const std::uint32_t mss = mss_;
  const std::uint32_t most =
      link_.has_offloads() ? static_cast<std::uint32_t>(kLargestPacket - kHeaders) / mss * mss : mss;
  const std::uint32_t under_way = connection.nxt - connection.una;
  const std::uint32_t room = connection.window > under_way ? connection.window - under_way : 0;
  const std::uint32_t size = std::min(room, most);
  if (size == 0 || (size < most && under_way > 0)) return false;
  const std::size_t at = (connection.nxt - kFirst - 1) % block_size_;
  send(connection, Flag::ack, Bytes(block_).subspan(at, size));
  connection.nxt += size;
  return true;
}

void Responder::rewind_silent_sources() {
  if (now_ - heard_ < kSilence) return;
  for (Connection* const connection : sources_) {
    if (connection->nxt == connection->una || !connection->established) continue;
    std::fprintf(stderr, "bare_responder: a source heard nothing for 200 ms and begins again\n");
    connection->nxt = connection->una;
  }
  heard_ = now_;
}

void Responder::send(Connection& connection, std::uint8_t flags, Bytes text, const wire::tcp::Options& options) {
  std::array<std::uint8_t, wire::ipv4::kMinimumHeader + wire::tcp::kMaximumHeader> head;
  const std::size_t tcp_size = wire::tcp::written_size(options);
  const std::size_t head_size = wire::ipv4::kMinimumHeader + tcp_size;
  wire::ipv4::write(head, {.source = local_,
                           .destination = peer_,
                           .protocol = 6,
                           .dont_fragment = true,
                           .total_length = static_cast<std::uint16_t>(head_size + text.size())});
  wire::tcp::Header header;
  header.source_port = connection.our_port;
  header.destination_port = connection.peer_port;
  header.seq = connection.nxt;
  header.ack = connection.in_next;
  header.flags = flags;
  header.window = 65535;
  header.options = options;
  const MutableBytes segment = MutableBytes(head).subspan(wire::ipv4::kMinimumHeader, tcp_size);
  wire::tcp::write(segment, header);
  link_.write(checksum(segment, text, tcp_size), Bytes(head).first(head_size), text);
  connection.owes_ack = false;
}

/// Writes the checksum, or with offloads the pseudo-header's sum and answers what is left to the device.
tun::VirtioHeader Responder::checksum(MutableBytes segment, Bytes text, std::size_t tcp_size) const {
  ChecksumSum sum = wire::pseudo_header(local_, peer_, 6, tcp_size + text.size());
  tun::VirtioHeader before;
  if (!link_.has_offloads()) {
    sum.add(segment);
    sum.add(text);
    wire::tcp::set_checksum(segment, sum.checksum());
    return before;
  }
  wire::tcp::set_checksum(segment, sum.folded());
  before.flags = tun::VirtioHeader::kNeedsChecksum;
  before.checksum_start = wire::ipv4::kMinimumHeader;
  before.checksum_offset = 16;
  if (text.size() <= mss_) return before;
  before.gso_type = tun::VirtioHeader::kTcpV4;
  before.gso_size = mss_;
  before.header_length = static_cast<std::uint16_t>(wire::ipv4::kMinimumHeader + tcp_size);
  return before;
}

int serve(const std::vector<std::string>& words) {
  const bool offload = words.size() == 5 && words[4] == "offload";
  if (words.size() < 4 || words.size() > 5 || (words.size() == 5 && !offload)) {
    std::fprintf(stderr, "usage: bare_responder DEV ADDR/LEN MTU SPIN_US [offload]\n");
    return 2;
  }
  const auto local = Prefix::parse(words[1]);
  if (!local || local->address.family() != Family::ipv4) throw std::runtime_error("not an IPv4 prefix: " + words[1]);
  tun::TunOptions options;
  options.name = words[0];
  options.addresses = {{*local, tun::default_peer(*local)}};
  options.mtu = std::stoul(words[2]);
  options.offload = offload;
  Responder(options, std::chrono::microseconds(std::stol(words[3]))).run();
}

}  // namespace

int main(int count, char** words) {
  try {
    return serve({words + 1, words + count});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bare_responder: %s\n", error.what());
    return 1;
  }
}
