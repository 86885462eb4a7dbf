// Blocks of files: read once, bounded, and never those of another content.
#include "tools/file_memory.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>

namespace sluice::tools {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNow = 1000 * kSecond;
constexpr std::size_t kBlock = FileMemory::kBlock;

FileMemory::State file(std::uint64_t inode, std::uint64_t size, std::int64_t modified = 0) {
  return {.device = 1, .inode = inode, .size = size, .modified = modified, .changed_metadata = modified};
}

/// Reads whole blocks of one letter, and counts.
struct Disk {
  char letter = 'a';
  bool short_of_bytes = false;
  int reads = 0;

  std::string read(FileMemory& memory, FileMemory::File& file, std::size_t index) {
    const Slice block = memory.block(file, index, [this](std::uint64_t, MutableBytes into) {
      ++reads;
      std::fill(into.begin(), into.end(), static_cast<std::uint8_t>(letter));
      return !short_of_bytes;
    });
    return std::string(as_text(block.bytes()));
  }
};

}  // namespace

TEST_CASE("a block is read once, and the last one is as short as the file's end") {
  FileMemory memory(64 * kBlock);
  Disk disk;
  for (int round = 0; round < 3; ++round) {
    const auto kept = memory.open(file(1, kBlock + 10), kNow);
    REQUIRE(kept);
    CHECK(disk.read(memory, *kept, 0) == std::string(kBlock, 'a'));
    CHECK(disk.read(memory, *kept, 1) == std::string(10, 'a'));
  }
  CHECK(disk.reads == 2);
}

TEST_CASE("another size or time is another content") {
  FileMemory memory(64 * kBlock);
  Disk disk;
  const FileMemory::State first = file(1, 100, kSecond);
  FileMemory::State touched = first;
  touched.changed_metadata += 1;  // somebody set the time of change back
  for (const FileMemory::State& state : {first, file(1, 101, kSecond), file(1, 100, 2 * kSecond), touched, first}) {
    disk.read(memory, *memory.open(state, kNow), 0);
  }
  CHECK(disk.reads == 5);
}

TEST_CASE("a reader of a content that is gone reads for itself alone") {
  FileMemory memory(64 * kBlock);
  Disk disk;
  const auto old = memory.open(file(1, 100, kSecond), kNow);
  const auto fresh = memory.open(file(1, 100, 2 * kSecond), kNow);
  disk.letter = 'n';
  CHECK(disk.read(memory, *old, 0) == std::string(100, 'n'));
  CHECK(disk.read(memory, *old, 0) == std::string(100, 'n'));
  CHECK(disk.reads == 2);
  disk.letter = 'f';
  CHECK(disk.read(memory, *fresh, 0) == std::string(100, 'f'));
}

TEST_CASE("a file that was changed just now is not kept: its next change may bear the same time") {
  FileMemory memory(64 * kBlock);
  CHECK_FALSE(memory.open(file(1, 100, kNow), kNow));
  CHECK_FALSE(memory.open(file(1, 100, kNow + kSecond), kNow));
  CHECK_FALSE(memory.open(file(1, 100, kNow - kSecond), kNow));
  CHECK(memory.open(file(1, 100, kNow - 2 * kSecond), kNow));
}

TEST_CASE("large and empty files are not kept, and without memory none is") {
  FileMemory memory(64 * kBlock);
  CHECK(memory.open(file(1, 16 * kBlock), kNow));
  CHECK_FALSE(memory.open(file(2, 16 * kBlock + 1), kNow));
  CHECK_FALSE(memory.open(file(3, 0), kNow));
  FileMemory none(0);
  CHECK_FALSE(none.open(file(1, 1), kNow));
}

TEST_CASE("a short read is not kept, and the next one may be whole") {
  FileMemory memory(64 * kBlock);
  Disk disk;
  const auto kept = memory.open(file(1, 100), kNow);
  disk.short_of_bytes = true;
  CHECK(disk.read(memory, *kept, 0).empty());
  disk.short_of_bytes = false;
  CHECK(disk.read(memory, *kept, 0).size() == 100);
}

TEST_CASE("what was used longest ago makes room, and what is sent of it stays whole") {
  FileMemory memory(8 * kBlock);
  Disk disk;
  Slice held;
  for (std::uint64_t inode = 1; inode <= 40; ++inode) {
    const auto kept = memory.open(file(inode, 2 * kBlock), kNow);
    disk.read(memory, *kept, 0);
    disk.read(memory, *kept, 1);
    if (inode == 1) held = memory.block(*kept, 0, [](std::uint64_t, MutableBytes) { return false; });
    CHECK(memory.used() <= 8 * kBlock);
  }
  CHECK(as_text(held.bytes()) == std::string(kBlock, 'a'));
  disk.reads = 0;
  disk.read(memory, *memory.open(file(40, 2 * kBlock), kNow), 1);
  CHECK(disk.reads == 0);
  disk.read(memory, *memory.open(file(1, 2 * kBlock), kNow), 0);
  CHECK(disk.reads == 1);
}

TEST_CASE("many small files are bounded by what keeping them costs, not by their bytes") {
  FileMemory memory(kBlock);
  Disk disk;
  for (std::uint64_t inode = 1; inode <= 10000; ++inode) {
    disk.read(memory, *memory.open(file(inode, 1), kNow), 0);
    REQUIRE(memory.used() <= kBlock);
  }
}

TEST_CASE("blocks outlive the memory that they came from") {
  Slice held;
  {
    FileMemory memory(64 * kBlock);
    const auto kept = memory.open(file(1, 5), kNow);
    held = memory.block(*kept, 0, [](std::uint64_t, MutableBytes into) {
      std::fill(into.begin(), into.end(), std::uint8_t{'x'});
      return true;
    });
  }
  CHECK(as_text(held.bytes()) == "xxxxx");
}

}  // namespace sluice::tools
