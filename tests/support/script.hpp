// The stage of TCP's tests: one stack in virtual time, and a peer that the test plays in packetdrill's notation.
#pragma once

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/exchange.hpp"
#include "lab/host.hpp"
#include "lab/ladder.hpp"
#include "lab/notation.hpp"
#include "stack/stack.hpp"
#include "tests/support/script_flow.hpp"
#include "tests/support/script_report.hpp"

namespace sluice::test {

using namespace std::chrono_literals;

/// Where in a test something was asked; filled in by the compiler at the call.
struct Here {
  explicit Here(const char* at_file = __builtin_FILE(), int at_line = __builtin_LINE()) noexcept
      : file(at_file), line(at_line) {}
  const char* file;
  int line;
};

/// How established() opens the connection, and what the peer offers in its SYN.
struct Established {
  bool active = false;       ///< the stack opens
  std::uint16_t mss = 1000;  ///< 0: no option
  bool sack = false;
  bool timestamps = false;
  std::optional<std::uint8_t> wscale = std::nullopt;
  std::uint16_t window = 65535;       ///< of all the peer's segments that don't write another, as in the header
  Duration rtt = 0s;                  ///< of the handshake: gives the stack an RTT sample
  tcp::ListenOptions listening = {};  ///< of the stack, unless it opens
};

/// Use it by TEST_CASE_FIXTURE. Sequence numbers are relative on both sides: the SYN is 0, text begins at 1. Both ISNs
/// lie just under the wrap. Nothing happens but in verbs: each lets the stack act and gathers what leaves it, and out()
/// expects the next of that. What is left over at the end is a failure. A failure prints the exchange and leaves a
/// capture in $SLUICE_CAPTURE_DIR or beside the test program. SLUICE_SCRIPT_FAMILY=6 runs everything over IPv6, and
/// with what shape.hpp reads on other hosts.
class Script : private Observer {
 public:
  Script();
  virtual ~Script();
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;

  // --- before the first verb: the stack is made by it --------------------------------------------------------------
  Config config;
  Family family;                         ///< the MTU makes the MSS 1460 for both
  std::uint32_t our_isn = 0xffff'ff9c;   ///< of the first connection, if it is opened at the start
  std::uint32_t peer_isn = 0xffff'ffce;  ///< of every connection
  std::uint16_t peer_window = 65535;     ///< where a line of the peer writes none
  bool check_text = true;                ///< what leaves is compared with what was written

  // --- the application ---------------------------------------------------------------------------------------------
  static constexpr std::uint16_t kLocalPort = 8080, kPeerPort = 40000;   ///< when the stack listens
  static constexpr std::uint16_t kActivePort = 50000, kServerPort = 80;  ///< when it connects

  void listen(const tcp::ListenOptions& options = {});
  void connect(tcp::OpenOptions options = {});
  void accept(Here here = Here());
  /// listen() or connect(), the handshake, accept().
  void established(const Established& how = {}, Here here = Here());
  /// Writes so many bytes of a pattern, or this text; answers how many were taken.
  std::size_t write(std::size_t bytes);
  std::size_t write(std::string_view text);
  void write_urgent(std::size_t bytes, Here here = Here());
  /// Reads exactly so many bytes, which must be the peer's.
  void read(std::size_t bytes, Here here = Here());
  /// Reads all there is.
  std::string read_text();
  void finish();
  void close();
  void abort();
  /// Changes options of the socket: set([](tcp::Options& o) { o.no_delay = true; }).
  template <class Change>
  void set(Change change) {
    tcp::Options options = *socket.options();
    change(options);
    set_options(options);
  }
  tcp::Listener listener;
  tcp::Socket socket;

  // --- the peer ----------------------------------------------------------------------------------------------------
  void in(std::string_view packet, Here here = Here());
  /// With this text instead of the pattern.
  void in(std::string_view packet, std::string_view text, Here here = Here());
  /// Several in one batch, as a device hands them over.
  void in(std::initializer_list<std::string_view> packets, Here here = Here());
  /// Bytes of a packet, to be tampered with and then sent.
  std::vector<std::uint8_t> wire(std::string_view packet, std::string_view text = {}, Here here = Here());
  void in_bytes(std::vector<std::uint8_t> packet, std::string_view what = "bytes");
  /// The same as one super-segment of a device that vouches for its checksum and cuts it every `gso_size` bytes of
  /// text.
  void in_super(std::vector<std::uint8_t> packet, std::uint16_t gso_size, std::uint16_t segments,
                std::string_view what = "a super-segment");
  /// From now on the peer is at this port; of a host of several stacks at the next one, in steps of a thousand, that
  /// the script's own stack hears.
  void peer(std::uint16_t port);
  /// The same with the stack at another port.
  void ports(std::uint16_t local, std::uint16_t peer_port);

  // --- what leaves -------------------------------------------------------------------------------------------------
  void out(std::string_view packet, Here here = Here());
  void out(std::string_view packet, tcp::SendReason why, Here here = Here());
  /// After exactly this time, in which nothing else leaves.
  void out(Duration after, std::string_view packet, Here here = Here());
  void out(Duration after, std::string_view packet, tcp::SendReason why, Here here = Here());
  /// Nothing waits to be expected, and nothing more comes in this time.
  void quiet(Duration time = 0s, Here here = Here());
  /// The next packet, whatever it says.
  lab::PacketLine take(Here here = Here());
  /// The bytes of the packet that out() or take() answered last.
  const std::vector<std::uint8_t>& last_bytes() const noexcept { return last_bytes_; }
  /// Why it left.
  tcp::SendReason last_reason() const noexcept { return last_reason_; }
  /// Packets that left and are not yet expected.
  std::size_t waiting() const noexcept { return sent_.size(); }
  /// Frames that the device took since the start: a super-segment is one.
  std::uint64_t frames() const noexcept { return frames_; }
  /// Forgets what waits; answers how many packets that were.
  std::size_t skip();
  /// Lines of an exchange with times (lab/script.hpp).
  void play(std::string_view exchange, Here here = Here());

  // --- time and looks ----------------------------------------------------------------------------------------------
  void run(Duration time);
  /// Since the first verb.
  Duration now() const noexcept { return now_ - start_; }
  /// Until then the device takes nothing.
  void device_full(bool full);
  void state_is(tcp::State state, Here here = Here());
  void error_is(Errc error, Here here = Here());
  /// What the socket's readiness events said since the last call.
  Readiness events() noexcept { return std::exchange(ready_, Readiness::none); }
  std::uint64_t count(tcp::Counter which) { return stack().tcp().counters()[which]; }
  Stack& stack();
  FourTuple tuple() const noexcept;

 private:
  struct Sent {
    Flow* flow;
    lab::PacketLine line;
    std::vector<std::uint8_t> bytes;
    tcp::SendReason why;
  };
  /// As it left, until the observer has told why.
  struct Fresh {
    std::vector<std::uint8_t> bytes;
    bool continues;  ///< a later piece of the same super-segment
  };
  struct Told {
    std::uint32_t seq, ack;
    std::uint16_t flags;
    tcp::SendReason why;
  };
  class Device;

  void begin(bool active);
  Time start_for(const FourTuple& tuple) const noexcept;
  void turn();
  void step_to(Time end);
  void poll_events();
  void set_options(const tcp::Options& options);
  void note(std::string text) { rungs_.push_back({now(), lab::Rung::Kind::local, std::move(text), {}}); }
  Flow& flow();
  Flow& flow_of(const FourTuple& tuple);
  lab::PacketLine parse(std::string_view packet, Here here);
  void complete(lab::SegmentLine& segment);
  std::vector<std::uint8_t> build(lab::PacketLine line, std::string_view text, Here here);
  void deliver(std::vector<std::pair<std::vector<std::uint8_t>, std::string>> packets);
  void gather(const Frame& frame);
  void settle_fresh();
  void dissect(Sent& sent);
  void learn(Flow& flow, const lab::OpenedPacket& packet);
  tcp::SendReason reason_of(const lab::OpenedPacket& packet);
  void expect(std::string_view packet, std::optional<tcp::SendReason> why, Here here);
  void silence(Duration time, Here here);
  void check_content(const Sent& sent, Here here);
  [[noreturn]] void fail(const std::string& what, Here here);
  std::string report(const std::string& what) const;
  void on_event(const TraceEvent& event) noexcept override;

  lab::HostShape shape_;
  std::unique_ptr<lab::Host> host_;
  BufferPool pool_;
  Time start_{};
  Time now_{};
  std::uint16_t local_port_ = kLocalPort;
  std::uint16_t peer_port_ = kPeerPort;
  std::map<std::pair<std::uint16_t, std::uint16_t>, Flow> flows_;
  std::vector<Fresh> fresh_;
  std::deque<Sent> sent_;
  std::vector<std::uint8_t> last_bytes_;
  tcp::SendReason last_reason_ = tcp::SendReason::none;
  std::uint64_t frames_ = 0;
  std::vector<Told> told_;  // by the observer, not yet matched with a packet
  std::vector<lab::Rung> rungs_;
  std::vector<ScriptRecord> records_;
  std::vector<std::string> faults_;  // what was wrong with packets that left, found before anyone expected them
  Readiness ready_ = Readiness::none;
  bool device_full_ = false;
};

/// "P. 1001:1501(500) ack 1": a segment whose numbers a test computes.
std::string text_line(std::string_view flags, std::uint32_t seq, std::uint32_t length,
                      std::string_view rest = " ack 1");

/// Edges that connections of this program's scripts have taken so far.
std::set<std::pair<tcp::State, tcp::State>>& edges_taken();

}  // namespace sluice::test
