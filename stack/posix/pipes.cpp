// Pipes as fs/pipe.c has them, and the ways of fs/splice.c as far as a pipe, a stream and a file in memory go.
#include "stack/posix/pipes.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <utility>

#include "stack/posix/host.hpp"
#include "stack/posix/stream.hpp"

namespace sluice::posix {

void PipeBuffer::push(Slice piece) {
  size_ += piece.size();
  if (!piece.empty()) pieces_.push_back(std::move(piece));
}

void PipeBuffer::consume(std::size_t count) noexcept {
  size_ -= count;
  pieces_.front().remove_front(count);
  if (pieces_.front().empty()) pieces_.pop_front();
}

// --- an end of a pipe --------------------------------------------------------------------------------------------

PipeEnd::~PipeEnd() {
  wake_other(EPOLLIN | EPOLLOUT | EPOLLHUP | EPOLLERR);
  PipeBuffer& pipe = buffer();
  (writes_ ? pipe.writer : pipe.reader) = {};
  if (pipe.reader == SlotId{} && pipe.writer == SlotId{}) host_.pipes.erase(pipe_);
}

PipeBuffer& PipeEnd::buffer() const noexcept { return *host_.pipes.find(pipe_); }

bool PipeEnd::is_whole() const noexcept {
  const PipeBuffer& pipe = buffer();
  return (writes_ ? pipe.reader : pipe.writer) != SlotId{};
}

void PipeEnd::wake_other(std::uint32_t mask) {
  const PipeBuffer& pipe = buffer();
  File* const other = host_.files.find(writes_ ? pipe.reader : pipe.writer);
  if (other) host_.tell_watchers(*other, mask);
}

int PipeEnd::access() const noexcept { return writes_ ? O_WRONLY : O_RDONLY; }

Answer PipeEnd::receive(std::span<const MutableBytes> room, int, Received* info) {
  if (info) *info = {};
  if (writes_) return Answer::fail(EBADF);
  const std::size_t total = room_size(room);
  if (total == 0) return Answer::ok(0);
  PipeBuffer& pipe = buffer();
  if (pipe.empty()) return is_whole() ? not_now(!nonblocking) : Answer::ok(0);
  std::size_t moved = 0;
  while (moved < total && !pipe.empty()) {
    const std::size_t count = std::min(total - moved, pipe.front().size());
    scatter(room, moved, pipe.front().bytes().first(count));
    pipe.consume(count);
    moved += count;
  }
  wake_other(EPOLLOUT);
  return Answer::ok(static_cast<std::int64_t>(moved));
}

// Up to PIPE_BUF bytes go all at once or not at all.
Answer PipeEnd::send(Gather pieces, int, const Endpoint*) {
  if (!writes_) return Answer::fail(EBADF);
  const std::size_t before = std::exchange(sent_, 0);
  if (!is_whole()) return before > 0 ? Answer::ok(static_cast<std::int64_t>(before)) : Answer::fail(EPIPE);
  const std::size_t total = gather_size(pieces);
  PipeBuffer& pipe = buffer();
  std::size_t room = std::min(pipe.room(), total - before);
  if (total <= PIPE_BUF && room < total) room = 0;
  std::size_t skipped = before;
  std::size_t left = room;
  for (const Bytes piece : pieces) {
    const std::size_t gone = std::min(skipped, piece.size());
    skipped -= gone;
    const std::size_t count = std::min(piece.size() - gone, left);
    left -= count;
    if (count > 0) pipe.push(Slice::copy_of(piece.subspan(gone, count)));
  }
  if (room > 0) wake_other(EPOLLIN);
  const std::size_t moved = before + room;
  if (moved == total || (nonblocking && moved > 0)) return Answer::ok(static_cast<std::int64_t>(moved));
  if (!nonblocking) sent_ = moved;
  return not_now(!nonblocking);
}

Answer PipeEnd::ioctl(unsigned long request, int& value) {
  if (request != FIONREAD) return Answer::fail(ENOTTY);
  value = static_cast<int>(buffer().size());
  return Answer::ok();
}

Answer PipeEnd::abandon(int error) noexcept {
  const std::size_t moved = std::exchange(sent_, 0);
  return moved > 0 ? Answer::ok(static_cast<std::int64_t>(moved)) : Answer::fail(error);
}

std::uint32_t PipeEnd::ready() {
  const PipeBuffer& pipe = buffer();
  if (writes_) return (pipe.room() > 0 ? EPOLLOUT | EPOLLWRNORM : 0u) | (is_whole() ? 0u : EPOLLERR);
  return (pipe.empty() ? 0u : EPOLLIN | EPOLLRDNORM) | (is_whole() ? 0u : EPOLLHUP);
}

// --- a file in memory --------------------------------------------------------------------------------------------

int MemoryFile::access() const noexcept { return O_RDONLY; }

Answer MemoryFile::receive(std::span<const MutableBytes> room, int, Received* info) {
  if (info) *info = {};
  const std::size_t count = std::min(room_size(room), left_.size());
  scatter(room, 0, left_.bytes().first(count));
  advance(count);
  return Answer::ok(static_cast<std::int64_t>(count));
}

Answer MemoryFile::send(Gather, int, const Endpoint*) { return Answer::fail(EBADF); }

Answer MemoryFile::ioctl(unsigned long request, int& value) {
  if (request != FIONREAD) return Answer::fail(ENOTTY);
  value = static_cast<int>(left_.size());
  return Answer::ok();
}

Answer MemoryFile::abandon(int error) noexcept {
  const std::size_t moved = std::exchange(sent, 0);
  return moved > 0 ? Answer::ok(static_cast<std::int64_t>(moved)) : Answer::fail(error);
}

std::uint32_t MemoryFile::ready() { return EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM; }

// --- splice ------------------------------------------------------------------------------------------------------

namespace {

Answer blocked_on(const File& pipe, bool now) noexcept {
  return now || pipe.nonblocking ? Answer::fail(EAGAIN) : Answer::wait();
}

/// From a stream or a file into a pipe, as long as there is text and room; the first look decides what "nothing" means.
Answer fill_pipe(File& in, PipeEnd& out, std::size_t count, bool now) {
  if (!out.is_whole()) return Answer::fail(EPIPE);
  PipeBuffer& pipe = out.buffer();
  if (pipe.room() == 0) return blocked_on(out, now);
  std::size_t moved = 0;
  while (moved < count && pipe.room() > 0) {
    const std::size_t most = std::min(count - moved, pipe.room());
    Slice taken;
    if (MemoryFile* const file = in.as_memory()) {
      taken = file->left().part(0, std::min(most, file->left().size()));
      file->advance(taken.size());
    } else {
      const Answer answer = in.as_stream()->take_slice(most, now || in.nonblocking || moved > 0, taken);
      if (!answer.good() && moved == 0) return answer;
    }
    if (taken.empty()) break;
    moved += taken.size();
    pipe.push(std::move(taken));
  }
  if (moved > 0) out.wake_other(EPOLLIN);
  return Answer::ok(static_cast<std::int64_t>(moved));
}

/// From a pipe to a stream or into another pipe.
Answer drain_pipe(PipeEnd& in, File& out, std::size_t count, bool now) {
  PipeBuffer& pipe = in.buffer();
  if (pipe.empty()) return in.is_whole() ? blocked_on(in, now) : Answer::ok(0);
  std::size_t moved = 0;
  while (moved < count && !pipe.empty()) {
    Slice piece = pipe.front().part(0, std::min(count - moved, pipe.front().size()));
    std::size_t taken = 0;
    if (PipeEnd* const other = out.as_pipe()) {
      if (!other->is_whole()) return moved > 0 ? Answer::ok(static_cast<std::int64_t>(moved)) : Answer::fail(EPIPE);
      taken = std::min(piece.size(), other->buffer().room());
      other->buffer().push(piece.part(0, taken));
      if (taken > 0) other->wake_other(EPOLLIN);
      if (taken == 0 && moved == 0) return blocked_on(out, now);
    } else {
      const Answer answer = out.as_stream()->send_slice(piece, now || out.nonblocking || moved > 0);
      if (!answer.good() && moved == 0) return answer;
      taken = answer.good() ? static_cast<std::size_t>(answer.value) : 0;
    }
    if (taken == 0) break;
    pipe.consume(taken);
    moved += taken;
  }
  in.wake_other(EPOLLOUT);
  return Answer::ok(static_cast<std::int64_t>(moved));
}

}  // namespace

Answer splice(File& in, File& out, std::size_t count, unsigned flags) {
  PipeEnd* const from = in.as_pipe();
  PipeEnd* const into = out.as_pipe();
  if ((from && from->writes()) || (into && !into->writes())) return Answer::fail(EBADF);
  const bool now = (flags & SPLICE_F_NONBLOCK) != 0;
  if (from && into && &from->buffer() == &into->buffer()) return Answer::fail(EINVAL);
  if (out.as_memory()) return Answer::fail(EBADF);
  if (count == 0) return Answer::ok(0);
  if (from && (into || out.as_stream())) return drain_pipe(*from, out, count, now);
  if (into && (in.as_stream() || in.as_memory())) return fill_pipe(in, *into, count, now);
  return Answer::fail(EINVAL);
}

// A blocking descriptor takes all; the other one what fits.
Answer send_file(File& out, MemoryFile& in, std::size_t count) {
  std::size_t moved = std::exchange(in.sent, 0);
  StreamSocket* const stream = out.as_stream();
  PipeEnd* const pipe = out.as_pipe();
  if (!stream && !pipe) return Answer::fail(EINVAL);
  if (pipe && !pipe->writes()) return Answer::fail(EBADF);
  while (moved < count && !in.left().empty()) {
    const Slice piece = in.left().part(0, std::min(count - moved, in.left().size()));
    Answer answer;
    if (stream) {
      answer = stream->send_slice(piece, out.nonblocking);
      if (answer.good()) in.advance(static_cast<std::size_t>(answer.value));
    } else {
      answer = fill_pipe(in, *pipe, piece.size(), out.nonblocking);
    }
    if (answer.blocked) {
      in.sent = moved;
      return answer;
    }
    if (answer.error != 0) return moved > 0 ? Answer::ok(static_cast<std::int64_t>(moved)) : answer;
    moved += static_cast<std::size_t>(answer.value);
  }
  return Answer::ok(static_cast<std::int64_t>(moved));
}

}  // namespace sluice::posix
