// What the transfers of one command share: the connection, the addresses, whom to believe.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tools/fetch.hpp"
#include "tools/fetch_connection.hpp"

namespace sluice::tools {

struct FetchFailure {
  int code = 0;  ///< curl's
  std::string sentence;
};

class FetchPool {
 public:
  /// Both outlive it.
  FetchPool(Host& host, const FetchOptions& options) : host_(host), options_(options) {}

  void know(const std::string& name, std::vector<IpAddress> addresses) { known_[name] = std::move(addresses); }
  void give_up(const std::string& name, std::string fault) { faults_[name] = std::move(fault); }

  struct Lent {
    FetchConnection* connection;  ///< until the next call of connection_to() or drop()
    bool made;                    ///< for this call
    Duration resolving;           ///< time that looking up the name took
  };
  /// The connection that is there if it serves the URL, or a new one in its place.
  std::variant<Lent, FetchFailure> connection_to(const http::Url& url);
  void drop() noexcept { connection_.reset(); }

 private:
  std::optional<FetchFailure> make_context();
  const std::vector<IpAddress>& addresses_of(const std::string& name);

  Host& host_;
  const FetchOptions& options_;
  std::map<std::string, std::vector<IpAddress>> known_;
  std::map<std::string, std::string> faults_;  ///< a sentence for each name that has no address
  std::optional<tls::ClientContext> context_;
  std::unique_ptr<FetchConnection> connection_;
};

}  // namespace sluice::tools
