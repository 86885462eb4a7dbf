// One connection at a time: the next origin takes the place of the last.
#include "tools/fetch_pool.hpp"

#include <fmt/format.h>

#include <utility>

#include "tools/address_order.hpp"
#include "tools/certificates.hpp"
#include "tools/fetch_codes.hpp"

namespace sluice::tools {
namespace {

bool is_unspoken(const http::Url& url) { return url.scheme != "http" && url.scheme != "https"; }

}  // namespace

void FetchPool::prepare(const http::Url& url, std::function<void()> ready) {
  const std::string& name = url.host;
  const bool has_connection = connection_ && connection_->serves(url);
  if (has_connection || is_unspoken(url) || !known_[name].empty() || faults_.count(name) != 0) return ready();
  names_.look_up(name, [this, name, ready = std::move(ready)](const Resolved& resolved) {
    known_[name] = resolved.addresses;
    if (!resolved.error.empty()) faults_[name] = resolved.error;
    ready();
  });
}

std::variant<FetchPool::Lent, FetchFailure> FetchPool::connection_to(const http::Url& url) {
  if (connection_ && connection_->serves(url)) return Lent{connection_.get(), false};
  drop();
  if (is_unspoken(url))
    return FetchFailure{kUnknownScheme, fmt::format("{} is not spoken here, only http and https", url.scheme)};
  if (known_[url.host].empty()) return FetchFailure{kUnknownHost, faults_[url.host]};
  const std::vector<IpAddress> addresses = order_addresses(known_[url.host], sources_of(host_.stack()));
  if (addresses.empty()) return FetchFailure{kConnectFailed, "the stack has no address of this family (see --local6)"};
  if (url.secure()) {
    if (auto failure = make_context()) return *std::move(failure);
  }
  connection_ = std::make_unique<FetchConnection>(host_, url, url.secure() ? &*context_ : nullptr);
  connection_->connect(addresses, url.port);
  return Lent{connection_.get(), true};
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
