// Questions to c-ares, its clock on the loop's alarms, and what its answers mean in words.
#include "tools/resolver.hpp"

#include <ares.h>
#include <fmt/format.h>
#include <sys/time.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "tools/address_order.hpp"
#include "tools/resolver_sockets.hpp"
#include "tun/socket_address.hpp"

namespace sluice::tools {
namespace {

constexpr std::uint16_t kDnsPort = 53;
constexpr std::size_t kLongestName = 253;  // RFC 1035 2.3.4, as text without the last dot
constexpr std::size_t kLongestLabel = 63;

std::string_view without_last_dot(std::string_view name) {
  return name.ends_with('.') ? name.substr(0, name.size() - 1) : name;
}

std::string lowered(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

std::string list_of(const std::vector<Endpoint>& servers) {
  std::string text;
  for (const Endpoint& server : servers)
    text += (text.empty() ? "" : ", ") + (server.port == kDnsPort ? server.address.to_string() : server.to_string());
  return text;
}

/// c-ares says "connection refused" also when every server answered with a failure.
int status_of(int status, unsigned code) {
  if (status != ARES_ECONNREFUSED) return status;
  return code == 2 ? ARES_ESERVFAIL : code == 5 ? ARES_EREFUSED : status;
}

std::string reason_of(int status, const std::vector<Endpoint>& servers) {
  switch (status) {
    case ARES_ENOTFOUND: return "no such name";
    case ARES_ENODATA: return "no address";
    case ARES_ESERVFAIL: return "server failure";
    case ARES_EREFUSED: return "the server refuses to answer";
    case ARES_ETIMEOUT:
    case ARES_ECONNREFUSED: return "no answer from " + list_of(servers);
    default: return ares_strerror(status);
  }
}

std::vector<IpAddress> addresses_in(const ares_addrinfo& found) {
  std::vector<IpAddress> addresses;
  for (const ares_addrinfo_node* node = found.nodes; node; node = node->ai_next) {
    const IpAddress address = tun::from_kernel(node->ai_addr).address;
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) addresses.push_back(address);
  }
  return addresses;
}

}  // namespace

std::optional<Endpoint> parse_server(std::string_view text) {
  if (const auto address = IpAddress::parse(text)) return Endpoint{*address, kDnsPort};
  const auto endpoint = Endpoint::parse(text);
  return endpoint && endpoint->port != 0 ? endpoint : std::nullopt;
}

std::optional<std::string> fault_of_name(std::string_view name) {
  name = without_last_dot(name);
  if (name.empty()) return "the name is empty";
  if (std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
    return "only ASCII names are looked up: write it in its xn-- form";
  if (name.size() > kLongestName) return fmt::format("the name has more than {} characters", kLongestName);
  const std::string lower = lowered(name);
  if (lower == "localhost" || lower.ends_with(".localhost")) return "it names the stack itself, not this machine";
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    if (end == begin) return "two dots have nothing between them";
    if (end - begin > kLongestLabel) return fmt::format("a part has more than {} characters", kLongestLabel);
    begin = end + 1;
  }
  return std::nullopt;
}

class Resolver::Channel {
 public:
  Channel(tun::EventLoop& loop, ResolverOptions options);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  void resolve(const std::string& name, Done done);
  void set_servers(std::vector<Endpoint> servers);

 private:
  struct Question {
    Channel* channel;
    std::string name;
    Done done;
  };
  void open();
  static void answered(void* question, int status, int timeouts, ares_addrinfo* found);
  Resolved judge(const std::string& name, int status, const ares_addrinfo* found) const;
  void finish(Done done, Resolved resolved);
  void process(ares_socket_t number);
  void arm();

  tun::EventLoop& loop_;
  ResolverOptions options_;
  ResolverSockets sockets_;
  ares_channel channel_ = nullptr;
  tun::EventLoop::Alarm alarm_;
};

Resolver::Channel::Channel(tun::EventLoop& loop, ResolverOptions options)
    : loop_(loop), options_(std::move(options)), sockets_(loop, [this](ares_socket_t number) { process(number); }) {
  if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) throw std::runtime_error("c-ares does not start");
  open();
  set_servers(options_.servers);
}

/// Everything is said here, so that nothing of the machine's resolv.conf applies.
void Resolver::Channel::open() {
  std::vector<char*> domains;
  for (std::string& domain : options_.search) domains.push_back(domain.data());
  std::string lookups = options_.hosts_file ? "fb" : "b";
  std::string nothing = "/dev/null";
  ares_options settings{};
  settings.timeout = static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(options_.timeout).count());
  settings.tries = options_.attempts;
  settings.lookups = lookups.data();
  settings.domains = domains.data();
  settings.ndomains = static_cast<int>(domains.size());
  settings.resolvconf_path = nothing.data();
  const int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_DOMAINS | ARES_OPT_RESOLVCONF;
  const int status = ares_init_options(&channel_, &settings, mask);
  if (status != ARES_SUCCESS) throw std::runtime_error(ares_strerror(status));
  ares_set_socket_functions(channel_, &ResolverSockets::functions(), &sockets_);
}

Resolver::Channel::~Channel() {
  loop_.cancel(alarm_);
  ares_destroy(channel_);
  ares_library_cleanup();
}

void Resolver::Channel::set_servers(std::vector<Endpoint> servers) {
  options_.servers = std::move(servers);
  std::string list;
  for (const Endpoint& server : options_.servers) list += (list.empty() ? "" : ",") + server.to_string();
  if (!list.empty()) ares_set_servers_ports_csv(channel_, list.c_str());
}

void Resolver::Channel::resolve(const std::string& name, Done done) {
  if (const auto address = IpAddress::parse(name)) return finish(std::move(done), {{*address}, {}});
  auto fault = fault_of_name(name);
  if (!fault && options_.servers.empty()) fault = "no name server is known";
  if (fault) return finish(std::move(done), {{}, fmt::format("cannot resolve {}: {}", name, *fault)});
  sockets_.forget_code();
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_flags = ARES_AI_NOSORT;  // sorting would ask the kernel for our sockets' addresses
  auto question = std::make_unique<Question>(Question{this, name, std::move(done)});
  ares_getaddrinfo(channel_, name.c_str(), nullptr, &hints, answered, question.release());
  arm();
}

void Resolver::Channel::answered(void* user, int status, int, ares_addrinfo* found) {
  const std::unique_ptr<Question> question(static_cast<Question*>(user));
  if (status != ARES_EDESTRUCTION)
    question->channel->finish(std::move(question->done), question->channel->judge(question->name, status, found));
  if (found) ares_freeaddrinfo(found);
}

Resolved Resolver::Channel::judge(const std::string& name, int status, const ares_addrinfo* found) const {
  Resolved resolved;
  if (status != ARES_SUCCESS) {
    resolved.error = fmt::format("cannot resolve {}: {}", name,
                                 reason_of(status_of(status, sockets_.last_code()), options_.servers));
    return resolved;
  }
  resolved.addresses = order_addresses(addresses_in(*found), sources_of(loop_.stack()));
  if (resolved.addresses.empty())
    resolved.error = fmt::format("cannot resolve {}: no address of a family that the stack has", name);
  return resolved;
}

/// Not from inside c-ares: whoever hears of it may destroy the resolver.
void Resolver::Channel::finish(Done done, Resolved resolved) {
  loop_.defer([done = std::move(done), resolved = std::move(resolved)] { done(resolved); });
}

void Resolver::Channel::process(ares_socket_t number) {
  do ares_process_fd(channel_, number, number);
  while (sockets_.has_unread(number));
  arm();
}

void Resolver::Channel::arm() {
  loop_.cancel(alarm_);
  timeval room{};
  const timeval* left = ares_timeout(channel_, nullptr, &room);
  if (!left) return;
  const Duration delay = std::chrono::seconds(left->tv_sec) + std::chrono::microseconds(left->tv_usec);
  alarm_ = loop_.after(delay + std::chrono::milliseconds(1), [this] {
    ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm();
  });
}

Resolver::Resolver(tun::EventLoop& loop, ResolverOptions options)
    : channel_(std::make_unique<Channel>(loop, std::move(options))) {}
Resolver::~Resolver() = default;
void Resolver::resolve(const std::string& name, Done done) { channel_->resolve(name, std::move(done)); }
void Resolver::set_servers(std::vector<Endpoint> servers) { channel_->set_servers(std::move(servers)); }

Resolved resolve_now(tun::EventLoop& loop, const ResolverOptions& options, const std::string& name) {
  Resolver resolver(loop, options);
  const auto answer = std::make_shared<std::optional<Resolved>>();
  resolver.resolve(name, [answer](const Resolved& resolved) { *answer = resolved; });
  while (!*answer && !loop.stopping())
    if (const Result<void> turned = loop.turn(std::chrono::milliseconds(100)); !turned)
      return {{}, fmt::format("cannot resolve {}: the device is gone", name)};
  return answer->value_or(Resolved{{}, fmt::format("cannot resolve {}: interrupted", name)});
}

}  // namespace sluice::tools
