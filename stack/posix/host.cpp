// Who owns which socket of the stack, and who listens.
#include "stack/posix/host.hpp"

#include <algorithm>

#include "stack/posix/epoll.hpp"

namespace sluice::posix {

void Host::own(Table table, SlotId socket, SlotId file) {
  std::vector<Owned>& row = owned_[static_cast<std::size_t>(table)];
  if (row.size() <= socket.index) row.resize(socket.index + 1);
  row[socket.index] = {socket, file};
}

File* Host::owner_of(Table table, SlotId socket) const noexcept {
  const std::vector<Owned>& row = owned_[static_cast<std::size_t>(table)];
  if (socket.index >= row.size() || row[socket.index].socket != socket) return nullptr;
  return files.find(row[socket.index].file);
}

void Host::tell_watchers(File& file, std::uint32_t mask) {
  std::erase_if(file.watchers, [this](SlotId watcher) { return files.find(watcher) == nullptr; });
  const std::vector<SlotId> watchers = file.watchers;
  for (const SlotId watcher : watchers) files.find(watcher)->as_epoll()->hear(file.id, mask);
}

}  // namespace sluice::posix
