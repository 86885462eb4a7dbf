// Puts the pieces together, from the kernel inwards.
#include "tools/host.hpp"

#include <algorithm>
#include <utility>

#include "tun/clock.hpp"
#include "tun/error.hpp"

namespace sluice::tools {
namespace {

/// DHCP with an offer, and three probes of the address.
constexpr Duration kAddressPatience = std::chrono::seconds(30);

}  // namespace

Host::Host(const LinkOptions& options, Role role, const HostShard& shard)
    : key_(shard.first ? shard.first->key() : key_of(options)), wall_offset_(tun::wall_clock_offset()) {
  const TunQueue queue{.one_of_many = shard.place.count > 1,
                       .further_of = shard.first ? shard.first->device().name() : ""};
  links_.push_back(std::make_unique<HostLink>(options, role, key_, InterfaceNumber{0}, queue));
  for (const LinkOptions& more : options.also) {
    const auto number = static_cast<InterfaceNumber>(links_.size());
    links_.push_back(std::make_unique<HostLink>(more, Role::client, key_, number));
  }
  for (const auto& link : links_)
    if (const LinkOptions& own = link->options(); own.capture.empty())
      continue;
    else if (shard.first)
      link->tap().start(shard.first->tap().writer()->join(shard.place.number));
    else
      link->start_capture(own.capture, own.capture_size, own.capture_files, wall_offset_, shard.place.count);
  make_stack(options, shard.place);

  std::vector<tun::Device*> devices;
  for (const auto& link : links_) devices.push_back(&link->top());
  loop_.emplace(*stack_, devices, tun::LoopSettings{.spin = options.busy_poll, .spin_share = options.busy_poll_share});
  for (std::size_t i = 0; i < links_.size(); ++i)
    if (host::Configurator* const configurator = stack_->configurator(static_cast<InterfaceNumber>(i)))
      links_[i]->watch(*loop_, *configurator);
  if (role == Role::client) await_addresses();
}

void Host::make_stack(const LinkOptions& options, ip::ShardSettings shard) {
  Config config{.key = key_, .ip = {}, .tcp = {}, .observer = make_observers(options)};
  const InterfaceConfig first = links_[0]->config();
  config.ip.addresses = first.addresses;
  config.ip.mtu = first.mtu;
  config.link = first.link;
  config.host = first.host;
  for (std::size_t i = 1; i < links_.size(); ++i) config.more_interfaces.push_back(links_[i]->config());
  config.tcp.maximum_frame = maximum_frame();
  const auto cuts_rows = [](const auto& link) { return link->top().offloads().udp; };
  if (std::all_of(links_.begin(), links_.end(), cuts_rows)) config.udp_maximum_frame = maximum_frame();
  config.tcp.congestion = options.congestion;
  stack_.emplace(shard.count > 1 ? shard_of(config, shard) : config);
  for (const auto& link : links_)
    for (const ip::Route& route : link->routes()) stack_->ip().routes().add(route);
}

/// What every device takes: a connection may leave by any.
std::size_t Host::maximum_frame() {
  std::size_t least = links_[0]->top().offloads().maximum_frame;
  for (const auto& link : links_) least = std::min(least, link->top().offloads().maximum_frame);
  return least;
}

std::int64_t Host::unix_time() const noexcept {
  return std::chrono::floor<std::chrono::seconds>(loop_->now().time_since_epoch() + wall_offset_).count();
}

/// The stack pays for telling only when somebody asked for a record.
Observer* Host::make_observers(const LinkOptions& options) {
  if (options.trace.empty() && options.capture.empty()) return nullptr;
  if (!options.trace.empty()) trace_.emplace(options.trace, tun::monotonic_now(), wall_offset_);
  return &notes_.emplace(tap(), trace_ ? &*trace_ : nullptr);
}

bool Host::has_addresses(const HostLink& link, InterfaceNumber number) {
  if (!link.options().tap) return true;
  if (link.options().dhcp && !stack_->configurator(number)->dhcp()->lease()) return false;
  const std::vector<tun::AddressPair>& wanted = link.addresses();
  return std::all_of(wanted.begin(), wanted.end(), [&](const tun::AddressPair& pair) {
    return stack_->ip().addresses().holds(pair.local.address, number);
  });
}

/// A client has nothing to do before.
void Host::await_addresses() {
  const Time limit = tun::monotonic_now() + kAddressPatience;
  for (std::size_t i = 0; i < links_.size();) {
    const HostLink& link = *links_[i];
    if (has_addresses(link, static_cast<InterfaceNumber>(i))) {
      ++i;
      continue;
    }
    if (tun::monotonic_now() >= limit)
      throw tun::Error(Errc::timed_out, link.options().dhcp ? "no DHCP server gave an address"
                                                            : "an address of the stack's is another host's");
    if (const Result<void> turned = loop_->turn(std::chrono::milliseconds(100)); !turned)
      throw tun::Error(turned.error(), "the device is gone");
  }
}

std::vector<Prefix> Host::own_addresses() {
  std::vector<Prefix> all;
  for (const ip::OwnAddress& own : stack_->ip().addresses().all())
    if (own.state != ip::AddressState::tentative) all.push_back(own.prefix);
  return all;
}

std::vector<IpAddress> Host::dns_servers() {
  std::vector<IpAddress> all;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const host::Configurator* const configurator = stack_->configurator(static_cast<InterfaceNumber>(i));
    if (!configurator) continue;
    for (const IpAddress& server : configurator->dns_servers())
      if (std::find(all.begin(), all.end(), server) == all.end()) all.push_back(server);
  }
  return all;
}

void Host::start_capture(const std::string& path, std::uint64_t maximum_size, unsigned files) {
  links_[0]->start_capture(path, maximum_size, files, wall_offset_);
}

}  // namespace sluice::tools
