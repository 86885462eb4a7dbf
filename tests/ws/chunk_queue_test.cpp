// The outgoing queue: what is joined, what is kept, what is given back.
#include "ws/chunk_queue.hpp"

#include <doctest/doctest.h>

#include <numeric>

#include "tests/ws/wire.hpp"

namespace sluice::ws::test {
namespace {

std::string content(const ChunkQueue& queue) {
  std::string text;
  for (const Slice& slice : queue.slices()) text += as_text(slice.bytes());
  return text;
}

TEST_CASE("neighbours become one slice, foreign slices stand alone") {
  ChunkQueue queue(nullptr);
  queue.write(as_bytes("ab"));
  queue.write(as_bytes("cd"));
  CHECK(queue.slices().size() == 1);
  queue.push(Slice::copy_of(as_bytes("EF")));
  queue.push(Slice());
  queue.write(as_bytes("gh"));
  CHECK(queue.slices().size() == 3);
  CHECK(content(queue) == "abcdEFgh");
  CHECK(queue.size() == 8);
}

TEST_CASE("bytes are taken back from the end, over slices, and the chunk goes on where it was") {
  ChunkQueue queue(nullptr);
  queue.write(as_bytes("abcd"));
  queue.push(Slice::copy_of(as_bytes("EF")));
  queue.write(as_bytes("gh"));
  queue.remove_back(1);
  queue.write(as_bytes("i"));
  CHECK(queue.slices().size() == 3);
  CHECK(content(queue) == "abcdEFgi");
  queue.remove_back(5);
  CHECK(content(queue) == "abc");
  queue.remove_back(3);
  CHECK(queue.empty());
  CHECK(queue.slices().empty());
}

TEST_CASE("bytes leave from the front by any count") {
  std::string all(9000, '\0');
  std::iota(all.begin(), all.end(), '\0');
  for (std::size_t step : {1u, 7u, 2048u, 9000u}) {
    ChunkQueue queue(nullptr);
    for (std::size_t at = 0; at < all.size(); at += 100) {
      queue.push(Slice::copy_of(as_bytes(all.substr(at, 50))));
      queue.write(as_bytes(all.substr(at + 50, 50)));
    }
    std::string got;
    while (!queue.empty()) {
      const std::size_t count = std::min(step, queue.size());
      got += content(queue).substr(0, count);
      queue.consume(count);
    }
    REQUIRE(got == all);
    CHECK(queue.slices().empty());
  }
}

TEST_CASE("a claim is contiguous, and what follows a spliced queue goes behind it") {
  ChunkQueue queue(nullptr);
  queue.write(ByteVector(2000, 'a'));
  MutableBytes claimed = queue.claim(1000);
  std::fill(claimed.begin(), claimed.end(), std::uint8_t{'b'});
  ChunkQueue other(nullptr);
  queue.splice(other);
  other.write(as_bytes("cc"));
  queue.splice(other);
  CHECK(other.empty());
  queue.write(as_bytes("dd"));
  CHECK(content(queue) == std::string(2000, 'a') + std::string(1000, 'b') + "ccdd");
  other.write(as_bytes("again"));
  CHECK(content(other) == "again");
}

TEST_CASE("chunks grow with what waits, and an empty queue holds none") {
  BufferPool pool;
  {
    ChunkQueue queue(&pool);
    queue.write(as_bytes("x"));
    CHECK(pool.in_use() == 1);
    queue.write(ByteVector(200000, 'y'));
    CHECK(pool.in_use() <= 6);
    queue.consume(queue.size());
    CHECK(pool.in_use() == 0);
    queue.write(as_bytes("z"));
    CHECK(content(queue) == "z");
  }
  CHECK(pool.in_use() == 0);
}

}  // namespace
}  // namespace sluice::ws::test
