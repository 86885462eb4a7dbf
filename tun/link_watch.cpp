// RTM_NEWLINK of one interface.
#include "tun/link_watch.hpp"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "tun/error.hpp"

namespace sluice::tun {
namespace {

/// IFF_LOWER_UP: there is a carrier. Its header does not go together with net/if.h.
constexpr unsigned kCarrier = 1u << 16;

mnl_socket* raw(void* socket) noexcept { return static_cast<mnl_socket*>(socket); }

int take_bridge(const nlattr* attribute, void* into) {
  if (mnl_attr_get_type(attribute) == IFLA_MASTER) *static_cast<unsigned*>(into) = mnl_attr_get_u32(attribute);
  return MNL_CB_OK;
}

/// Asks for the state as it is: the answer comes as news does.
bool ask_state(mnl_socket* socket, int index) {
  alignas(nlmsghdr) std::array<char, 256> room{};
  nlmsghdr* const request = mnl_nlmsg_put_header(room.data());
  request->nlmsg_type = RTM_GETLINK;
  request->nlmsg_flags = NLM_F_REQUEST;
  static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg)))->ifi_index = index;
  return mnl_socket_sendto(socket, request, request->nlmsg_len) >= 0;
}

}  // namespace

void LinkWatch::Close::operator()(void* socket) const noexcept { mnl_socket_close(raw(socket)); }

LinkWatch::LinkWatch(const std::string& interface, Duration (*asleep)() noexcept)
    : socket_(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK)),
      index_(static_cast<int>(::if_nametoindex(interface.c_str()))),
      asleep_(asleep),
      asleep_then_(asleep()) {
  if (index_ == 0) throw Error(Errc::not_found, "there is no interface " + interface + " in this network namespace");
  const bool works = socket_ && mnl_socket_bind(raw(socket_.get()), RTMGRP_LINK, MNL_SOCKET_AUTOPID) >= 0 &&
                     ask_state(raw(socket_.get()), index_);
  if (!works) throw Error(from_errno(errno), "cannot watch the interface " + interface + ": " + errno_text(errno));
}

LinkWatch::~LinkWatch() = default;

int LinkWatch::fd() const noexcept { return mnl_socket_get_fd(raw(socket_.get())); }

bool LinkWatch::returned() noexcept {
  alignas(nlmsghdr) std::array<char, 32768> news;
  for (;;) {
    const ssize_t size = mnl_socket_recvfrom(raw(socket_.get()), news.data(), news.size());
    if (size > 0)
      (void)mnl_cb_run(news.data(), static_cast<std::size_t>(size), 0, 0, hear, this);
    else if (size < 0 && errno == ENOBUFS)
      returned_ = true;
    else if (size == 0 || errno != EINTR)
      return std::exchange(returned_, false);
  }
}

int LinkWatch::hear(const nlmsghdr* message, void* watch) {
  auto& self = *static_cast<LinkWatch*>(watch);
  const auto* const link = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
  const bool whole = message->nlmsg_type == RTM_NEWLINK && mnl_nlmsg_get_payload_len(message) >= sizeof(ifinfomsg);
  // A bridge tells of its ports, too, in messages of its own family.
  if (!whole || link->ifi_family != AF_UNSPEC || link->ifi_index != self.index_) return MNL_CB_OK;
  unsigned bridge = 0;
  mnl_attr_parse(message, sizeof(ifinfomsg), take_bridge, &bridge);
  self.take((link->ifi_flags & IFF_UP) != 0 && (link->ifi_flags & kCarrier) != 0, bridge);
  return MNL_CB_OK;
}

void LinkWatch::take(bool is_up, unsigned bridge) noexcept {
  const bool moved = bridge_ && *bridge_ != bridge;
  if (is_up && (!up_ || (moved && bridge != 0))) returned_ = true;
  up_ = is_up;
  if (!moved || bridge != 0) bridge_ = bridge;  // taken out and put back is no move
}

Duration LinkWatch::slept() noexcept {
  const Duration before = std::exchange(asleep_then_, asleep_());
  const Duration slept = asleep_then_ - before;
  return slept < std::chrono::seconds(1) ? Duration(0) : slept;
}

}  // namespace sluice::tun
