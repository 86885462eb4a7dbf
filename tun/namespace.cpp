// setns() and unshare() on threads made for it, so that no caller ends up in the wrong namespace.
#include "tun/namespace.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <thread>

#include "tun/error.hpp"
#include "tun/netlink.hpp"

namespace sluice::tun {
namespace {

constexpr const char* kCurrent = "/proc/thread-self/ns/net";

void run_on_thread(const std::function<void()>& work) {
  std::exception_ptr failure;
  std::thread helper([&] {
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
    }
  });
  helper.join();
  if (failure) std::rethrow_exception(failure);
}

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string path_of(std::string_view name) {
  if (name.find('/') != std::string_view::npos) return std::string(name);
  if (is_number(name)) return "/proc/" + std::string(name) + "/ns/net";
  return "/run/netns/" + std::string(name);
}

Fd open_file(const std::string& name, const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd) return fd;
  if (errno == ENOENT) throw Error(Errc::not_found, "there is no network namespace " + name + " (no " + path + ")");
  throw Error(from_errno(errno), "cannot open the network namespace " + name + ": " + errno_text(errno));
}

void write_file(const char* path, const std::string& text) {
  const Fd fd(::open(path, O_WRONLY | O_CLOEXEC));
  const bool written = fd && ::write(fd.number(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (!written) throw Error(from_errno(errno), std::string("cannot write ") + path + ": " + errno_text(errno));
}

}  // namespace

Namespace Namespace::open(std::string_view name) {
  std::string text(name);
  Fd fd = open_file(text, path_of(name));
  Namespace opened(std::move(fd), std::move(text));
  opened.run([] {});  // a file that is no network namespace is found out now
  return opened;
}

Namespace Namespace::create() {
  Fd fd;
  run_on_thread([&] {
    if (::unshare(CLONE_NEWNET) != 0)
      throw Error(from_errno(errno), "cannot make a network namespace: " + errno_text(errno));
    fd = open_file("just made", kCurrent);
    Netlink().set_up(Netlink::index_of("lo"));
  });
  return Namespace(std::move(fd), "without a name");
}

Namespace Namespace::current() { return Namespace(open_file("of this thread", kCurrent), "of this thread"); }

void Namespace::run(const std::function<void()>& work) const {
  run_on_thread([&] {
    if (::setns(fd_.number(), CLONE_NEWNET) != 0) {
      if (errno == EINVAL) throw Error(Errc::invalid_argument, name_ + " is not a network namespace");
      throw Error(from_errno(errno), "no entry into the network namespace " + name_ + ": " + errno_text(errno));
    }
    work();
  });
}

void enter_own_namespace() {
  const auto uid = std::to_string(::geteuid());
  const auto gid = std::to_string(::getegid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
    if (errno == EINVAL)
      throw Error(Errc::invalid_argument, "a process with threads cannot enter a namespace of its own");
    throw Error(from_errno(errno), "this system lets no user make namespaces (" + errno_text(errno) + "): run as root");
  }
  write_file("/proc/self/setgroups", "deny");
  write_file("/proc/self/uid_map", "0 " + uid + " 1");
  write_file("/proc/self/gid_map", "0 " + gid + " 1");
  Netlink().set_up(Netlink::index_of("lo"));
}

}  // namespace sluice::tun
