// What a file answers to calls that its kind does not have.
#include "stack/posix/file.hpp"

#include <errno.h>
#include <fcntl.h>

#include <algorithm>
#include <cstring>

#include "stack/posix/host.hpp"

namespace sluice::posix {

std::size_t room_size(std::span<const MutableBytes> room) noexcept {
  std::size_t total = 0;
  for (const MutableBytes piece : room) total += piece.size();
  return total;
}

void scatter(std::span<const MutableBytes> room, std::size_t offset, Bytes text) noexcept {
  for (const MutableBytes piece : room) {
    const std::size_t skipped = std::min(offset, piece.size());
    offset -= skipped;
    const std::size_t count = std::min(piece.size() - skipped, text.size());
    if (count > 0) std::memcpy(piece.data() + skipped, text.data(), count);
    text = text.subspan(count);
    if (text.empty()) return;
  }
}

Answer File::receive(std::span<const MutableBytes>, int, Received*) { return Answer::fail(EINVAL); }
Answer File::send(Gather, int, const Endpoint*) { return Answer::fail(EINVAL); }
Answer File::ioctl(unsigned long, int&) { return Answer::fail(ENOTTY); }
Answer File::abandon(int error) noexcept { return Answer::fail(error); }
int File::access() const noexcept { return O_RDWR; }

Answer File::not_now(bool may_block) const noexcept { return may_block ? Answer::wait() : Answer::fail(EAGAIN); }
void File::happened(std::uint32_t mask) { host_.tell_watchers(*this, mask); }

}  // namespace sluice::posix
