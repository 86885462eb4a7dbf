// What was read of files lately, in blocks that connections send from without a copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "stack/base/buffer.hpp"

namespace sluice::tools {

/// A bounded store of immutable blocks: the files that were used longest ago go first. Mapped files would save the one
/// read, but who cuts a mapped file short kills its readers (SIGBUS) or fails their system calls, and who writes to it
/// changes text that TCP may have to send once more. A block here is what was read once, whatever becomes of the file.
/// Belongs to one thread, with all that it hands out.
class FileMemory {
 public:
  static constexpr std::size_t kBlock = 65536;  ///< bytes; the last block of a file may be shorter

  /// What tells one content of a file from all others: the same that its ETag stands on, and a time that nobody can
  /// set.
  struct State {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;             ///< bytes
    std::int64_t modified = 0;          ///< nanoseconds since 1970 UTC
    std::int64_t changed_metadata = 0;  ///< likewise (ctime)
    bool operator==(const State&) const = default;
  };

  /// A file's blocks, as far as they are read.
  struct File {
    State state;
    std::vector<Buffer> blocks;
    std::size_t charged = 0;
    bool kept = true;  ///< false: it was pushed out, and new blocks are their reader's alone
  };

  /// Keeps at most `capacity` bytes; 0: nothing.
  explicit FileMemory(std::size_t capacity) noexcept : capacity_(capacity) {}

  /// The file in this state; what was known of another state of it is forgotten. nullptr when it is not to be kept: it
  /// is larger than a quarter of the capacity, or changed so short a time before `now` (nanoseconds since 1970 UTC)
  /// that the next change could bear the same time.
  std::shared_ptr<File> open(const State& state, std::int64_t now);

  /// Block `index` of `file`, read by `fill` when it isn't here; empty when `fill` says false.
  Slice block(File& file, std::size_t index, const std::function<bool(std::uint64_t offset, MutableBytes into)>& fill);

  /// A block for one reader alone. REQUIRES size <= kBlock.
  Buffer take(std::size_t size) { return pool_.take(size); }

  /// Bytes kept, with what keeping them costs.
  std::size_t used() const noexcept { return used_; }

 private:
  using Files = std::list<std::shared_ptr<File>>;  // the last used one first
  struct Name {
    std::uint64_t device;
    std::uint64_t inode;
    bool operator==(const Name&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Name& name) const noexcept {
      return std::hash<std::uint64_t>{}(name.inode ^ name.device << 48);
    }
  };

  void charge(File& file, std::size_t bytes);
  void forget(Files::iterator which);

  std::size_t capacity_;
  std::size_t used_ = 0;
  BufferPool pool_;
  Files files_;
  std::unordered_map<Name, Files::iterator, Hash> by_name_;
};

}  // namespace sluice::tools
