// Publish and subscribe: one message to every session that wants it, framed once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ws/prepared.hpp"
#include "ws/session.hpp"

namespace sluice::ws {

/// What becomes of a subscriber that has no room for a message: its queue stands at Settings::high_water.
enum class Overflow : std::uint8_t {
  skip,   ///< it misses this message and stays
  close,  ///< it is closed with 1008: for messages of which none may be missed
};

class Topic;

/// A place among a topic's subscribers, given up by destruction. It may outlive its topic; then it is nothing.
class Subscription {
 public:
  Subscription() noexcept = default;
  Subscription(Subscription&&) noexcept;
  Subscription& operator=(Subscription&&) noexcept;
  ~Subscription();

  /// True while the topic lives.
  explicit operator bool() const noexcept;

 private:
  friend class Topic;
  struct Entry {
    Topic* topic = nullptr;  ///< nullptr: the topic is gone
    std::size_t index = 0;   ///< in Topic::entries_
    Session* session = nullptr;
    std::function<void()> wake;
  };
  explicit Subscription(std::unique_ptr<Entry> entry) noexcept : entry_(std::move(entry)) {}

  std::unique_ptr<Entry> entry_;
};

/// Owns no session: who owns a session keeps its Subscription beside it and destroys that first. A topic belongs to the
/// thread of its sessions, and may not be destroyed inside its own publish(). Everything else may be done there, in a
/// `wake`: subscribing, unsubscribing, publishing again.
class Topic {
 public:
  explicit Topic(Overflow overflow = Overflow::skip) noexcept : overflow_(overflow) {}
  ~Topic();
  Topic(const Topic&) = delete;
  Topic& operator=(const Topic&) = delete;

  /// `session`, a server's, outlives the subscription. `wake` is called after something was queued in the session, for
  /// the owner to pump its connection; not from inside itself, if that may end and destroy others.
  [[nodiscard]] Subscription subscribe(Session& session, std::function<void()> wake);

  /// To everybody who subscribed before the call. Answers how many took it.
  std::size_t publish(const Prepared& message);

  /// Subscribers.
  std::size_t size() const noexcept { return live_; }
  /// Times that a subscriber had no room.
  std::uint64_t overflows() const noexcept { return overflows_; }

 private:
  friend class Subscription;
  void leave(std::unique_ptr<Subscription::Entry> entry) noexcept;
  bool offer(Session& session, const Prepared& message);
  void close_gaps() noexcept;

  Overflow overflow_;
  std::vector<Subscription::Entry*> entries_;  ///< nullptr: left during a publish()
  std::size_t live_ = 0;
  std::vector<std::unique_ptr<Subscription::Entry>> left_;  ///< meanwhile: one of them may be running its wake
  int publishing_ = 0;                                      ///< depth of publish()
  std::uint64_t overflows_ = 0;
};

/// Topics by name, made by their first subscriber and forgotten some time after their last one left.
class Topics {
 public:
  explicit Topics(Overflow overflow = Overflow::skip) noexcept : overflow_(overflow) {}

  /// As Topic::subscribe.
  [[nodiscard]] Subscription subscribe(std::string_view name, Session& session, std::function<void()> wake);
  /// 0 for a name that nobody subscribed to.
  std::size_t publish(std::string_view name, const Prepared& message);
  /// nullptr when nobody is there.
  const Topic* find(std::string_view name) const noexcept;

 private:
  void sweep();

  Overflow overflow_;
  std::map<std::string, std::unique_ptr<Topic>, std::less<>> topics_;
  std::size_t sweep_at_ = 16;  ///< so many names ask for a look at which of them are empty
  int publishing_ = 0;         ///< none may go meanwhile
};

}  // namespace sluice::ws
