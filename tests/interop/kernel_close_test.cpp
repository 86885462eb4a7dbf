// How connections with the kernel's TCP end: half-close, simultaneous close, resets and refusals.
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "tests/interop/kernel_lab.hpp"

namespace sluice::interop {
namespace {

constexpr std::size_t kMebibyte = std::size_t{1} << 20;
constexpr std::uint16_t kClosedPort = 9;

/// The states that connections of the stack entered, in order.
class States final : public Observer {
 public:
  void on_event(const TraceEvent& event) noexcept override {
    if (event.kind != TraceKind::state) return;
    for (const TraceField& field : event.fields)
      if (field.key == "to") entered_ += std::string(field.text) + " ";
  }
  const std::string& entered() const noexcept { return entered_; }

 private:
  std::string entered_;
};

/// `first` asks and finishes at once; `second` answers with 1 MiB after it has seen the end.
void half_close(KernelLab& lab, const Variant& variant, bool we_finish_first) {
  Pair pair = lab.connect(variant);
  End& first = we_finish_first ? static_cast<End&>(*pair.ours) : *pair.kernels;
  End& second = we_finish_first ? static_cast<End&>(*pair.kernels) : *pair.ours;
  first.outgoing = as_bytes("how much is there?");
  first.finish = true;
  first.pump();
  const tcp::State half_closed = we_finish_first ? tcp::State::fin_wait_2 : tcp::State::close_wait;
  CHECK(lab.run_until([&] { return second.eof && pair.ours->socket.state() == half_closed; }));
  CHECK(second.digest.hex() == sha256(as_bytes("how much is there?")));
  CHECK_FALSE(first.eof);
  second.outgoing = noise_at(0, kMebibyte);
  second.finish = true;
  second.pump();
  CHECK(lab.run_until([&] { return pair.done(); }));
  CHECK(first.error() == Errc::none);
  CHECK(second.error() == Errc::none);
  CHECK(first.received == kMebibyte);
  CHECK(first.digest.hex() == sha256(noise_at(0, kMebibyte)));
}

}  // namespace

TEST_CASE("after one end's FIN the other still sends 1 MiB, whoever opened and whoever finishes first") {
  for (const Variant& variant : kVariants) {
    KernelLab lab;
    for (const bool we_finish_first : {true, false}) {
      CAPTURE(variant.name());
      CAPTURE(we_finish_first);
      half_close(lab, variant, we_finish_first);
    }
    lab.check_rest();
    CHECK(lab.stack().tcp().time_wait_count() == 1);  // of the connection that we finished first
  }
}

TEST_CASE("both ends finish in the same moment and meet in CLOSING") {
  for (const Variant& variant : kVariants) {
    CAPTURE(variant.name());
    States states;
    KernelLab lab({.observer = &states});
    Pair pair = lab.connect(variant);
    pair.ours->finish = pair.kernels->finish = true;
    pair.pump();  // neither has seen the other's FIN: packets move only when the loop turns
    CHECK(lab.run_until([&] { return pair.done(); }));
    pair = {};
    lab.check_rest();
    CAPTURE(states.entered());
    CHECK(states.entered().ends_with("FIN-WAIT-1 CLOSING TIME-WAIT "));
    CHECK(lab.stack().tcp().time_wait_count() == 1);
  }
}

TEST_CASE("a kernel that aborts with text under way resets our connection [9293 MUST-12]") {
  for (const Variant& variant : kVariants) {
    CAPTURE(variant.name());
    KernelLab lab;
    Pair pair = lab.connect(variant);
    pair.kernels->reads = false;
    pair.ours->outgoing = noise_at(0, 16 * kMebibyte);
    pair.pump();
    CHECK(lab.run_until([&] { return pair.ours->info().bytes_acked > 0; }));
    pair.kernels->abort();
    CHECK(lab.run_until([&] { return pair.ours->error() != Errc::none; }));
    CHECK(pair.ours->error() == Errc::connection_reset);
    CHECK(lab.stack().tcp().counters()[tcp::Counter::resets_in] == 1);
    pair = {};
    // The kernel answers each segment that was still on its way with a RST.
    lab.check_rest({"tcp drop_no_connection"});
  }
}

TEST_CASE("our abort with text under way is ECONNRESET for the kernel [9293 MUST-12]") {
  for (const Variant& variant : kVariants) {
    CAPTURE(variant.name());
    KernelLab lab;
    Pair pair = lab.connect(variant);
    pair.ours->reads = false;
    pair.kernels->outgoing = noise_at(0, 16 * kMebibyte);
    pair.pump();
    CHECK(lab.run_until([&] { return pair.ours->info().unread > 0; }));
    pair.ours->abort();
    CHECK(pair.ours->error() == Errc::connection_aborted);
    CHECK(lab.run_until([&] { return pair.kernels->error() != Errc::none; }));
    CHECK(pair.kernels->error() == Errc::connection_reset);
    CHECK(lab.kernel_count("TcpExt", "TCPAbortOnTimeout") == 0);
    pair = {};
    lab.check_rest({"tcp drop_no_connection"});  // what the kernel had sent before it heard
  }
}

TEST_CASE("nobody listens: our connect() and the kernel's are refused") {
  for (const Family family : kFamilies) {
    KernelLab lab;
    auto socket = lab.stack().connect({lab.kernel_address(family), kClosedPort});
    REQUIRE(socket);
    OurEnd ours(lab.loop(), std::move(*socket));
    tun::Fd fd = lab.kernel_socket(family, SOCK_STREAM);
    CHECK(KernelLab::kernel_connect(fd, {lab.our_address(family), kClosedPort}) == EINPROGRESS);
    KernelEnd kernels(lab.loop(), std::move(fd));
    CHECK(lab.run_until([&] { return ours.error() != Errc::none && kernels.error() != Errc::none; }));
    CHECK(ours.error() == Errc::connection_refused);
    CHECK(kernels.error() == Errc::connection_refused);
    ours.socket.close();
    lab.check_rest({"tcp drop_no_connection 1"});
  }
}

}  // namespace sluice::interop
