// The table of calls, and what all of them share; see caller.hpp.
#include "lab/drill/caller.hpp"

#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace sluice::lab::drill {

using posix::Answer;

const std::vector<Caller::Entry>& Caller::table() {
  static const std::vector<Entry> entries = {
      {"socket", 3, 3, &Caller::do_socket},
      {"bind", 3, 3, &Caller::do_bind},
      {"listen", 2, 2, &Caller::do_listen},
      {"accept", 3, 3, &Caller::do_accept},
      {"accept4", 4, 4, &Caller::do_accept},
      {"connect", 3, 3, &Caller::do_connect},
      {"shutdown", 2, 2, &Caller::do_shutdown},
      {"close", 1, 1, &Caller::do_close},
      {"fcntl", 2, 3, &Caller::do_fcntl},
      {"ioctl", 2, 3, &Caller::do_ioctl},
      {"getsockname", 3, 3, &Caller::do_getsockname},
      {"getpeername", 3, 3, &Caller::do_getpeername},
      {"read", 3, 3, &Caller::do_read},
      {"recv", 4, 4, &Caller::do_read},
      {"recvfrom", 6, 6, &Caller::do_read},
      {"readv", 3, 3, &Caller::do_readv},
      {"recvmsg", 3, 3, &Caller::do_recvmsg},
      {"write", 3, 3, &Caller::do_write},
      {"send", 4, 4, &Caller::do_write},
      {"sendto", 6, 6, &Caller::do_write},
      {"writev", 3, 3, &Caller::do_writev},
      {"sendmsg", 3, 3, &Caller::do_sendmsg},
      {"pipe", 1, 1, &Caller::do_pipe},
      {"pipe2", 2, 2, &Caller::do_pipe},
      {"splice", 6, 6, &Caller::do_splice},
      {"sendfile", 4, 4, &Caller::do_sendfile},
      {"open", 2, 3, &Caller::do_open},
      {"dup", 1, 1, &Caller::do_dup},
      {"getsockopt", 5, 5, &Caller::do_getsockopt},
      {"setsockopt", 5, 5, &Caller::do_setsockopt},
      {"poll", 3, 3, &Caller::do_poll},
      {"epoll_create", 1, 1, &Caller::do_epoll_create},
      {"epoll_create1", 1, 1, &Caller::do_epoll_create},
      {"epoll_ctl", 4, 4, &Caller::do_epoll_ctl},
      {"epoll_wait", 4, 4, &Caller::do_epoll_wait},
  };
  return entries;
}

namespace {

std::string result_text(const Answer& answer) {
  if (answer.error == 0) return std::to_string(answer.value);
  return "-1 " + std::string(posix::errno_name(answer.error));
}

}  // namespace

Attempt Caller::attempt(const CallStep& call, std::size_t line, Duration began) {
  call_ = &call;
  line_ = line;
  began_ = began;
  wake_.reset();
  trouble_.clear();
  const auto entry =
      std::find_if(table().begin(), table().end(), [&](const Entry& one) { return one.name == call.name; });
  if (entry == table().end()) complain("there is no call " + call.name + "()", true);
  if (call.arguments.size() < entry->least || call.arguments.size() > entry->most)
    complain(call.name + "() takes " + std::to_string(entry->least) +
             (entry->most == entry->least ? "" : " to " + std::to_string(entry->most)) + " arguments, not " +
             std::to_string(call.arguments.size()));
  const Answer answer = (this->*entry->handler)();
  if (answer.blocked) return {.blocked = true, .wake = wake_, .result = {}, .trouble = {}};
  Attempt attempt{.blocked = false, .wake = {}, .result = result_text(answer), .trouble = trouble_};
  if (gives_descriptor(call) && answer.error == 0 && call.result.is_number() && call.result.number >= 0) {
    keep_descriptor(answer);
    attempt.result = std::to_string(call.result.number);
    return attempt;
  }
  const bool same = call.result.is_any() || (call.result.is_number() && call.result.number == answer.value &&
                                             (answer.error == call.error || (call.error == 0 && answer.error != 0)));
  if (!same) attempt.trouble = "it answered " + attempt.result;
  return attempt;
}

void Caller::complain(const std::string& sentence, bool unsupported) const {
  throw ScriptError(line_, 0, sentence, unsupported);
}

const Value& Caller::argument(std::size_t place) const { return call_->arguments[place]; }

std::int64_t Caller::number(std::size_t place) const {
  const Value& value = argument(place);
  if (!value.is_number())
    complain("argument " + std::to_string(place + 1) + " of " + call_->name + "() is " + to_text(value) +
             ", and a number is needed");
  return value.number;
}

std::int64_t Caller::number_or(std::size_t place, std::int64_t otherwise) const {
  return place >= call_->arguments.size() || argument(place).is_any() ? otherwise : number(place);
}

// A number that the script never got is nobody's descriptor.
int Caller::live(std::int64_t script) const noexcept {
  const auto found = descriptors_.find(script);
  if (found != descriptors_.end()) return found->second;
  return script < 0 ? -1 : std::numeric_limits<int>::max();
}

void Caller::keep_descriptor(const Answer& answer) {
  descriptors_[call_->result.number] = static_cast<int>(answer.value);
}

void Caller::expect_number(const char* what, const Value* expected, std::int64_t actual) {
  if (!expected || !expected->is_number() || expected->number == actual || !trouble_.empty()) return;
  trouble_ = std::string(what) + " is " + std::to_string(actual) + ", not " + std::to_string(expected->number);
}

// A call that waits for itself: at its timeout it answers 0 (poll) or EAGAIN (SO_RCVTIMEO), whatever `answer` has.
Answer Caller::until_timeout(Answer answer, std::int64_t milliseconds) {
  if (milliseconds == 0) return answer;
  if (milliseconds > 0) {
    const Duration end = began_ + std::chrono::milliseconds(std::min<std::int64_t>(milliseconds, INT32_MAX));
    if (stage_.now() >= end) return answer;
    wake_ = end;
  }
  return Answer::wait();
}

// SO_RCVTIMEO and SO_SNDTIMEO of the descriptor.
Answer Caller::until_own_timeout(int fd, Answer answer, int option) {
  if (!answer.blocked) return answer;
  timeval time{};
  std::size_t length = sizeof time;
  const MutableBytes room(reinterpret_cast<std::uint8_t*>(&time), sizeof time);
  const bool has =
      calls().getsockopt(fd, SOL_SOCKET, option, room, length).error == 0 && (time.tv_sec > 0 || time.tv_usec > 0);
  if (!has) return answer;
  const auto seconds = std::chrono::seconds(std::min<std::int64_t>(time.tv_sec, INT32_MAX));
  const Duration end = began_ + seconds + std::chrono::microseconds(time.tv_usec);
  if (stage_.now() >= end) return calls().abandon(fd, EAGAIN);
  wake_ = end;
  return answer;
}

std::pair<std::uint16_t, std::uint16_t> Caller::ports_of(int fd) {
  if (const tcp::Socket* socket = calls().tcp_socket(fd)) {
    const auto local = socket->local(), remote = socket->remote();
    if (local && remote) return {local->port, remote->port};
  }
  Endpoint local;
  return {calls().getsockname(fd, local).error == 0 ? local.port : std::uint16_t{0}, 0};
}

const std::vector<std::uint8_t>* Caller::written(std::uint16_t local, std::uint16_t remote) const noexcept {
  const auto found = written_.find({local, remote});
  return found == written_.end() || found->second.unknown ? nullptr : &found->second.bytes;
}

std::optional<std::pair<Endpoint, Endpoint>> Caller::datagram_ends() {
  Endpoint local, remote;
  if (datagrams_ < 0 || calls().getsockname(datagrams_, local).error != 0) return std::nullopt;
  if (calls().getpeername(datagrams_, remote).error != 0) remote = {stage_.remote(), settings_.connect_port};
  return std::pair(Endpoint{stage_.local(), local.port}, Endpoint{stage_.remote(), remote.port});
}

}  // namespace sluice::lab::drill
