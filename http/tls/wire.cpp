// The five calls that a BIO has to answer.
#include "http/tls/wire.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace sluice::tls {
namespace {

Wire& wire_of(BIO* bio) { return *static_cast<Wire*>(BIO_get_data(bio)); }

int read_from(BIO* bio, char* room, int size) {
  BIO_clear_retry_flags(bio);
  const int count = wire_of(bio).read({reinterpret_cast<std::uint8_t*>(room), static_cast<std::size_t>(size)});
  if (count > 0) return count;
  BIO_set_retry_read(bio);
  return -1;
}

int write_to(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  wire_of(bio).write({reinterpret_cast<const std::uint8_t*>(bytes), static_cast<std::size_t>(size)});
  return size;
}

/// 0 is "no" to all that it is asked, for one: whether the kernel encrypts.
long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

int create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

BIO_METHOD* make_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sluice wire");
  if (!method) return nullptr;
  BIO_meth_set_read(method, read_from);
  BIO_meth_set_write(method, write_to);
  BIO_meth_set_ctrl(method, control);
  BIO_meth_set_create(method, create);
  return method;
}

}  // namespace

OwnedBio Wire::open(BufferPool& pool) {
  pool_ = &pool;
  static const Owned<BIO_METHOD, BIO_meth_free> method(make_method());
  OwnedBio bio(method ? BIO_new(method.get()) : nullptr);
  if (bio) BIO_set_data(bio.get(), this);
  return bio;
}

int Wire::read(MutableBytes room) noexcept {
  const std::size_t count = std::min(room.size(), input_.size());
  if (count > 0) std::memcpy(room.data(), input_.data(), count);
  input_ = input_.subspan(count);
  return static_cast<int>(count);
}

Slice Wire::shared() const noexcept {
  const std::size_t size = end_ - begin_;
  return size >= output_.capacity() / 2 ? Slice(output_, begin_, size) : Slice();
}

void Wire::write(Bytes bytes) {
  if (bytes.empty()) return;
  if (output_.capacity() - end_ < bytes.size()) make_room(bytes.size());
  std::memcpy(output_.data() + end_, bytes.data(), bytes.size());
  end_ += bytes.size();
}

/// A larger block with what waits at its front; the old one stays with those who share it.
void Wire::make_room(std::size_t wanted) {
  const Bytes rest = waiting();
  const std::size_t needed = rest.size() + wanted;
  Buffer larger = pool_->take(needed <= BufferPool::kClasses.back() ? needed : 2 * needed);
  if (!rest.empty()) std::memcpy(larger.data(), rest.data(), rest.size());
  output_ = std::move(larger);
  begin_ = 0;
  end_ = rest.size();
}

void Wire::sent(std::size_t count) noexcept {
  assert(count <= waiting().size());
  begin_ += count;
  if (begin_ < end_) return;
  output_ = {};  // an idle connection holds no buffer
  begin_ = end_ = 0;
}

}  // namespace sluice::tls
