// Threads, and the questions between them; see shards.hpp.
#include "tools/shards.hpp"

#include <fmt/format.h>

#include <chrono>
#include <future>
#include <nlohmann/json.hpp>
#include <utility>

#include "tools/report.hpp"
#include "tun/error.hpp"

namespace sluice::tools {
namespace {

using namespace std::chrono_literals;

/// A loop that does not answer so long is stuck.
constexpr auto kPatience = 2s;
/// How often a shard that has ended looks whether the others have, should no bell ring.
constexpr Duration kLook = 100ms;

}  // namespace

Shards::Shard::Shard(const LinkOptions& link, const ServeOptions& options, const HostShard& place)
    : host(link, Role::server, place), services(host, options) {
  host.loop().on_stop([this] { services.shut_down(); });
}

Shards::Shards(Host& first, const ServeOptions& options) : first_(first), running_(options.shards) {
  std::vector<tun::EventLoop*> loops{&first.loop()};
  for (std::uint8_t number = 1; number < options.shards; ++number) {
    const HostShard place{.place = {.number = number, .count = options.shards}, .first = &first};
    others_.push_back(std::make_unique<Shard>(options.link, options, place));
    loops.push_back(&others_.back()->host.loop());
  }
  hand_over_.emplace(loops);
}

Shards::~Shards() {
  running_ = 0;
  for (int i = 0; i < 2; ++i) stop();  // twice: at once
  for (const auto& shard : others_)
    if (shard->thread.joinable()) shard->thread.join();
}

void Shards::start() {
  for (const auto& shard : others_) shard->thread = std::thread([this, &one = *shard] { run(one); });
}

void Shards::secure(const ServerCertificate& certificate) {
  for (const auto& one : others_) {
    const auto context = std::make_shared<tls::ServerContext>(certificate.make_context());
    if (!one->thread.joinable())
      one->services.secure(std::move(*context));
    else
      one->host.loop().post([&services = one->services, context] { services.secure(std::move(*context)); });
  }
}

void Shards::stop() {
  for (const auto& shard : others_) {
    tun::EventLoop& loop = shard->host.loop();
    loop.post([&loop] { loop.stop(); });
  }
}

/// A shard whose queue is gone takes the others with it.
void Shards::run(Shard& shard) {
  shard.result = shard.host.loop().run();
  if (!shard.result) first_.loop().post([this] { first_.loop().stop(); });
  end(shard.host.loop());
}

/// Until all have ended: packets of their flows may still come to this queue.
void Shards::end(tun::EventLoop& loop) {
  --running_;
  first_.loop().post([] {});
  for (const auto& shard : others_) shard->host.loop().post([] {});
  bool hurried = false;
  while (running_.load() > 0) {
    if (!loop.turn(kLook)) return;
    if (&loop != &first_.loop() || !loop.stopping_at_once() || std::exchange(hurried, true)) continue;
    stop();  // a second time
  }
}

Result<void> Shards::finish(Result<void> first) {
  if (!first) stop();
  end(first_.loop());
  for (const auto& shard : others_) {
    shard->thread.join();
    if (first && !shard->result) first = shard->result;
  }
  return first;
}

// --- questions

Json Shards::ask(Shard& shard, const std::function<Json()>& question) {
  if (!shard.thread.joinable()) return question();
  const auto answer = std::make_shared<std::promise<Json>>();
  std::future<Json> future = answer->get_future();
  shard.host.loop().post([answer, question] { answer->set_value(question()); });
  if (future.wait_for(kPatience) != std::future_status::ready)
    throw tun::Error(Errc::timed_out, "a shard does not answer");
  return future.get();
}

Json Shards::report(Host& host, std::size_t number) {
  Json report = stats_report(host);
  report["counters"]["shard"] = shard_report(host.stack(), hand_over_->counters(number));
  return report;
}

Json Shards::stats() {
  Json all = report(first_, 0);
  Json each = Json::array({{{"counters", all["counters"]}, {"gauges", all["gauges"]}}});
  for (std::size_t i = 0; i < others_.size(); ++i) {
    Shard& shard = *others_[i];
    Json one = ask(shard, [this, &shard, i] { return report(shard.host, i + 1); });
    add_up(all["counters"], one["counters"]);
    add_up(all["gauges"], one["gauges"]);
    each.push_back({{"counters", std::move(one["counters"])}, {"gauges", std::move(one["gauges"])}});
  }
  all["shards"] = std::move(each);
  return all;
}

void Shards::add_connections(Json& sockets) {
  for (const auto& shard : others_) {
    const Json found = ask(*shard, [&host = shard->host] { return sockets_report(host, {}); });
    for (const Json& one : found.at("sockets"))
      if (one.at("state") != name(tcp::State::listen)) sockets.push_back(one);
  }
}

Services::Counts Shards::counts() const {
  Services::Counts sum;
  for (const auto& shard : others_) sum += shard->services.counts();
  return sum;
}

}  // namespace sluice::tools
