// Text of a stream: receive and send in the order of checks of tcp_recvmsg() and tcp_sendmsg() (net/ipv4/tcp.c).
#include <errno.h>
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "stack/posix/host.hpp"
#include "stack/posix/stream.hpp"

namespace sluice::posix {
namespace {

/// What of `pieces` lies behind the first `skipped` bytes.
std::vector<Bytes> behind(Gather pieces, std::size_t skipped, std::size_t limit = SIZE_MAX) {
  std::vector<Bytes> rest;
  for (const Bytes piece : pieces) {
    const std::size_t gone = std::min(skipped, piece.size());
    skipped -= gone;
    const Bytes left = piece.subspan(gone, std::min(piece.size() - gone, limit));
    limit -= left.size();
    if (!left.empty()) rest.push_back(left);
  }
  return rest;
}

}  // namespace

// --- receive -----------------------------------------------------------------------------------------------------

// Up to the urgent byte, never over it: it stays in line (RFC 6093).
StreamSocket::Look StreamSocket::take_text(std::span<const MutableBytes> room, std::size_t done, int flags) {
  const std::size_t total = room_size(room);
  const bool peeks = (flags & MSG_PEEK) != 0;
  Look look;
  const std::optional<std::size_t> ahead = socket_.urgent_ahead();
  std::size_t limit = total - done;
  if (ahead && *ahead > 1) limit = std::min(limit, *ahead - 1);
  if (ahead && *ahead == 1 && done > 0) limit = 0;
  if (peeks) {
    std::size_t offset = 0;
    for (const MutableBytes piece : room) {
      look.count += socket_.copy_ahead(look.count, piece.first(std::min(piece.size(), limit - offset)));
      offset = look.count;
    }
    look.at_mark = ahead && *ahead == look.count + 1;
    return look;
  }
  while (look.count < limit) {
    const MutableBytes run = socket_.peek();
    if (run.empty()) break;
    const std::size_t count = std::min(run.size(), limit - look.count);
    if ((flags & MSG_TRUNC) == 0) scatter(room, done + look.count, run.first(count));
    socket_.consume(count);
    look.count += count;
  }
  look.at_mark = ahead && *ahead == look.count + 1;
  return look;
}

bool StreamSocket::reading_is_over() const noexcept { return read_shut_ || is_over() || socket_.peer_finished(); }

Answer StreamSocket::nothing_to_read(bool may_block) {
  if (socket_.at_eof()) return Answer::ok(0);
  if (const int error = take_error()) return Answer::fail(error);
  if (phase_ == Phase::idle) return read_shut_ ? Answer::ok(0) : Answer::fail(ENOTCONN);
  if (phase_ != Phase::deferred && reading_is_over()) return Answer::ok(0);
  return not_now(may_block);
}

Answer StreamSocket::receive(std::span<const MutableBytes> room, int flags, Received* info) {
  if (info) *info = {};
  if (phase_ == Phase::listening) return Answer::fail(ENOTCONN);
  if (flags & MSG_OOB) return Answer::fail(EINVAL);
  if (flags & MSG_ERRQUEUE) return Answer::fail(EAGAIN);
  const bool peeks = (flags & MSG_PEEK) != 0;
  const bool may_block = !nonblocking && !(flags & MSG_DONTWAIT);
  const std::size_t total = room_size(room);
  if (total == 0) return Answer::ok(0);
  const std::size_t target =
      flags & MSG_WAITALL ? total : std::min(total, static_cast<std::size_t>(options_.low_water));
  const std::size_t before = peeks ? 0 : std::exchange(receiving_, {}).moved;
  const Look look = take_text(room, before, flags);
  const std::size_t moved = before + look.count;
  if (moved == 0) return nothing_to_read(may_block);
  const bool ends = look.at_mark || !may_block || has_error() || reading_is_over();
  if (moved >= target || ends) return Answer::ok(static_cast<std::int64_t>(moved));
  if (!peeks) receiving_ = {.going = true, .moved = moved};
  return Answer::wait();
}

Answer StreamSocket::take_slice(std::size_t count, bool now, Slice& taken) {
  if (phase_ == Phase::listening) return Answer::fail(ENOTCONN);
  const Slice run = socket_.peek_slice();
  if (run.empty()) return nothing_to_read(!now);
  taken = run.part(0, std::min(count, run.size()));
  socket_.consume(taken.size());
  return Answer::ok(static_cast<std::int64_t>(taken.size()));
}

// --- send --------------------------------------------------------------------------------------------------------

bool StreamSocket::writing_is_over() const noexcept {
  return write_shut_ || !socket_ || is_over() || socket_.error() != Errc::none;
}

// What was taken counts; the next call hears of the error.
Answer StreamSocket::broken(std::size_t moved) noexcept {
  if (moved > 0) return Answer::ok(static_cast<std::int64_t>(moved));
  const int error = take_error();
  return Answer::fail(error != 0 ? error : EPIPE);
}

// RFC 7413: the text goes with the SYN as far as it fits, and nothing does before there is a cookie.
Answer StreamSocket::send_opening(Gather pieces, int flags, const Endpoint* to) {
  const bool deferred = phase_ == Phase::deferred;
  if (!deferred) {
    if (!host_.settings.fast_open_client) return Answer::fail(EOPNOTSUPP);
    if (phase_ == Phase::connecting && in_handshake()) return Answer::fail(EALREADY);
    if (phase_ != Phase::idle) return Answer::fail(EISCONN);
    if (!to) return Answer::fail(EINVAL);
    if (const int error = refuses_peer(*to)) return Answer::fail(error);
  }
  const Endpoint remote = deferred ? deferred_to_ : *to;
  const std::size_t room = host_.tcp.fast_open_room(remote.address.unmapped());
  const Answer opened = open(remote, true);
  if (!opened.good()) return opened;
  const Result<std::size_t> taken = socket_.write(behind(pieces, 0, room));
  const std::size_t moved = taken.value_or(0);
  const bool may_block = !nonblocking && !(flags & MSG_DONTWAIT);
  if (may_block) {
    sending_ = {.going = true, .opens = true, .moved = moved};
    return Answer::wait();
  }
  return moved > 0 ? Answer::ok(static_cast<std::int64_t>(moved)) : Answer::fail(EINPROGRESS);
}

// The mark covers the last byte; as much as fits, and the rest is the caller's to send again.
Answer StreamSocket::send_urgent(Gather pieces) {
  std::vector<std::uint8_t> text;
  for (const Bytes piece : pieces) text.insert(text.end(), piece.begin(), piece.end());
  const Result<std::size_t> taken = socket_.write_urgent(text);
  if (!taken) return broken(0);
  return *taken > 0 || text.empty() ? Answer::ok(static_cast<std::int64_t>(*taken)) : Answer::fail(EAGAIN);
}

// MSG_MORE: a cork until the next write without it.
void StreamSocket::expect_more(bool more) {
  if (more == more_comes_) return;
  more_comes_ = more;
  (void)apply();
}

Answer StreamSocket::send(Gather pieces, int flags, const Endpoint* to) {
  const bool may_block = !nonblocking && !(flags & MSG_DONTWAIT);
  const bool opens = phase_ == Phase::deferred || ((flags & MSG_FASTOPEN) && !sending_.going);
  if (opens) return send_opening(pieces, flags, to);
  const Unfinished before = std::exchange(sending_, {});
  expect_more((flags & MSG_MORE) != 0);
  if (before.opens && !in_handshake()) {
    const Answer opened = outcome(may_block);
    if (!opened.good()) return opened;
  }
  if (writing_is_over()) return broken(before.moved);
  if (in_handshake()) {
    if (may_block) sending_ = before, sending_.going = true;
    return not_now(may_block);
  }
  if (flags & MSG_OOB) return send_urgent(pieces);
  const std::size_t total = gather_size(pieces);
  const Result<std::size_t> taken =
      before.moved == 0 ? socket_.write(pieces) : socket_.write(behind(pieces, before.moved));
  if (!taken) return broken(before.moved);
  const std::size_t moved = before.moved + *taken;
  if (moved == total) return Answer::ok(static_cast<std::int64_t>(total));
  if (may_block) {
    sending_ = {.going = true, .moved = moved};
    return Answer::wait();
  }
  return moved > 0 ? Answer::ok(static_cast<std::int64_t>(moved)) : Answer::fail(EAGAIN);
}

Answer StreamSocket::send_slice(const Slice& text, bool now) {
  expect_more(false);
  if (phase_ == Phase::deferred) return Answer::fail(EOPNOTSUPP);
  if (writing_is_over()) return broken(0);
  if (in_handshake()) return not_now(!now);
  const Result<std::size_t> taken = socket_.write(text);
  if (!taken) return broken(0);
  return *taken > 0 ? Answer::ok(static_cast<std::int64_t>(*taken)) : not_now(!now);
}

// --- looks -------------------------------------------------------------------------------------------------------

Answer StreamSocket::abandon(int error) noexcept {
  const std::size_t moved = std::exchange(sending_, {}).moved + std::exchange(receiving_, {}).moved;
  if (moved > 0) return Answer::ok(static_cast<std::int64_t>(moved));
  const bool opening = phase_ == Phase::connecting && in_handshake();
  return Answer::fail(opening && error == EAGAIN ? EINPROGRESS : error);
}

Answer StreamSocket::ioctl(unsigned long request, int& value) {
  const bool listening = phase_ == Phase::listening;
  const tcp::Info info = socket_.info().value_or(tcp::Info{});
  switch (request) {
    case FIONREAD:
      if (listening) return Answer::fail(EINVAL);
      value = static_cast<int>(info.unread);
      return Answer::ok();
    case SIOCOUTQ:
      if (listening) return Answer::fail(EINVAL);
      value = in_handshake() ? 0 : static_cast<int>(info.unacked + info.unsent);
      return Answer::ok();
    case SIOCOUTQNSD:
      if (listening) return Answer::fail(EINVAL);
      value = in_handshake() ? 0 : static_cast<int>(info.unsent);
      return Answer::ok();
    case SIOCATMARK: value = socket_.urgent_ahead() == std::size_t{1}; return Answer::ok();
    default: return Answer::fail(ENOTTY);
  }
}

// tcp_poll().
std::uint32_t StreamSocket::ready() {
  constexpr std::uint32_t kReadable = EPOLLIN | EPOLLRDNORM;
  constexpr std::uint32_t kWritable = EPOLLOUT | EPOLLWRNORM;
  if (phase_ == Phase::listening) return listener_.waiting() > 0 ? kReadable : 0;
  if (phase_ == Phase::deferred) return kWritable;
  std::uint32_t mask = has_error() ? EPOLLERR : 0u;
  if (phase_ == Phase::idle) return mask | EPOLLHUP | kWritable;
  const bool reading_ends = reading_is_over();
  const bool writing_ends = write_shut_ || is_over();
  if (is_over() || (reading_ends && writing_ends)) mask |= EPOLLHUP;
  if (reading_ends) mask |= kReadable | EPOLLRDHUP;
  if (in_handshake()) return mask;
  if (socket_.readable() >= static_cast<std::size_t>(options_.low_water)) mask |= kReadable;
  if (writing_ends || socket_.writable() > 0) mask |= kWritable;
  if (socket_.urgent_ahead()) mask |= EPOLLPRI;
  return mask;
}

}  // namespace sluice::posix
