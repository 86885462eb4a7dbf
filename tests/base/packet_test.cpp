// Packets in and frames out.
#include "stack/base/packet.hpp"

#include <doctest/doctest.h>

#include <array>

namespace sluice {
namespace {

TEST_CASE("a packet leaves room before its bytes and knows what memory it pins") {
  BufferPool pool;
  Packet packet = Packet::with_room(pool, 100);
  CHECK(packet.size() == 100);
  CHECK(packet.footprint() == 2048);
  const Slice whole = packet.part(0, 100);
  CHECK(whole.bytes().data() == whole.buffer().data() + Packet::kHeadroom);
  packet.resize(60);
  CHECK(packet.bytes().size() == 60);
}

TEST_CASE("a copied packet has the bytes, an empty one none") {
  BufferPool pool;
  const std::uint8_t bytes[] = {1, 2, 3};
  const Packet packet = Packet::copy_of(pool, bytes);
  CHECK(packet.bytes()[2] == 3);
  CHECK(Packet::copy_of(pool, {}).empty());
  CHECK(Packet().empty());
}

TEST_CASE("a part keeps the memory of its packet alive") {
  BufferPool pool;
  Slice part;
  {
    const std::uint8_t bytes[] = {1, 2, 3};
    part = Packet::copy_of(pool, bytes).part(1, 2);
  }
  CHECK(pool.in_use() == 1);
  CHECK(part.bytes()[0] == 2);
}

TEST_CASE("a frame is as long as its head and its pieces") {
  const std::uint8_t head[] = {1, 2, 3};
  const std::array<Slice, 2> body = {Slice::copy_of(head), Slice::copy_of(Bytes(head).first(1))};
  CHECK(Frame{.head = head, .body = body}.size() == 7);
}

TEST_CASE("any callable is a sink") {
  int offered = 0;
  SinkOf sink([&](const Frame&) noexcept { return ++offered < 2; });
  FrameSink& door = sink;
  CHECK(door.accept({.head = {}, .body = {}}));
  CHECK_FALSE(door.accept({.head = {}, .body = {}}));
}

}  // namespace
}  // namespace sluice
