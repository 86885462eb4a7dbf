// Reading and writing; see caller.hpp. Bytes that a script leaves open ("...") are a pattern by their place in the
// stream, so that a stack that mixes them up is found out.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "lab/drill/caller.hpp"
#include "lab/drill/flows.hpp"

namespace sluice::lab::drill {
namespace {

const Value kAny;

}  // namespace

using posix::Answer;

bool Caller::is_stream(int fd) { return calls().tcp_socket(fd) != nullptr; }

void Caller::check_sizes(const std::vector<std::size_t>& sizes) const {
  std::size_t left = settings_.limits.bytes;
  for (const std::size_t size : sizes) {
    if (size > left)
      complain(call_->name + "() can't move more than " + std::to_string(settings_.limits.bytes) + " bytes");
    left -= size;
  }
}

Answer Caller::receive_into(const std::vector<std::size_t>& sizes, const std::vector<const Value*>& contents, int flags,
                            posix::Calls::Received& received) {
  check_sizes(sizes);
  const int fd = descriptor(0);
  const bool again = std::exchange(rooms_of_, call_) == call_;  // what a call that waits has got lies there already
  if (!again) {
    rooms_.clear();
    for (const std::size_t size : sizes) rooms_.emplace_back(size);
  }
  std::vector<MutableBytes> views;
  for (auto& room : rooms_) views.emplace_back(room);
  const bool stream = is_stream(fd);
  const Answer answer = until_own_timeout(fd, calls().receive(fd, views, flags, &received), SO_RCVTIMEO);
  if (answer.blocked || answer.error != 0) return answer;
  std::uint64_t place = stream ? read_[fd] : 0;
  auto left = static_cast<std::size_t>(answer.value);
  for (std::size_t i = 0; i < rooms_.size() && left > 0; ++i) {
    const std::size_t count = std::min(left, rooms_[i].size());
    const Value* content = contents[i];
    for (std::size_t j = 0; j < count; ++j, ++place) {
      const bool text = content->kind == Value::Kind::text;
      const std::uint8_t expected = !text                      ? peer_byte(place)
                                    : j < content->text.size() ? static_cast<std::uint8_t>(content->text[j])
                                                               : std::uint8_t{0};
      const bool thrown_away = stream && (flags & MSG_TRUNC) != 0;
      const bool checked = (text || fd == current_ || fd == datagrams_) && !thrown_away;
      if (checked && rooms_[i][j] != expected && trouble_.empty())
        trouble_ = "byte " + std::to_string(place) + " is not what the peer sent there";
    }
    left -= count;
  }
  if (stream && (flags & MSG_PEEK) == 0) read_[fd] = place;
  return answer;
}

namespace {

std::size_t size_of(std::int64_t number) { return static_cast<std::size_t>(std::max<std::int64_t>(number, 0)); }

}  // namespace

// read(fd, buffer, size), recv(…, flags), recvfrom(…, flags, address, length).
Answer Caller::do_read() {
  posix::Calls::Received received;
  const Answer answer = receive_into({size_of(number(2))}, {&argument(1)},
                                     static_cast<int>(call_->arguments.size() > 3 ? number(3) : 0), received);
  if (answer.blocked || answer.error != 0) return answer;
  if (call_->arguments.size() > 4 && received.has_from) expect_endpoint(argument(4), received.from);
  return answer;
}

namespace {

struct Pieces {
  std::vector<std::size_t> sizes;
  std::vector<const Value*> contents;
};

/// [{..., 1000}, {"text", 4}].
Pieces pieces_of(const Value* list) {
  Pieces pieces;
  if (!list) return pieces;
  for (const Value& item : list->items) {
    const Value* content = item.find("iov_base", 0);
    const Value* size = item.find("iov_len", 1);
    pieces.contents.push_back(content ? content : &kAny);
    pieces.sizes.push_back(size && size->is_number() ? size_of(size->number) : 0);
  }
  return pieces;
}

}  // namespace

Answer Caller::do_readv() {
  posix::Calls::Received received;
  const Pieces pieces = pieces_of(&argument(1));
  return receive_into(pieces.sizes, pieces.contents, 0, received);
}

Answer Caller::do_recvmsg() {
  posix::Calls::Received received;
  const Value& message = argument(1);
  const Pieces pieces = pieces_of(message.find("msg_iov", 1));
  const Answer answer = receive_into(pieces.sizes, pieces.contents, static_cast<int>(number(2)), received);
  if (answer.blocked || answer.error != 0) return answer;
  const Value* name = message.find("msg_name", 0);
  if (name && received.has_from) expect_endpoint(*name, received.from);
  if (message.kind == Value::Kind::structure) expect_number("msg_flags", message.find("msg_flags", 2), received.flags);
  return answer;
}

// What is behind `start` in the text of this flow, so far as is known.
void Caller::keep_text(std::pair<std::uint16_t, std::uint16_t> ports, std::uint64_t start,
                       const std::vector<std::uint8_t>& bytes) {
  std::vector<std::uint8_t>& all = written_[ports].bytes;
  all.resize(std::min<std::size_t>(all.size(), start));
  all.insert(all.end(), bytes.begin(), bytes.end());
}

Answer Caller::send_from(const std::vector<std::size_t>& sizes, const std::vector<const Value*>& contents, int flags,
                         const std::optional<Endpoint>& to) {
  check_sizes(sizes);
  const int fd = descriptor(0);
  const auto ports = ports_of(fd);
  const bool fast_open = (flags & MSG_FASTOPEN) != 0;
  const bool stream = is_stream(fd) || fast_open;
  // Text of a call that waits may leave before the call ends: it stands there from its first attempt on.
  const bool again = sending_ == call_;
  const std::uint64_t start = again ? sending_from_ : stream && !fast_open ? written_[ports].bytes.size() : 0;
  std::uint64_t place = start;
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    for (std::size_t j = 0; j < sizes[i]; ++j, ++place) {
      const bool text = contents[i]->kind == Value::Kind::text;
      const std::string& given = contents[i]->text;
      bytes.push_back(!text              ? our_byte(place)
                      : j < given.size() ? static_cast<std::uint8_t>(given[j])
                                         : std::uint8_t{0});
    }
  }
  const Bytes whole(bytes);
  if (stream && !fast_open) keep_text(ports, start, bytes);
  const Answer answer =
      until_own_timeout(fd, calls().send(fd, Gather(&whole, 1), flags, to ? &*to : nullptr), SO_SNDTIMEO);
  if (fast_open && calls().tcp_socket(fd)) current_ = fd;
  sending_ = answer.blocked ? call_ : nullptr;
  sending_from_ = start;
  if (!stream || answer.blocked) return answer;
  bytes.resize(answer.error == 0 ? static_cast<std::size_t>(answer.value) : 0);
  keep_text(ports_of(fd), start, bytes);
  return answer;
}

// write(fd, bytes, size), send(…, flags), sendto(…, flags, address, length).
Answer Caller::do_write() {
  std::optional<Endpoint> to;
  const bool addressed = call_->arguments.size() > 4 && !(argument(4).is_number() && number(4) == 0);
  const auto flags = static_cast<int>(call_->arguments.size() > 3 ? number(3) : 0);
  const bool connected = is_stream(descriptor(0)) && (flags & MSG_FASTOPEN) == 0;
  if (addressed && !connected) to = endpoint(argument(4), true);
  return send_from({size_of(number(2))}, {&argument(1)}, flags, to);
}

Answer Caller::do_writev() {
  const Pieces pieces = pieces_of(&argument(1));
  return send_from(pieces.sizes, pieces.contents, 0, std::nullopt);
}

Answer Caller::do_sendmsg() {
  const Value& message = argument(1);
  const Pieces pieces = pieces_of(message.find("msg_iov", 1));
  const auto flags = static_cast<int>(number(2));
  const Value* name = message.find("msg_name", 0);
  const bool connected = is_stream(descriptor(0)) && (flags & MSG_FASTOPEN) == 0;
  std::optional<Endpoint> to;
  if (name && !connected && !(name->is_number() && name->number == 0)) to = endpoint(*name, true);
  return send_from(pieces.sizes, pieces.contents, flags, to);
}

// pipe([5, 6]): the script says which numbers the ends have.
Answer Caller::do_pipe() {
  int ends[2] = {-1, -1};
  const Answer answer = calls().pipe(ends, static_cast<int>(call_->arguments.size() > 1 ? number(1) : 0));
  if (answer.error != 0) return answer;
  const Value& wanted = argument(0);
  for (std::size_t i = 0; i < 2 && i < wanted.items.size(); ++i)
    if (wanted.items[i].is_number()) descriptors_.insert_or_assign(wanted.items[i].number, ends[i]);
  return answer;
}

// splice(from, NULL, to, NULL, size, flags). What goes through a pipe is no longer known byte by byte.
Answer Caller::do_splice() {
  const int from = descriptor(0), to = descriptor(2);
  const Answer answer = calls().splice(from, to, size_of(number(4)), static_cast<unsigned>(number(5)));
  if (is_stream(to)) written_[ports_of(to)].unknown = true;
  if (!answer.blocked && answer.error == 0 && is_stream(from)) read_[from] += static_cast<std::uint64_t>(answer.value);
  return answer;
}

Answer Caller::do_sendfile() {
  const int to = descriptor(0);
  const Answer answer = calls().sendfile(to, descriptor(1), size_of(number(3)));
  if (is_stream(to)) written_[ports_of(to)].unknown = true;
  return answer;
}

// A file of scripts is 64 KiB of the pattern, whatever its name.
Answer Caller::do_open() {
  std::vector<std::uint8_t> content(65536);
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = our_byte(i);
  return calls().memory_file(content);
}

}  // namespace sluice::lab::drill
