// A whole stack with live connections under any order of segments, calls, time and ICMP errors. Both streams carry
// counted bytes, so that a hole, a repeated or a foreign byte shows itself wherever it was made.
// Input: a byte of settings, then a row of operations, each a byte and what it needs.
#include <array>
#include <optional>

#include "stack/stack.hpp"
#include "stack/tcp/counters.hpp"
#include "stack/wire/tcp.hpp"
#include "tests/fuzz/ip_input.hpp"

namespace {

using namespace sluice;
using namespace sluice::fuzz;
namespace flag = wire::tcp;

constexpr std::uint16_t kOurPort = 80;
constexpr std::uint16_t kPeerPort = 7;  ///< of flow 0; the next flows count up
constexpr std::size_t kFlows = 6;       ///< the peer opens the first half, we open the others
constexpr std::size_t kPassive = 3;

constexpr std::uint16_t our_port(std::size_t flow) {
  return static_cast<std::uint16_t>(flow < kPassive ? kOurPort : 1000 + flow);
}

/// What the peer knows of one connection by listening to what we send.
struct Flow {
  std::uint32_t first = 0;  ///< our ISN
  std::uint32_t next = 0;   ///< behind the last number that we sent
  std::uint32_t wants = 0;  ///< what we acknowledged last
  std::uint32_t window = 0;
  std::uint32_t ts_value = 0;
  Octets last;  ///< the last packet, for ICMP to quote
};

/// The peer: reads each packet of ours and judges it.
class Peer final : public FrameSink {
 public:
  bool accept(const Frame& frame) noexcept override {
    if (room == 0) return false;
    --room;
    const Octets packet = octets_of(frame);
    judge_sent(packet);
    const bool v4 = packet[0] >> 4 == 4;
    const std::size_t at = v4 ? 20 : 40;
    if (packet[v4 ? 9 : 6] == 6) listen_to(packet, at, frame.checksum_partial);
    ++packets;
    return true;
  }

  std::array<Flow, kFlows> flows;
  std::size_t room = ~std::size_t{0};
  std::uint64_t packets = 0;

 private:
  void listen_to(const Octets& packet, std::size_t at, bool checksum_partial) noexcept {
    const Bytes segment = Bytes(packet).subspan(at);
    wire::tcp::Header header;
    require(wire::tcp::parse(segment, header) == wire::tcp::ParseError::none && !header.malformed_options);
    if (!checksum_partial) {
      const bool v4 = at == 20;
      ChecksumSum sum = wire::pseudo_header(v4 ? kOur4 : kOur6, v4 ? kPeer4 : kPeer6, 6, segment.size());
      sum.add(segment);
      require(sum.checksum() == 0);
    }
    const std::size_t index = static_cast<std::size_t>(header.destination_port - kPeerPort);
    if (index >= kFlows || header.source_port != our_port(index)) return;
    Flow& flow = flows[index];
    flow.last = packet;
    if (header.has(flag::rst)) return;
    judge_text(flow, header, segment.subspan(header.size));
    flow.next = header.seq + static_cast<std::uint32_t>(segment.size() - header.size) + header.has(flag::syn) +
                header.has(flag::fin);
    flow.wants = header.ack;
    flow.window = header.window;
    flow.ts_value = header.options.ts_value;
  }

  static void judge_text(Flow& flow, const wire::tcp::Header& header, Bytes text) noexcept {
    if (header.has(flag::syn)) {
      require(text.empty());
      flow.first = header.seq;
    }
    for (std::size_t i = 0; i < text.size(); ++i)
      require(text[i] == static_cast<std::uint8_t>(header.seq + i - flow.first - 1));
  }
};

/// One application socket and how far its streams have come.
struct Application {
  tcp::Socket socket;
  std::uint8_t written = 0;
  std::optional<std::uint8_t> expected;

  void replace(tcp::Socket fresh) {
    socket = std::move(fresh);
    written = 0;
    expected.reset();
  }
  void write(std::size_t size, bool urgent) {
    Octets text(size);
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<std::uint8_t>(written + i);
    const auto taken = urgent ? socket.write_urgent(text) : socket.write(Bytes(text));
    if (taken) written = static_cast<std::uint8_t>(written + *taken);
  }
  void read(std::size_t limit) {
    while (limit > 0) {
      const MutableBytes run = socket.peek();
      if (run.empty()) return;
      const std::size_t size = std::min(run.size(), limit);
      for (const std::uint8_t byte : run.first(size)) {
        require(!expected || *expected == byte);
        expected = static_cast<std::uint8_t>(byte + 1);
      }
      socket.consume(size);
      limit -= size;
    }
  }
};

/// SLUICE_FUZZ_TRACE=1 tells what a finding does, event by event.
class Printer final : public Observer {
 public:
  void on_event(const TraceEvent& event) noexcept override {
    std::fprintf(stderr, "%12.6f %s", std::chrono::duration<double>(event.at.time_since_epoch()).count(),
                 name(event.kind).data());
    for (const TraceField& field : event.fields) {
      if (field.text.empty())
        std::fprintf(stderr, " %s=%lld", field.key.data(), static_cast<long long>(field.number));
      else
        std::fprintf(stderr, " %s=%s", field.key.data(), field.text.data());
    }
    std::fputc('\n', stderr);
  }
};

class House {
 public:
  explicit House(std::uint8_t settings) : family_(settings & 1 ? Family::ipv6 : Family::ipv4), stack_(made(settings)) {
    stack_.handle_timeout(now_);
    auto opened = stack_.listen({IpAddress::any(Family::ipv6), kOurPort}, {.backlog = 2, .options = options(settings)});
    require(opened.has_value());
    listener_ = *std::move(opened);
  }

  void step(Input& input) {
    const std::uint8_t operation = input.u8();
    const std::size_t which = operation / 32 % kFlows;
    Application& application = applications_[which];
    switch (operation % 32) {
      case 0: connect(which); break;
      case 1: accept(which); break;
      case 2: application.write(input.u8(), false); break;
      case 3: application.write(std::size_t{input.u8()} * 256, input.u8() == 0); break;
      case 4: application.read(std::size_t{1} << input.u8() % 18); break;
      case 5: application.socket.finish(); break;
      case 6: application.socket.abort(); break;
      case 7: application.socket.close(); break;
      case 8: (void)application.socket.set_options(options(input.u8())); break;
      case 9: pass(std::chrono::milliseconds(input.u8())); break;
      case 10: pass(std::chrono::milliseconds(std::int64_t{1} << input.u8() % 24)); break;
      case 11: transmit(input.u8() % 8); break;
      case 12: raw(input.take(input.u16() % 256), input.u8()); break;
      case 13: icmp(which, input); break;
      case 14: listener_.close(); break;
      default: segment(which, operation, input); break;
    }
    if (operation % 4 != 3) transmit(~std::size_t{0});
    events();
    require(stack_.memory().used() <= stack_.memory().limit());
    if (const auto info = application.socket.info()) require(info->pipe <= info->unacked + 2);
  }

  /// All sockets go and the peer stays dark: the stack must come to rest, with nothing kept.
  void end() {
    listener_.close();
    for (Application& application : applications_) {
      application.read(~std::size_t{0});
      application.socket.close();
    }
    transmit(~std::size_t{0});
    for (int turns = 0; stack_.next_timeout() != kNever; ++turns) {
      require(turns < 5000);
      pass(std::max(stack_.next_timeout() - now_, Duration{}));
      transmit(~std::size_t{0});
      events();
    }
    require(stack_.tcp().connection_count() == 0);
    require(stack_.tcp().half_open_count() == 0);
    require(stack_.tcp().time_wait_count() == 0);
    require(stack_.memory().used() == 0);
    require(peer_.packets <= 20'000);  // a few for each operation, and what the give-up times take
  }

 private:
  static Config made(std::uint8_t settings) {
    static Printer printer;
    Config config{.key = Key{}, .ip = fuzz::config(), .tcp = {}, .memory_limit = 400'000};
    if (std::getenv("SLUICE_FUZZ_TRACE") != nullptr) config.observer = &printer;
    config.tcp.sack = !(settings & 2);
    config.tcp.timestamps = !(settings & 4);
    config.tcp.compact_time_wait = !(settings & 8);
    if (settings & 16) config.tcp.maximum_frame = 30'000;
    if (settings & 32) config.memory_limit = 40'000;
    return config;
  }
  static tcp::Options options(std::uint8_t settings) {
    tcp::Options options;
    options.no_delay = (settings & 1) != 0;
    options.receive_buffer = std::size_t{2048} << settings / 2 % 8;
    options.send_buffer = std::size_t{2048} << settings / 16 % 8;
    if (settings & 64) options.keep_alive = {.on = true, .idle = std::chrono::seconds(10)};
    if (settings & 128) options.linger = {.on = true, .timeout = std::chrono::seconds(settings % 4)};
    if (settings % 32 == 5) options.user_timeout = std::chrono::seconds(3);
    if (settings % 32 == 7) options.user_timeout_advertise = std::chrono::seconds(2);
    if (settings % 16 == 9) options.receive_buffer = options.send_buffer = 0;
    if (settings % 16 == 12) options.unsent_low_water = 1000;
    if (settings % 8 == 3) options.path_mtu_probing = tcp::PathMtuProbing::always;
    return options;
  }
  IpAddress ours() const { return family_ == Family::ipv4 ? kOur4 : kOur6; }
  IpAddress theirs() const { return family_ == Family::ipv4 ? kPeer4 : kPeer6; }

  void connect(std::size_t which) {
    if (which < kPassive) return;
    auto opened = stack_.connect({theirs(), static_cast<std::uint16_t>(kPeerPort + which)},
                                 {.local = Endpoint{ours(), our_port(which)}});
    if (opened) applications_[which].replace(*std::move(opened));
  }
  void accept(std::size_t which) {
    if (auto taken = listener_.accept()) applications_[which].replace(*std::move(taken));
  }
  void pass(Duration time) {
    now_ += time;
    stack_.handle_timeout(now_);
  }
  void transmit(std::size_t room) {
    peer_.room = room;
    stack_.poll_transmit(now_, peer_);
  }
  void events() {
    for (int count = 0; stack_.poll_event(); ++count) require(count < 100);
  }
  void raw(Octets packet, std::uint8_t what, std::uint16_t gso_size = 0) {
    mend(packet, what);
    Packet taken = Packet::copy_of(pool_, packet);
    taken.gso_size = gso_size;
    stack_.receive({&taken, 1}, now_);
  }

  /// A datagram of one protocol from the peer, with all that IP asks for.
  Octets datagram(std::uint8_t protocol, Bytes payload) const {
    Octets packet;
    if (family_ == Family::ipv4) {
      packet = {0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, protocol, 0, 0};
      packet.resize(20);
    } else {
      packet = {0x60, 0, 0, 0, 0, 0, protocol, 64};
      packet.resize(40);
    }
    packet.insert(packet.end(), payload.begin(), payload.end());
    return packet;
  }

  void icmp(std::size_t which, Input& input) {
    const Octets& quoted = peer_.flows[which].last;
    Octets message = {input.u8(), input.u8(), 0, 0, 0, 0, 0, 0};
    put16(message, 6, input.u16());  // the next hop's MTU, in the low half of both families' field
    message.insert(message.end(), quoted.begin(), quoted.begin() + std::min<std::ptrdiff_t>(std::ssize(quoted), 80));
    raw(datagram(family_ == Family::ipv4 ? 1 : 58, message), 7);
  }

  // Numbers count from what the connection expects, so that most segments matter.
  void segment(std::size_t which, std::uint8_t operation, Input& input) {
    static constexpr std::array<std::uint8_t, 8> kFlags = {flag::ack,
                                                           flag::ack | flag::psh,
                                                           flag::syn,
                                                           flag::syn | flag::ack,
                                                           flag::fin | flag::ack,
                                                           flag::rst,
                                                           flag::rst | flag::ack,
                                                           flag::ack | flag::urg};
    const Flow& flow = peer_.flows[which];
    const std::uint8_t shape = input.u8();
    wire::tcp::Header header{.source_port = static_cast<std::uint16_t>(kPeerPort + which),
                             .destination_port = our_port(which)};
    header.flags = kFlags[operation % 8];
    if (shape & 1) header.flags = input.u8();
    header.seq = flow.wants + (shape & 2 ? offset(input) : 0);
    header.ack = flow.next + (shape & 4 ? offset(input) : 0);
    header.window = shape & 8 ? input.u16() : 60'000;
    header.urgent = shape & 16 ? input.u8() : 0;
    if (shape & 32) add_options(header.options, flow, input);
    std::size_t size = shape & 64 ? input.u8() : 0;
    if (shape & 128) size += std::size_t{input.u8()} * 64;

    Octets bytes(wire::tcp::written_size(header.options));
    wire::tcp::write(bytes, header);
    const std::uint32_t text = header.seq + header.has(flag::syn);
    for (std::size_t i = 0; i < size; ++i) bytes.push_back(static_cast<std::uint8_t>(text + i));
    raw(datagram(6, bytes), 7, size > 1000 ? 500 : 0);
  }

  static std::uint32_t offset(Input& input) {
    return static_cast<std::uint32_t>(static_cast<std::int16_t>(input.u16()));
  }

  static void add_options(wire::tcp::Options& options, const Flow& flow, Input& input) {
    const std::uint8_t which = input.u8();
    if (which & 1) options.mss = input.u16();
    if (which & 2) options.window_scale = static_cast<std::uint8_t>(input.u8() % 16);
    options.sack_permitted = (which & 4) != 0;
    if (which & 8) {
      options.timestamps = true;
      options.ts_value = input.u16();
      options.ts_echo = flow.ts_value - (which & 16 ? input.u8() : 0);
    }
    options.sack_count = static_cast<std::uint8_t>(which / 32 % 4);
    while (wire::tcp::written_size(options) > wire::tcp::kMaximumHeader) --options.sack_count;
    for (std::size_t i = 0; i < options.sack_count; ++i) {
      const std::uint32_t left = flow.next - input.u16();
      options.sacks[i] = {left, left + input.u16()};
    }
  }

  Family family_;
  BufferPool pool_;
  Time now_ = Time{} + std::chrono::hours(1);
  Stack stack_;
  Peer peer_;
  tcp::Listener listener_;
  std::array<Application, kFlows> applications_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, std::min<std::size_t>(size, 4096));
  House house(input.u8());
  while (!input.empty()) house.step(input);
  house.end();
  return 0;
}
