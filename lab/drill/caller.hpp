// Calls of a script: arguments become what posix::Calls takes, and what it answers is held against the script.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lab/drill/script.hpp"
#include "lab/drill/stage.hpp"

namespace sluice::lab::drill {

/// What became of a call.
struct Attempt {
  bool blocked = false;          ///< try again after the stack's next turn
  std::optional<Duration> wake;  ///< with blocked: a timeout of its own ends it then
  std::string result;            ///< what it answered, as the script would write it
  std::string trouble;           ///< how that differs from what the script says, or empty
};

/// Descriptors keep the numbers that the script gives them.
class Caller {
 public:
  /// Both outlive the caller.
  Caller(Stage& stage, const Settings& settings) noexcept : stage_(stage), settings_(settings) {}

  /// Throws ScriptError for a call that we don't have (unsupported) or whose arguments make no sense.
  /// `began`: when the call was made first.
  Attempt attempt(const CallStep& call, std::size_t line, Duration began);

  /// Of the socket that a connect() or an accept() named last; an error when there is none.
  std::optional<long double> tcp_info(std::string_view field);
  /// That socket; nullptr when it is gone.
  tcp::Socket* socket() noexcept { return current_ < 0 ? nullptr : calls().tcp_socket(current_); }
  /// Where datagrams go that the script's peer sends; nullopt without a UDP socket.
  std::optional<std::pair<Endpoint, Endpoint>> datagram_ends();
  /// Of the socket that listens since last; nullopt before.
  std::optional<std::uint16_t> listening_port() const noexcept { return listening_port_; }
  /// The script has closed the socket of the flow with these ports.
  bool is_closed(std::uint16_t local, std::uint16_t remote) const noexcept { return closed_.contains({local, remote}); }
  /// What was written to the flow with these ports; nullptr: nothing, or nobody knows what.
  const std::vector<std::uint8_t>* written(std::uint16_t local, std::uint16_t remote) const noexcept;

 private:
  using Handler = posix::Answer (Caller::*)();
  struct Entry {
    std::string_view name;
    std::size_t least, most;  // arguments
    Handler handler;
  };
  static const std::vector<Entry>& table();

  // caller_sockets.cpp
  posix::Answer do_socket();
  posix::Answer do_bind();
  posix::Answer do_listen();
  posix::Answer do_accept();
  posix::Answer do_connect();
  posix::Answer do_shutdown();
  posix::Answer do_close();
  posix::Answer do_fcntl();
  posix::Answer do_ioctl();
  posix::Answer do_getsockname();
  posix::Answer do_getpeername();
  // caller_transfer.cpp
  posix::Answer do_read();
  posix::Answer do_readv();
  posix::Answer do_recvmsg();
  posix::Answer do_write();
  posix::Answer do_writev();
  posix::Answer do_sendmsg();
  posix::Answer do_pipe();
  posix::Answer do_splice();
  posix::Answer do_sendfile();
  posix::Answer do_open();
  posix::Answer do_dup();
  // caller_options.cpp
  posix::Answer do_getsockopt();
  posix::Answer do_setsockopt();
  // caller_poll.cpp
  posix::Answer do_poll();
  posix::Answer do_epoll_create();
  posix::Answer do_epoll_ctl();
  posix::Answer do_epoll_wait();

  posix::Calls& calls() noexcept { return stage_.calls(); }

  // arguments of the call that is being made
  const Value& argument(std::size_t place) const;
  std::int64_t number(std::size_t place) const;
  std::int64_t number_or(std::size_t place, std::int64_t otherwise) const;
  int descriptor(std::size_t place) const { return live(number(place)); }
  int live(std::int64_t script) const noexcept;
  Endpoint endpoint(const Value& value, bool remote) const;
  void expect_endpoint(const Value& value, const Endpoint& actual);
  void expect_number(const char* what, const Value* expected, std::int64_t actual);
  [[noreturn]] void complain(const std::string& sentence, bool unsupported = false) const;
  void keep_descriptor(const posix::Answer& answer);
  posix::Answer until_timeout(posix::Answer answer, std::int64_t milliseconds);
  posix::Answer until_own_timeout(int fd, posix::Answer answer, int option);
  posix::Answer receive_into(const std::vector<std::size_t>& sizes, const std::vector<const Value*>& contents,
                             int flags, posix::Calls::Received& received);
  posix::Answer send_from(const std::vector<std::size_t>& sizes, const std::vector<const Value*>& contents, int flags,
                          const std::optional<Endpoint>& to);
  std::pair<std::uint16_t, std::uint16_t> ports_of(int fd);
  void keep_text(std::pair<std::uint16_t, std::uint16_t> ports, std::uint64_t start,
                 const std::vector<std::uint8_t>& bytes);
  bool is_stream(int fd);
  void check_sizes(const std::vector<std::size_t>& sizes) const;

  struct Text {
    std::vector<std::uint8_t> bytes;
    bool unknown = false;
  };

  Stage& stage_;
  const Settings& settings_;
  const CallStep* call_ = nullptr;
  std::size_t line_ = 0;
  Duration began_{};
  std::optional<Duration> wake_;
  std::string trouble_;
  std::map<std::int64_t, int> descriptors_;  // the script's number, the live one
  std::map<std::pair<std::uint16_t, std::uint16_t>, Text> written_;
  std::vector<std::vector<std::uint8_t>> rooms_;  // of the receiving call that was made last
  const CallStep* rooms_of_ = nullptr;
  const CallStep* sending_ = nullptr;  // waits
  std::uint64_t sending_from_ = 0;     // where its text begins
  std::map<int, std::uint64_t> read_;  // bytes of the peer's stream that were read
  std::set<std::pair<std::uint16_t, std::uint16_t>> closed_;
  std::optional<std::uint16_t> listening_port_;
  int current_ = -1;
  int datagrams_ = -1;
};

}  // namespace sluice::lab::drill
