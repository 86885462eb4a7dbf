// Opening a connection: the handshake in all its forms, options, and who is told what (RFC 9293 3.5, 3.7.1, 3.10).
#include <doctest/doctest.h>

#include "tests/support/script.hpp"

namespace sluice::test {
namespace {

using tcp::SendReason;
using tcp::State;

TEST_CASE_FIXTURE(Script, "a SYN for a listener is answered with SYN,ACK, and its ACK establishes [R9293-3.10.7.2-3]") {
  listen();
  in("S 0:0(0) win 1000 <mss 1460>");
  out("S. 0:0(0) ack 1 win 65535 <mss 1460>", SendReason::accept_open);
  in(". 1:1(0) ack 1 win 1000");
  accept();
  state_is(State::established);
  quiet(1h);
}

}  // namespace
}  // namespace sluice::test
