// All of TCP in one stack: finds the connection of a segment, keeps the tables, gives out sockets.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "stack/base/budget.hpp"
#include "stack/base/bytes.hpp"
#include "stack/base/random.hpp"
#include "stack/base/result.hpp"
#include "stack/base/ring.hpp"
#include "stack/base/slot_map.hpp"
#include "stack/base/timers.hpp"
#include "stack/base/trace.hpp"
#include "stack/ip/datagram.hpp"
#include "stack/ip/layer.hpp"
#include "stack/tcp/environment.hpp"
#include "stack/tcp/half_open.hpp"
#include "stack/tcp/options.hpp"
#include "stack/tcp/socket.hpp"
#include "stack/tcp/syn_cookies.hpp"
#include "stack/tcp/time_wait.hpp"
#include "stack/tcp/tuple_index.hpp"

namespace sluice::tcp {

class Connection;

/// Of the endpoints that listeners have: our own choice, so no secret is needed.
struct EndpointHash {
  std::size_t operator()(const Endpoint& end) const noexcept {
    return std::hash<std::string_view>()(as_text(end.address.bytes())) ^ end.port;
  }
};

/// A passive OPEN: connections that wait for accept(), and how many more are on their way.
struct ListenerState {
  Endpoint local;
  ListenOptions options;
  Ring<SlotId> ready;  ///< established, oldest first
  std::size_t half_open = 0;
  std::size_t connections = 0;        ///< in `ready` or accepted, and not over
  Time cookies_until{};               ///< until then an ACK may bring back a cookie [A-TCP-21]
  std::size_t fast_open_pending = 0;  ///< opened by the text of a SYN, handshake not complete
  Ring<Time> fast_open_lockouts;      ///< when places in that queue become free again that a RST had ended
  SlotId id;
  ListenerState* next_event = nullptr;
  bool in_event_list = false;
};

/// The verbs of the Stack for TCP. Segments without a connection are answered into the outbox that was given.
class Layer {
 public:
  /// Everything given here outlives the layer.
  Layer(const Config& config, ip::Layer& ip, ip::Outbox& outbox, Budget& budget, const Key& key, Tracer tracer);
  ~Layer();
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;

  Result<Socket> connect(const Endpoint& remote, const OpenOptions& options);
  Result<Listener> listen(const Endpoint& local, const ListenOptions& options);
  /// Bytes of text that a SYN to this server may carry (RFC 7413); 0 = it gave no cookie, or is avoided.
  std::size_t fast_open_room(const IpAddress& server) noexcept;
  const Config& config() const noexcept { return env_.config; }

  void set_time(Time now) noexcept { env_.now = now; }
  void receive(ip::Datagram datagram);
  void icmp_error(const ip::IcmpError& error);
  /// Visits at most kTimersAtOnce connections, so that packets are not kept waiting when very many are due: the others
  /// have their turn by the next call, for which next_timeout() asks at once.
  void handle_timeouts();
  static constexpr unsigned kTimersAtOnce = 1024;
  Time next_timeout() const noexcept;
  void poll_transmit(FrameSink& sink);
  /// An address of ours goes: its connections are reset.
  void abort_all(const IpAddress& local);
  bool wants_transmit() const noexcept { return ready_head_ != nullptr; }

  /// The next socket whose readiness changed; `listener` tells which table the id belongs to.
  struct News {
    bool listener = false;
    SlotId id;
    Readiness ready = Readiness::none;
  };
  std::optional<News> poll_event();

  const Counters<Counter>& counters() const noexcept { return env_.counters; }
  std::size_t connection_count() const noexcept { return connections_.size(); }
  std::size_t half_open_count() const noexcept { return half_open_.size(); }
  std::size_t time_wait_count() const noexcept { return time_wait_.size(); }

  /// visit(const Info&) for every connection, half-open and TIME-WAIT record and listener, as `ss` would list them.
  template <class Visit>
  void for_each_socket(Visit&& visit) const {
    listeners_.for_each([&](SlotId, const ListenerState& one) { visit(describe(one)); });
    connections_.for_each([&](SlotId, const Connection& one) { visit(describe(one)); });
    for (const auto& [tuple, record] : half_open_) visit(describe(tuple, State::syn_received));
    time_wait_.for_each([&](const FourTuple& tuple, const TimeWait&) { visit(describe(tuple, State::time_wait)); });
  }

 private:
  /// When a half-open record wants its SYN,ACK repeated.
  struct Turn {
    Time due{};
    FourTuple tuple;
    static bool later(const Turn& a, const Turn& b) noexcept { return a.due > b.due; }
  };

  friend class Socket;
  friend class Listener;

  // demux.cpp: from a datagram to who deals with it
  bool parse(ip::Datagram& datagram, Segment& segment);
  void dispatch(Segment& segment);
  Connection* find(const FourTuple& tuple) noexcept;
  ListenerState* find_listener(const Endpoint& local) noexcept;
  void arrives_for_listener(ListenerState& listener, Segment& segment);
  void syn_arrives(ListenerState& listener, Segment& segment);
  bool cookie_returns(ListenerState& listener, Segment& segment);
  std::unique_ptr<Connection> for_listener(const ListenerState& listener, const FourTuple& tuple);
  void consider_fast_open(ListenerState& listener, Connection& connection, const Segment& segment);
  void leave_fast_open_queue(Connection& connection) noexcept;
  bool at_limit(const ListenerState& listener, const IpAddress& peer) const noexcept;
  void arrives_for_half_open(Segment& segment);
  bool arrives_for_time_wait(Segment& segment);
  bool reopens(const TimeWait& record, const Segment& segment) const noexcept;
  void after_half_open_event(std::unique_ptr<Connection> connection, bool existed);
  void keep_half_open(Connection& connection, bool existed);
  void await_accept(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> thawed(const FourTuple& tuple, const HalfOpen& record);
  void flush_to_outbox(Connection& connection);
  void half_open_timeouts();
  void forget_half_open(const FourTuple& tuple) noexcept;
  void drop_stale_turns();

  // layer.cpp
  Connection& adopt(std::unique_ptr<Connection> connection);
  void settle(Connection& connection);
  void into_time_wait(Connection& connection);
  void retire(Connection& connection) noexcept;
  void forget(Connection& connection);
  void push_ready(Connection& connection) noexcept;
  Connection* pop_ready() noexcept;
  void push_event(Connection& connection) noexcept;
  Connection* first_with_news();
  void push_starved(Connection& connection);
  void drop_stalled();
  Connection* longest_stalled() const noexcept;
  void tell_narrowed();
  void feed_starved();
  void push_event(ListenerState& listener) noexcept;
  void unlink(Connection& connection) noexcept;
  Result<Endpoint> choose_local(const Endpoint& remote, const OpenOptions& options);
  Result<std::uint16_t> choose_port(const IpAddress& local, const Endpoint& remote);
  /// What the other end answers comes to this shard.
  bool hears(const FourTuple& tuple) const noexcept;
  bool tuple_in_use(const FourTuple& tuple) noexcept;
  static Info describe(const Connection& connection);
  static Info describe(const ListenerState& listener);
  static Info describe(const FourTuple& tuple, State state);

  // what sockets call
  Connection* find(SlotId id) const noexcept { return connections_.find(id); }
  void close(SlotId id) noexcept;
  void close_listener(SlotId id) noexcept;
  Result<Socket> accept(SlotId id);

  static TimerEntry& timer_of(Connection& connection) noexcept;

  Environment env_;
  TupleHasher tuple_hasher_;
  SynCookies cookies_;
  Random port_steps_;
  SlotMap<Connection> connections_;
  TupleIndex by_tuple_;
  SlotMap<ListenerState> listeners_;
  std::unordered_map<IpAddress, std::size_t, ip::AddressHash> by_peer_;  ///< connections; counted if that has a limit
  std::size_t live_ = 0;                                                 ///< connections that are not retired
  std::unordered_map<Endpoint, SlotId, EndpointHash> listener_by_endpoint_;
  std::unordered_map<FourTuple, HalfOpen, TupleHash> half_open_;
  std::vector<Turn> half_open_turns_;  ///< a heap by time; turns whose record has gone or moved on are stale
  TimeWaitTable time_wait_;
  TimerQueue<Connection, &Layer::timer_of> timers_;
  Connection* ready_head_ = nullptr;
  Connection* ready_tail_ = nullptr;
  Connection* event_head_ = nullptr;
  Connection* event_tail_ = nullptr;
  ListenerState* listener_events_ = nullptr;
  Ring<SlotId> starved_;              ///< writers that found the memory used up, oldest first; some may be gone
  Time next_drop_at_{};               ///< no search for stalled connections before this
  Connection* last_found_ = nullptr;  ///< bulk traffic belongs to the same connection as before
  std::array<std::uint16_t, 256> port_rovers_{};  ///< RFC 6056 3.3.4
};

}  // namespace sluice::tcp
