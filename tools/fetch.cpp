// The order of the transfers, and the loop around them.
#include "tools/fetch.hpp"

#include <fmt/format.h>

#include <csignal>
#include <memory>
#include <utility>
#include <vector>

#include "tools/commands.hpp"
#include "tools/fetch_pool.hpp"
#include "tools/fetch_transfer.hpp"

namespace sluice::tools {
namespace {

class Fetch {
 public:
  Fetch(Host& host, const std::vector<FetchTarget>& targets, const FetchOptions& options)
      : host_(host), targets_(targets), options_(options), pool_(host, options) {
    for (const FetchTarget& target : targets) {
      pool_.know(target.url.host, target.addresses);
      if (!target.fault.empty()) pool_.give_up(target.url.host, target.fault);
    }
  }

  int code() const noexcept { return code_; }

  void next() {
    if (host_.loop().stopping()) return;
    if (transfers_.size() == targets_.size()) return host_.loop().stop();
    const auto ended = [this](int code) {
      code_ = code;
      host_.loop().defer([this] { next(); });
    };
    transfers_.push_back(std::make_unique<FetchTransfer>(host_, pool_, options_, targets_[transfers_.size()], ended));
    transfers_.back()->begin();
  }

  void close() {
    if (!transfers_.empty()) transfers_.back()->break_off();
    pool_.drop();
  }

 private:
  Host& host_;
  const std::vector<FetchTarget>& targets_;
  const FetchOptions& options_;
  FetchPool pool_;
  std::vector<std::unique_ptr<FetchTransfer>> transfers_;  ///< all that began: the loop may still hold a call to one
  int code_ = kFailure;
};

}  // namespace

int run_fetch(Host& host, const std::vector<FetchTarget>& targets, const FetchOptions& options) {
  Fetch fetch(host, targets, options);
  host.loop().defer([&] { fetch.next(); });
  host.loop().stop_on({SIGINT, SIGTERM});
  host.loop().on_stop([&] { fetch.close(); });
  const Result<void> result = host.loop().run();
  if (result) return fetch.code();
  fmt::print(stderr, "sluice get: the device is gone: {}\n", describe(result.error()));
  return kFailure;
}

}  // namespace sluice::tools
