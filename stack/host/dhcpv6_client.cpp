// Asking, and asking again; see dhcpv6_client.hpp.
#include "stack/host/dhcpv6_client.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::host {
namespace {

using wire::dhcpv6::Message;
using wire::dhcpv6::Option;
using wire::dhcpv6::Type;

constexpr std::uint32_t kInfinite = 0xffffffff;
constexpr std::uint32_t kLowestMaximum = 60;  // RFC 8415 21.25: what a server may set INF_MAX_RT to, seconds
constexpr std::uint32_t kHighestMaximum = 86400;
constexpr std::size_t kRequestSize = 64;  // more than enough

constexpr std::array kWanted = {Option::dns_servers, Option::domain_list, Option::refresh_time,
                                Option::information_max_rt};

/// RFC 8415 18.2.10: no status is success.
bool is_success(const Message& message) noexcept {
  const auto status = message.find(Option::status_code);
  return !status || (status->size() >= 2 && ByteReader(*status).u16() == 0);
}

/// RFC 8415 21.23.
Time refresh_after(const Message& message, Time now) noexcept {
  const auto told = message.u32(Option::refresh_time);
  if (!told) return now + Dhcpv6Client::kDefaultRefresh;
  if (*told == kInfinite) return kNever;
  return now + std::max<Duration>(std::chrono::seconds(*told), Dhcpv6Client::kMinimumRefresh);
}

std::vector<IpAddress> read_servers(const Message& message) {
  const auto value = message.find(Option::dns_servers);
  auto servers = value ? wire::dhcpv6::read_addresses(*value, Dhcpv6Facts::kMaximumEntries) : std::nullopt;
  if (!servers) return {};
  std::erase_if(*servers, [](const IpAddress& server) { return server.is_invalid_source(); });
  return std::move(*servers);
}

std::vector<std::string> read_domains(const Message& message) {
  const auto value = message.find(Option::domain_list);
  auto domains = value ? wire::dhcpv6::read_names(*value, Dhcpv6Facts::kMaximumEntries) : std::nullopt;
  return domains ? std::move(*domains) : std::vector<std::string>{};
}

}  // namespace

std::string_view name(Dhcpv6Counter counter) noexcept {
  switch (counter) {
    case Dhcpv6Counter::requests_out: return "requests_out";
    case Dhcpv6Counter::replies_in: return "replies_in";
    case Dhcpv6Counter::drop_truncated: return "drop_truncated";
    case Dhcpv6Counter::drop_bad_option: return "drop_bad_option";
    case Dhcpv6Counter::drop_unexpected: return "drop_unexpected";
    case Dhcpv6Counter::drop_foreign_transaction: return "drop_foreign_transaction";
    case Dhcpv6Counter::drop_foreign_client: return "drop_foreign_client";
    case Dhcpv6Counter::drop_no_server: return "drop_no_server";
    case Dhcpv6Counter::drop_refused: return "drop_refused";
    case Dhcpv6Counter::count: break;
  }
  return "unknown";
}

Dhcpv6Client::Dhcpv6Client(const MacAddress& hardware, const Key& key) noexcept
    : duid_(wire::dhcpv6::duid_of(hardware)), random_(key, KeyUse::dhcp, /*stream=*/6) {}

void Dhcpv6Client::start(Time now) noexcept {
  longest_ = kLongestTimeout;
  delay(now);
}

void Dhcpv6Client::stop() noexcept {
  phase_ = Phase::stopped;
  deadline_ = kNever;
  outgoing_.reset();
  facts_.reset();
}

/// RFC 8415 18.2.6: the first message of an exchange waits, so that hosts that heard the same router don't speak at
/// once.
void Dhcpv6Client::delay(Time now) noexcept {
  phase_ = Phase::delaying;
  transaction_ = random_.u32() & 0xffffff;
  timeout_ = Duration::zero();
  deadline_ = now + random_.within(kMaximumDelay);
}

void Dhcpv6Client::handle_timeout(Time now) {
  if (now < deadline_) return;
  if (phase_ == Phase::informed) return delay(now);
  if (phase_ == Phase::delaying) began_ = now;
  phase_ = Phase::asking;
  ask(now);
  next_timeout_after(now);
}

/// The timeout and up to a tenth of it more or less: RFC 8415 15's RAND.
Duration Dhcpv6Client::varied(Duration timeout) noexcept {
  const double part = (2 * random_.unit() - 1) / 10;
  return timeout + Duration(static_cast<Duration::rep>(part * static_cast<double>(timeout.count())));
}

// RFC 8415 15: RT is IRT + RAND * IRT at first, then 2 * RT + RAND * RT, and MRT + RAND * MRT where that is above MRT.
// There is no last attempt.
void Dhcpv6Client::next_timeout_after(Time now) noexcept {
  const Duration previous = timeout_;
  timeout_ = previous == Duration::zero() ? varied(kFirstTimeout) : previous + varied(previous);
  if (timeout_ > longest_) timeout_ = varied(longest_);
  deadline_ = now + timeout_;
}

void Dhcpv6Client::ask(Time now) {
  const auto elapsed = (now - began_) / std::chrono::milliseconds(10);
  Dhcpv6Send send{std::vector<std::uint8_t>(kRequestSize)};
  wire::dhcpv6::Writer writer(send.payload, Type::information_request, transaction_);
  writer.option(Option::client_identifier, duid_);
  writer.option(Option::elapsed_time, static_cast<std::uint16_t>(std::min<std::int64_t>(elapsed, 0xffff)));
  std::array<std::uint8_t, 2 * kWanted.size()> wanted{};
  ByteWriter list(wanted);
  for (const Option option : kWanted) list.u16(static_cast<std::uint16_t>(option));
  writer.option(Option::option_request, wanted);
  send.payload.resize(writer.used());
  outgoing_ = std::move(send);
  counters_.add(Dhcpv6Counter::requests_out);
}

// RFC 8415 16.10.
std::optional<Dhcpv6Counter> Dhcpv6Client::judge(const Message& message) const noexcept {
  const bool reply = message.type == static_cast<std::uint8_t>(Type::reply);
  if (!reply || phase_ != Phase::asking) return Dhcpv6Counter::drop_unexpected;
  if (message.transaction != transaction_) return Dhcpv6Counter::drop_foreign_transaction;
  if (!message.find(Option::server_identifier)) return Dhcpv6Counter::drop_no_server;
  const auto client = message.find(Option::client_identifier);
  if (!client || !std::ranges::equal(*client, duid_)) return Dhcpv6Counter::drop_foreign_client;
  return std::nullopt;
}

void Dhcpv6Client::receive(Bytes payload, Time now) {
  const auto message = wire::dhcpv6::parse(payload);
  if (!message) {
    const bool truncated = message.fault() == wire::dhcpv6::Fault::truncated;
    counters_.add(truncated ? Dhcpv6Counter::drop_truncated : Dhcpv6Counter::drop_bad_option);
    return;
  }
  if (const auto why = judge(*message)) return counters_.add(*why);
  accept(*message, now);
}

// RFC 8415 18.2.10. Who is refused goes on asking, at the pace of its timeouts.
void Dhcpv6Client::accept(const Message& message, Time now) {
  take_longest_timeout(message);
  if (!is_success(message)) return counters_.add(Dhcpv6Counter::drop_refused);
  counters_.add(Dhcpv6Counter::replies_in);
  phase_ = Phase::informed;
  deadline_ = refresh_after(message, now);
  outgoing_.reset();
  facts_ = Dhcpv6Facts{read_servers(message), read_domains(message), deadline_};
}

void Dhcpv6Client::take_longest_timeout(const Message& message) noexcept {
  const auto told = message.u32(Option::information_max_rt);
  if (told && *told >= kLowestMaximum && *told <= kHighestMaximum) longest_ = std::chrono::seconds(*told);
}

std::optional<Dhcpv6Action> Dhcpv6Client::poll() {
  if (outgoing_) return *std::exchange(outgoing_, std::nullopt);
  if (facts_) return *std::exchange(facts_, std::nullopt);
  return std::nullopt;
}

}  // namespace sluice::host
