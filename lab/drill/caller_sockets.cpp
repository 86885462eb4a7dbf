// socket() to close(), and addresses; see caller.hpp.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "lab/drill/caller.hpp"

namespace sluice::lab::drill {

using posix::Answer;

// "..." means what the script's version of IP calls for.
Answer Caller::do_socket() {
  const int family = settings_.version == IpVersion::v4 ? AF_INET : AF_INET6;
  const auto domain = static_cast<int>(number_or(0, family));
  const auto type = static_cast<int>(number(1));
  const Answer answer = calls().socket(domain, type, static_cast<int>(number_or(2, 0)));
  if (answer.error == 0 && (type & 0xf) == SOCK_DGRAM) datagrams_ = static_cast<int>(answer.value);
  return answer;
}

// {sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr("192.0.2.1")}, or "..." for the usual one.
Endpoint Caller::endpoint(const Value& value, bool remote) const {
  const bool mapped = settings_.version == IpVersion::mapped;
  const auto fitting = [mapped](const IpAddress& address) {
    if (!mapped || !address.is_v4()) return address;
    std::array<std::uint8_t, 16> bytes{};
    bytes[10] = bytes[11] = 0xff;
    std::copy(address.bytes().begin(), address.bytes().end(), bytes.begin() + 12);
    return IpAddress::v6(bytes);
  };
  if (value.is_any())
    return remote ? Endpoint{fitting(stage_.remote()), settings_.connect_port}
                  : Endpoint{fitting(stage_.local()), settings_.bind_port};
  const Value* family = value.find("sa_family", 0);
  if (!family) family = value.find("sin_family", 0);
  if (!family) family = value.find("sin6_family", 0);
  const bool v6 = family && family->is_number() && family->number == AF_INET6;
  const Value* port = value.find(v6 ? "sin6_port" : "sin_port", 1);
  const Value* address = value.find(v6 ? "sin6_addr" : "sin_addr", 2);
  if (value.kind != Value::Kind::structure || !family || !port || !port->is_number() || !address)
    complain("'" + to_text(value) + "' is no address: {sa_family = AF_INET, sin_port = htons(80), sin_addr = …}");
  Endpoint end;
  end.port = static_cast<std::uint16_t>(port->number);
  if (address->is_number()) {
    end.address = v6 ? IpAddress::any(Family::ipv6) : IpAddress::v4(static_cast<std::uint32_t>(address->number));
  } else {
    const auto parsed = IpAddress::parse(address->text);
    if (!parsed) complain("'" + address->text + "' is no address");
    end.address = *parsed;
  }
  return end;
}

void Caller::expect_endpoint(const Value& value, const Endpoint& actual) {
  if (value.is_any() || value.is_number() || !trouble_.empty()) return;
  const Endpoint expected = endpoint(value, true);
  if (expected != actual) trouble_ = "the address is " + actual.to_string() + ", not " + expected.to_string();
}

Answer Caller::do_bind() { return calls().bind(descriptor(0), endpoint(argument(1), false)); }

Answer Caller::do_listen() {
  const int fd = descriptor(0);
  const Answer answer = calls().listen(fd, static_cast<int>(number(1)));
  if (answer.error == 0) listening_port_ = ports_of(fd).first;
  return answer;
}

Answer Caller::do_accept() {
  Endpoint peer;
  const auto flags = static_cast<int>(call_->arguments.size() > 3 ? number(3) : 0);
  const int fd = descriptor(0);
  const Answer answer = until_own_timeout(fd, calls().accept(fd, flags, &peer), SO_RCVTIMEO);
  if (answer.blocked || answer.error != 0) return answer;
  expect_endpoint(argument(1), peer);
  current_ = static_cast<int>(answer.value);
  return answer;
}

Answer Caller::do_connect() {
  const int fd = descriptor(0);
  const Answer answer = until_own_timeout(fd, calls().connect(fd, endpoint(argument(1), true)), SO_SNDTIMEO);
  if (calls().tcp_socket(fd)) current_ = fd;
  return answer;
}

Answer Caller::do_shutdown() { return calls().shutdown(descriptor(0), static_cast<int>(number(1))); }

Answer Caller::do_close() {
  const int fd = descriptor(0);
  const auto ports = ports_of(fd);
  const Answer answer = calls().close(fd);
  if (answer.error != 0) return answer;
  closed_.insert(ports);
  descriptors_.erase(number(0));
  read_.erase(fd);
  if (current_ == fd) current_ = -1;
  if (datagrams_ == fd) datagrams_ = -1;
  return answer;
}

Answer Caller::do_dup() { return calls().dup(descriptor(0)); }

Answer Caller::do_fcntl() { return calls().fcntl(descriptor(0), static_cast<int>(number(1)), number_or(2, 0)); }

// The argument is what goes in, or what is to come out: [5], or 5.
Answer Caller::do_ioctl() {
  const Value* value = call_->arguments.size() > 2 ? &argument(2) : nullptr;
  if (value && value->kind == Value::Kind::list && !value->items.empty()) value = &value->items[0];
  int content = value && value->is_number() ? static_cast<int>(value->number) : 0;
  const auto request = static_cast<unsigned long>(number(1));
  const Answer answer = calls().ioctl(descriptor(0), request, content);
  if (answer.error == 0) expect_number("the value", value, content);
  return answer;
}

Answer Caller::do_getsockname() {
  Endpoint end;
  const Answer answer = calls().getsockname(descriptor(0), end);
  if (answer.error == 0) expect_endpoint(argument(1), end);
  return answer;
}

Answer Caller::do_getpeername() {
  Endpoint end;
  const Answer answer = calls().getpeername(descriptor(0), end);
  if (answer.error == 0) expect_endpoint(argument(1), end);
  return answer;
}

}  // namespace sluice::lab::drill
