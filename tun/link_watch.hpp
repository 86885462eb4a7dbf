// Whether a network interface was cut off and is back: from what the kernel tells through rtnetlink.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "stack/base/time.hpp"
#include "tun/clock.hpp"

struct nlmsghdr;

namespace sluice::tun {

/// Made in the network namespace of the calling thread, where the interface is; used anywhere.
class LinkWatch {
 public:
  /// `asleep`: how much time the system has spent suspended so far. Throws Error when there is no such interface.
  explicit LinkWatch(const std::string& interface, Duration (*asleep)() noexcept = time_asleep);
  ~LinkWatch();
  LinkWatch(const LinkWatch&) = delete;
  LinkWatch& operator=(const LinkWatch&) = delete;

  /// Readable when there is news.
  int fd() const noexcept;
  /// Reads the news. True: since the last call the link came back after it was down or without a carrier, or became a
  /// port of another bridge; or news was lost that may have said so.
  bool returned() noexcept;
  /// The time that the system was suspended for since the last call. Less than a second counts as nothing.
  Duration slept() noexcept;

 private:
  struct Close {
    void operator()(void* socket) const noexcept;
  };
  static int hear(const nlmsghdr* message, void* watch);
  void take(bool is_up, unsigned bridge) noexcept;

  std::unique_ptr<void, Close> socket_;
  int index_ = 0;
  bool up_ = true;
  std::optional<unsigned> bridge_;  ///< 0: of none; nullopt: not known yet
  bool returned_ = false;
  Duration (*asleep_)() noexcept;
  Duration asleep_then_;
};

}  // namespace sluice::tun
