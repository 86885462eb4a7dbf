// What all open files of a host share: the layers below, the settings, and who owns which socket of the stack.
#pragma once

#include <array>
#include <utility>
#include <vector>

#include "stack/base/slot_map.hpp"
#include "stack/posix/file.hpp"
#include "stack/posix/pipe_buffer.hpp"
#include "stack/posix/settings.hpp"
#include "stack/tcp/layer.hpp"
#include "stack/udp/layer.hpp"

namespace sluice::posix {

/// The tables of the stack that an event can be about.
enum class Table : std::uint8_t { tcp, tcp_listener, udp };

struct Host {
  Host(tcp::Layer& tcp_layer, udp::Layer& udp_layer, const Settings& given)
      : tcp(tcp_layer), udp(udp_layer), settings(given) {}

  tcp::Layer& tcp;
  udp::Layer& udp;
  const Settings settings;
  SlotMap<PipeBuffer> pipes;
  SlotMap<File> files;

  /// From now on events of this socket are this file's.
  void own(Table table, SlotId socket, SlotId file);
  /// nullptr when nobody owns it, or no longer.
  File* owner_of(Table table, SlotId socket) const noexcept;
  /// Marks in every epoll that watches `file`.
  void tell_watchers(File& file, std::uint32_t mask);

 private:
  struct Owned {
    SlotId socket;
    SlotId file;
  };
  std::array<std::vector<Owned>, 3> owned_;  ///< by the index of the socket's slot
};

}  // namespace sluice::posix
