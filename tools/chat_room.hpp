// What `sluice serve --ws-chat` talks about: one room of WebSockets, what was said last, and who is there.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "stack/base/time.hpp"
#include "ws/assembler.hpp"
#include "ws/connection.hpp"
#include "ws/topic.hpp"

namespace sluice::tools {

struct ChatLimits {
  std::size_t history = 50;               ///< messages that a newcomer sees
  std::size_t history_bytes = 64u << 10;  ///< of these, frames and all
  std::size_t message = 8u << 10;         ///< bytes of one from a member; more is closed with 1009
  std::size_t unread = 1u << 20;          ///< bytes that may wait for a slow member; then it is closed with 1008
  std::size_t name = 64;                  ///< bytes; the rest is cut off
};

/// Outlives its members, and is of their thread. Every message is a JSON object: type, name, text, time (milliseconds
/// since 1970); welcome, join and leave have `present`, the number of members, as well.
class ChatRoom {
 public:
  explicit ChatRoom(const ChatLimits& limits = {});

  /// For the sessions of members.
  const ws::Settings& settings() const noexcept { return settings_; }
  /// Time of what is said from now on, in nanoseconds since 1970. A later time is a new turn.
  void at(std::chrono::nanoseconds wall) noexcept {
    if (wall != wall_) said_ = 0;
    wall_ = wall;
  }
  /// False when enough was said in this turn: before more is, what waits for the members has to get a chance to leave.
  /// Else a burst that was read in one go would put out members who read well.
  bool calm() const noexcept { return said_ < limits_.unread / 4; }
  std::size_t present() const noexcept { return names_.size(); }

 private:
  friend class ChatMember;

  std::string free_name(std::string_view wish) const;
  ws::Subscription join(const std::string& name, ws::Session& session, std::function<void()> wake);
  void leave(const std::string& name);
  void say(const std::string& name, std::string_view text);
  ws::Prepared event(std::string_view type, std::string_view name, std::string_view text, bool counted) const;
  void remember(const ws::Prepared& message);

  ChatLimits limits_;
  ws::Settings settings_;
  std::chrono::nanoseconds wall_{};
  std::size_t said_ = 0;  ///< bytes in this turn
  ws::Topic topic_{ws::Overflow::close};
  std::set<std::string, std::less<>> names_;
  std::deque<ws::Prepared> history_;
  std::size_t history_size_ = 0;  ///< bytes
};

/// The handler of one member's ws::Connection, destroyed before it. The member's name is `wish`, or what its first
/// message says; after that each message is said to all. A message is a JSON object with `name` or `text`, or text as
/// it is. Answers to the member alone: welcome, then the history; error with a sentence.
class ChatMember {
 public:
  /// `wish` may be empty. `wake` as Topic's.
  ChatMember(ChatRoom& room, std::string wish, std::function<void()> wake)
      : room_(room), wish_(std::move(wish)), wake_(std::move(wake)) {}
  ~ChatMember() { leave(); }
  ChatMember(const ChatMember&) = delete;
  ChatMember& operator=(const ChatMember&) = delete;

  /// Once, when the session is open: who brought a name is in.
  void begin(ws::Session& session);
  void operator()(const ws::Event& event, ws::Session& session);
  /// Errors must not pile up for who doesn't read them. When the room is not calm, pump() again in the next turn.
  bool ready(const ws::Session& session) const noexcept { return session.writable() > 0 && room_.calm(); }

 private:
  void hear(std::string_view text, ws::Session& session);
  void enter(std::string_view wish, ws::Session& session);
  void leave();
  void complain(ws::Session& session, std::string_view sentence) const;

  ChatRoom& room_;
  std::string wish_;
  std::function<void()> wake_;
  ws::Assembler whole_;
  std::string name_;  ///< empty: not in yet
  ws::Subscription place_;
};

}  // namespace sluice::tools
