// What the transfers of one command share: the connection, the addresses, whom to believe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tools/fetch.hpp"
#include "tools/fetch_connection.hpp"
#include "tools/resolve.hpp"

namespace sluice::tools {

struct FetchFailure {
  int code = 0;  ///< curl's
  std::string sentence;
};

class FetchPool {
 public:
  /// Both outlive it.
  FetchPool(Host& host, const FetchOptions& options) : host_(host), options_(options), names_(host, options.link) {}

  void know(const std::string& name, std::vector<IpAddress> addresses) { known_[name] = std::move(addresses); }
  void give_up(const std::string& name, std::string fault) { faults_[name] = std::move(fault); }

  /// Calls `ready` when all is known that connection_to() needs: at once, or in a later turn.
  void prepare(const http::Url& url, std::function<void()> ready);

  struct Lent {
    FetchConnection* connection;  ///< until the next call of connection_to() or drop()
    bool made;                    ///< for this call
  };
  /// The connection that is there if it serves the URL, or a new one in its place. REQUIRES that prepare() is ready.
  std::variant<Lent, FetchFailure> connection_to(const http::Url& url);
  void drop() noexcept { connection_.reset(); }

 private:
  std::optional<FetchFailure> make_context();

  Host& host_;
  const FetchOptions& options_;
  Names names_;
  std::map<std::string, std::vector<IpAddress>> known_;
  std::map<std::string, std::string> faults_;  ///< a sentence for each name that has no address
  std::optional<tls::ClientContext> context_;
  std::unique_ptr<FetchConnection> connection_;
};

}  // namespace sluice::tools
