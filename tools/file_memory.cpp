// Files in the order of their last use; each charged for its blocks.
#include "tools/file_memory.hpp"

#include <algorithm>

namespace sluice::tools {
namespace {

/// File systems stamp a change with the clock's last tick, some with whole seconds: what changed since may look the
/// same.
constexpr std::int64_t kSettled = 2'000'000'000;

/// The largest share of the capacity that one file may take, as a divisor.
constexpr std::uint64_t kLargestShare = 4;

/// What a file costs besides its blocks.
constexpr std::size_t kOverhead = 512;

}  // namespace

std::shared_ptr<FileMemory::File> FileMemory::open(const State& state, std::int64_t now) {
  const Name name{state.device, state.inode};
  if (const auto found = by_name_.find(name); found != by_name_.end()) {
    if ((*found->second)->state == state) {
      files_.splice(files_.begin(), files_, found->second);
      return files_.front();
    }
    forget(found->second);
  }
  const bool settled = std::max(state.modified, state.changed_metadata) + kSettled <= now;
  if (!settled || state.size == 0 || state.size > capacity_ / kLargestShare) return nullptr;
  auto file = std::make_shared<File>(File{.state = state, .blocks = {}});
  file->blocks.resize(static_cast<std::size_t>((state.size + kBlock - 1) / kBlock));
  files_.push_front(file);
  by_name_[name] = files_.begin();
  charge(*file, kOverhead + file->blocks.size() * sizeof(Buffer));
  return file;
}

Slice FileMemory::block(File& file, std::size_t index,
                        const std::function<bool(std::uint64_t offset, MutableBytes into)>& fill) {
  const std::uint64_t offset = std::uint64_t{index} * kBlock;
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, file.state.size - offset));
  if (file.blocks[index]) return Slice(file.blocks[index], 0, size);
  Buffer buffer = pool_.take(size);
  if (!fill(offset, {buffer.data(), size})) return {};
  if (file.kept) {
    file.blocks[index] = buffer;
    charge(file, buffer.capacity());
  }
  return Slice(std::move(buffer), 0, size);
}

/// Makes room at the expense of others.
void FileMemory::charge(File& file, std::size_t bytes) {
  file.charged += bytes;
  used_ += bytes;
  while (used_ > capacity_ && files_.size() > 1) forget(std::prev(files_.end()));
}

void FileMemory::forget(Files::iterator which) {
  File& file = **which;
  used_ -= file.charged;
  file.kept = false;
  file.blocks.assign(file.blocks.size(), {});
  by_name_.erase({file.state.device, file.state.inode});
  files_.erase(which);
}

}  // namespace sluice::tools
