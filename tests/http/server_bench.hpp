// A server session at a bench: bytes and time by hand, events as a log, answers by rule.
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>

#include "http/server_session.hpp"

namespace sluice::http::testing {

using namespace std::chrono_literals;

/// A resource of `size` bytes that can lose its end.
class Letters final : public Resource {
 public:
  explicit Letters(std::uint64_t size, std::uint64_t real) : size_(size), real_(real) {}
  std::uint64_t size() const override { return size_; }
  std::size_t read_at(std::uint64_t offset, MutableBytes into) override {
    std::size_t count = 0;
    for (; count < into.size() && offset + count < real_; ++count)
      into[count] = static_cast<std::uint8_t>('a' + (offset + count) % 26);
    return count;
  }

 private:
  std::uint64_t size_;
  std::uint64_t real_;
};

inline std::string letters(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += static_cast<char>('a' + i % 26);
  return text;
}

/// A session with everything that happened to it.
struct Bench {
  explicit Bench(const ServerLimits& limits = {}) : session(limits) {}

  /// Gives bytes in pieces of `cut`, polls events in between; what isn't taken stays in `waiting`.
  void in(std::string_view text, std::size_t cut = SIZE_MAX) {
    waiting += text;
    for (;;) {
      const std::string piece = waiting.substr(0, cut);
      const std::size_t taken = session.receive(as_bytes(piece), now);
      const bool happened = events();
      waiting.erase(0, taken);
      if (taken == 0 && !happened) break;
    }
  }
  bool events() {
    bool any = false;
    while (auto event = session.poll_event()) {
      any = true;
      note(*event);
    }
    return any;
  }
  void note(const ServerEvent& event) {
    if (const auto* head = std::get_if<RequestHead>(&event)) {
      request = head->request;
      log += head->request.method + " " + head->request.target + ";";
      if (answer) session.respond(*answer, body);
    } else if (const auto* part = std::get_if<BodyPart>(&event)) {
      content += as_text(part->bytes);
    } else if (const auto* failed = std::get_if<Failed>(&event)) {
      log += "failed " + std::to_string(failed->status) + ";";
    } else {
      log += "end;";
      if (answer_at_end) session.respond(*answer_at_end, body);
    }
  }
  /// All that it wants to send now.
  std::string out(std::size_t room = SIZE_MAX) {
    std::string sent;
    while (sent.size() < room) {
      const Gather pieces = session.poll_transmit(room - sent.size(), now);
      if (pieces.empty()) break;
      std::size_t count = 0;
      for (const Bytes piece : pieces) {
        const Bytes fits = piece.first(std::min(piece.size(), room - sent.size()));
        sent += as_text(fits);
        count += fits.size();
      }
      session.transmitted(count, now);
    }
    return sent;
  }
  void wait(Duration time) {
    now += time;
    session.handle_timeout(now);
    events();
  }

  ServerSession session;
  Time now{};
  std::string waiting, log, content;
  Request request;
  std::optional<Response> answer, answer_at_end;
  std::string body = "hi";
};

inline const std::string kGet = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
inline const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

inline std::string status_of(const std::string& text) { return text.substr(0, text.find("\r\n")); }
inline bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace sluice::http::testing
