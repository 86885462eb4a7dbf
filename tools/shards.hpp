// `sluice serve --shards N`: the shards beside the first, each a stack with services on a thread of its own.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "tools/certificates.hpp"
#include "tools/host.hpp"
#include "tools/json.hpp"
#include "tools/services.hpp"
#include "tun/hand_over.hpp"

namespace sluice::tools {

/// The first shard runs in the caller's thread, and answers for all. No call but those of a thread's own loop touches
/// another shard: questions are posted there, and waited for.
class Shards {
 public:
  /// Opens queues and begins services; no thread runs yet. Both outlive this. Throws tun::Error.
  Shards(Host& first, const ServeOptions& options);
  /// Ends threads that still run.
  ~Shards();
  Shards(const Shards&) = delete;
  Shards& operator=(const Shards&) = delete;

  /// From now on they run. Signals that the first loop stops on are blocked before, so that they reach it alone.
  void start();
  /// Who the server of --https is on them, from now on.
  void secure(const ServerCertificate& certificate);
  /// They begin to end in an orderly way, as the first does.
  void stop();
  /// After the first loop has run: hands packets over until all shards have ended. Answers the first error of any.
  Result<void> finish(Result<void> first);

  /// A stats_report() of all shards together, with each one's own under "shards". Throws tun::Error.
  Json stats();
  /// Adds what is no listener, for those are on all shards alike. Throws tun::Error.
  void add_connections(Json& sockets);
  /// REQUIRES that no thread runs.
  Services::Counts counts() const;

 private:
  struct Shard {
    Shard(const LinkOptions& link, const ServeOptions& options, const HostShard& place);
    Host host;
    Services services;
    Result<void> result;
    std::thread thread;
  };

  void run(Shard& shard);
  void end(tun::EventLoop& loop);
  Json report(Host& host, std::size_t number);
  Json ask(Shard& shard, const std::function<Json()>& question);

  Host& first_;
  std::vector<std::unique_ptr<Shard>> others_;
  std::optional<tun::HandOver> hand_over_;
  std::atomic<int> running_;  ///< loops that have not come to their end
};

}  // namespace sluice::tools
