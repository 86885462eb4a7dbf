// TupleIndex against std::map, with random calls on connections of a layer's environment.
#include "stack/tcp/tuple_index.hpp"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "stack/tcp/connection.hpp"
#include "tests/support/world.hpp"

namespace sluice::tcp {
namespace {

/// What a Connection needs to exist.
struct Ground {
  Budget budget{1 << 20};
  ip::Outbox outbox;
  Config config;
  Key key = test::run_key(77);
  ip::Layer ip{{}, key, outbox, budget, {}};
  Environment env{config, ip, outbox, budget, key, {}};
};

FourTuple tuple_of(std::uint32_t number) {
  const IpAddress remote = IpAddress::v4(10, static_cast<std::uint8_t>(number >> 16), 0, 1);
  return {{IpAddress::v4(10, 0, 0, 2), 80}, {remote, static_cast<std::uint16_t>(number)}};
}

TEST_CASE("the hash of a 4-tuple is the same whatever was hashed before it, and each end counts") {
  Ground ground;
  TupleHasher hasher(ground.key);
  const FourTuple first = tuple_of(1);
  const std::uint64_t hash = hasher(first);
  CHECK(hasher(first) == hash);
  const FourTuple turned{first.remote, first.local};
  const Endpoint elsewhere{IpAddress::v4(10, 0, 0, 3), 80};
  for (const FourTuple& other : {tuple_of(2), turned, FourTuple{elsewhere, first.remote}, FourTuple{}}) {
    CHECK(hasher(other) != hash);
    CHECK(hasher(first) == hash);
    CHECK(hasher(other) == TupleHasher(ground.key)(other));
  }
  CHECK(TupleHasher(test::run_key(78))(first) != hash);
}

TEST_CASE("the index of connections finds what a map finds, while it grows and is emptied") {
  Ground ground;
  TupleHasher hasher(ground.key);
  TupleIndex index(TupleHash{&hasher});
  std::map<std::uint32_t, std::unique_ptr<Connection>> model;
  Random random(ground.key, KeyUse::test);
  for (int step = 0; step < 30'000; ++step) {
    const std::uint32_t number = random.below(4000);
    const bool growing = step % 10'000 < 6'000;
    const auto found = model.find(number);
    REQUIRE(index.find(tuple_of(number)) == (found == model.end() ? nullptr : found->second.get()));
    if (found == model.end() && growing) {
      auto fresh = std::make_unique<Connection>(ground.env, tuple_of(number), Options{}, CongestionControl::reno);
      index.insert(*fresh);
      model.emplace(number, std::move(fresh));
    } else if (found != model.end() && (!growing || random.below(4) == 0)) {
      index.erase(*found->second);
      model.erase(found);
    }
    REQUIRE(index.size() == model.size());
  }
  for (const auto& [number, connection] : model) CHECK(index.find(tuple_of(number)) == connection.get());
}

}  // namespace
}  // namespace sluice::tcp
