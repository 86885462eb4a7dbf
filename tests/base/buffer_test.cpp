// Blocks, slices and pools: who keeps what alive.
#include "stack/base/buffer.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <vector>

namespace sluice {
namespace {

TEST_CASE("a block returns to its pool with its last reference and is used again") {
  BufferPool pool;
  Buffer buffer = pool.take(1500);
  CHECK(buffer.capacity() == 2048);
  CHECK(buffer.unique());
  CHECK(pool.in_use() == 1);
  std::uint8_t* const memory = buffer.data();
  Buffer copy = buffer;
  CHECK_FALSE(buffer.unique());
  buffer = {};
  CHECK(pool.in_use() == 1);
  CHECK(pool.idle_bytes() == 0);
  copy = {};
  CHECK(pool.in_use() == 0);
  CHECK(pool.idle_bytes() == 2048);
  CHECK(pool.take(2048).data() == memory);
}

TEST_CASE("each size gets the smallest class that holds it, and giants come from the heap") {
  BufferPool pool;
  CHECK(pool.take(0).capacity() == 2048);
  CHECK(pool.take(2049).capacity() == 10240);
  CHECK(pool.take(10241).capacity() == 66560);
  const std::size_t idle = pool.idle_bytes();
  CHECK(pool.take(66561).capacity() == 66561);
  CHECK(pool.idle_bytes() == idle);
}

TEST_CASE("a pool keeps no more than 16 MiB of idle blocks") {
  BufferPool pool;
  std::vector<Buffer> buffers;
  for (int i = 0; i < 300; ++i) buffers.push_back(pool.take(66560));
  buffers.clear();
  CHECK(pool.in_use() == 0);
  CHECK(pool.idle_bytes() <= 16u << 20);
  CHECK(pool.idle_bytes() > 15u << 20);
}

TEST_CASE("a block outlives its pool") {
  std::optional<BufferPool> pool(std::in_place);
  Slice slice(pool->take(100), 0, 100);
  const Buffer idle = pool->take(100);
  slice.mutable_bytes()[99] = 7;
  pool.reset();
  CHECK(slice.bytes()[99] == 7);
  Buffer other = slice.buffer();
  slice = {};
  CHECK(other.data()[99] == 7);
}

TEST_CASE("shared memory is released once, with the last reference, and is never unique") {
  const std::vector<std::uint8_t> owned{1, 2, 3};
  int released = 0;
  {
    Slice slice(Buffer::shared(
                    owned, [](void* context) noexcept { ++*static_cast<int*>(context); }, &released),
                0, 3);
    const Slice copy = slice.part(1, 2);
    CHECK(slice.bytes().data() == owned.data());
    CHECK_FALSE(slice.buffer().unique());
    slice = {};
    CHECK(released == 0);
    CHECK(copy.bytes()[1] == 3);
  }
  CHECK(released == 1);
}

TEST_CASE("slices cut from both ends and part without copying") {
  const std::uint8_t bytes[] = {0, 1, 2, 3, 4, 5};
  Slice slice = Slice::copy_of(bytes);
  CHECK(slice.buffer().capacity() == 6);
  slice.remove_front(1);
  slice.remove_back(2);
  CHECK(slice.size() == 3);
  CHECK(slice.bytes().front() == 1);
  const Slice middle = slice.part(1, 1);
  CHECK(middle.bytes().data() == slice.bytes().data() + 1);
  CHECK(slice.part(3, 0).empty());
  CHECK(Slice::copy_of({}).empty());
  CHECK(Slice().bytes().empty());
}

TEST_CASE("moved-from and empty buffers hold nothing") {
  Buffer buffer = Buffer::allocate(8);
  const Buffer moved = std::move(buffer);
  CHECK(moved);
  CHECK(Buffer().data() == nullptr);
  CHECK(Buffer().capacity() == 0);
  CHECK_FALSE(Buffer().unique());
  CHECK_FALSE(static_cast<bool>(Buffer()));
}

}  // namespace
}  // namespace sluice
