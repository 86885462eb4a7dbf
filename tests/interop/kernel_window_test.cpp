// Zero windows between the kernel's TCP and ours: the sender stalls, probes, and goes on without losing a byte.
#include <doctest/doctest.h>

#include "tests/interop/kernel_lab.hpp"

namespace sluice::interop {
namespace {

constexpr std::size_t kAmount = std::size_t{1} << 20;

void finish_and_check(KernelLab& lab, Pair& pair, End& reader) {
  reader.reads = true;
  pair.ours->finish = pair.kernels->finish = true;
  pair.pump();
  CHECK(lab.run_until([&] { return pair.done(); }));
  CHECK(pair.ours->error() == Errc::none);
  CHECK(pair.kernels->error() == Errc::none);
  CHECK(reader.received == kAmount);
  CHECK(reader.digest.hex() == sha256(noise_at(0, kAmount)));
}

}  // namespace

TEST_CASE("a kernel that does not read stalls us at a zero window, which we probe [9293 MUST-35, MUST-36]") {
  for (const Variant& variant : kVariants) {
    CAPTURE(variant.name());
    KernelLab lab;
    Pair pair = lab.connect(variant, {.kernel_receive_buffer = 8192});
    pair.kernels->reads = false;
    pair.ours->outgoing = noise_at(0, kAmount);
    pair.pump();
    const auto stalled = [&] {
      const tcp::Info info = pair.ours->info();
      return info.send_window == 0 && info.unsent > 0 && lab.stack().tcp().counters()[tcp::Counter::window_probes] >= 2;
    };
    CHECK(lab.run_until(stalled));
    CHECK_FALSE(pair.ours->outgoing.empty());  // the send buffer is full too
    finish_and_check(lab, pair, *pair.kernels);
    pair = {};
    lab.check_rest();
  }
}

TEST_CASE(
    "we do not read, the kernel stalls at our zero window and probes it, and then every byte comes [9293 MUST-37]") {
  for (const Variant& variant : kVariants) {
    CAPTURE(variant.name());
    KernelLab lab;
    Pair pair = lab.connect(variant, {.ours = {.receive_buffer = 16384}});
    pair.ours->reads = false;
    pair.kernels->outgoing = noise_at(0, kAmount);
    pair.pump();
    const auto stalled = [&] {
      const tcp::Info info = pair.ours->info();
      return info.receive_window == 0 && lab.kernel_count("TcpExt", "TCPWinProbe") >= 2;
    };
    CHECK(lab.run_until(stalled));
    CHECK(pair.ours->info().unread <= 16384);
    finish_and_check(lab, pair, *pair.ours);
    pair = {};
    lab.check_rest({"tcp drop_unacceptable"});  // the kernel's probe is an octet that was acknowledged before
  }
}

}  // namespace sluice::interop
