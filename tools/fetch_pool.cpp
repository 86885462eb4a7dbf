// One connection at a time: the next origin takes the place of the last.
#include "tools/fetch_pool.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "tools/certificates.hpp"
#include "tools/fetch_codes.hpp"
#include "tools/resolve.hpp"

namespace sluice::tools {

std::variant<FetchPool::Lent, FetchFailure> FetchPool::connection_to(const http::Url& url) {
  if (connection_ && connection_->serves(url)) return Lent{connection_.get(), false, {}};
  drop();
  if (url.scheme != "http" && url.scheme != "https")
    return FetchFailure{kUnknownScheme, fmt::format("{} is not spoken here, only http and https", url.scheme)};
  const auto began = std::chrono::steady_clock::now();
  const std::vector<IpAddress>& addresses = addresses_of(url.host);
  const Duration resolving = std::chrono::steady_clock::now() - began;
  if (const auto fault = faults_.find(url.host); addresses.empty() && fault != faults_.end())
    return FetchFailure{kUnknownHost, fault->second};
  if (addresses.empty()) return FetchFailure{kUnknownHost, fmt::format("no address is known for {}", url.host)};
  const Result<IpAddress> address = reachable(addresses, host_);
  if (!address) return FetchFailure{kConnectFailed, "the stack has no address of this family (see --local6)"};
  if (url.secure()) {
    if (auto failure = make_context()) return *std::move(failure);
  }
  connection_ = std::make_unique<FetchConnection>(host_, url, url.secure() ? &*context_ : nullptr);
  const Result<void> connecting = connection_->connect({*address, url.port});
  if (!connecting) return FetchFailure{kConnectFailed, fmt::format("cannot connect: {}", describe(connecting.error()))};
  return Lent{connection_.get(), true, resolving};
}

const std::vector<IpAddress>& FetchPool::addresses_of(const std::string& name) {
  std::vector<IpAddress>& addresses = known_[name];
  if (addresses.empty() && (!options_.known_only || IpAddress::parse(name))) addresses = resolve(name);
  return addresses;
}

/// What TLS needs to begin, once for all connections.
std::optional<FetchFailure> FetchPool::make_context() {
  if (context_) return std::nullopt;
  tls::Settings settings;
  settings.protocols = {"http/1.1"};
  settings.key_log = key_log_of_environment();
  settings.handshake_time = options_.limit;
  auto made = tls::ClientContext::make({.certificates = options_.trusted, .verify = !options_.insecure}, settings);
  if (const auto* failure = std::get_if<tls::Failure>(&made)) return FetchFailure{kNoTrust, failure->sentence};
  context_ = std::get<tls::ClientContext>(std::move(made));
  return std::nullopt;
}

}  // namespace sluice::tools
