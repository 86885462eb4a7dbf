// An epoll: what it watches, and what of that had news since it was last told.
#pragma once

#include <sys/epoll.h>

#include <span>
#include <vector>

#include "stack/posix/file.hpp"

namespace sluice::posix {

class Epoll final : public File {
 public:
  using File::File;

  Answer control(int operation, int fd, File& file, const epoll_event* event);
  Answer wait(std::span<epoll_event> out);
  /// Something of this mask happened to a watched file: an edge.
  void hear(SlotId file, std::uint32_t mask);

  std::uint32_t ready() override;
  Epoll* as_epoll() noexcept override { return this; }

 private:
  struct Interest {
    int fd = -1;
    SlotId file;
    epoll_event event{};
    bool news = true;       ///< since it was last told; without it an edge-triggered one is silent
    bool disarmed = false;  ///< EPOLLONESHOT was told
  };

  /// What is ready of it and asked for; 0 without news where edges count.
  std::uint32_t look(Interest& interest) const;
  bool reaches(SlotId target, int depth) const;
  std::vector<Interest>::iterator find(int fd, SlotId file) noexcept;

  std::vector<Interest> interests_;  ///< who was told last stands last
};

}  // namespace sluice::posix
