// Packets of both families, several in a row: headers, options, extension headers, fragments, ICMP.
// Input: records of {what to mend or, above 0xf0, how long to wait; 16-bit length; packet}.
#include "tests/fuzz/ip_input.hpp"

namespace {

using namespace sluice;
using namespace sluice::fuzz;

void judge(const ip::Received& received, const ip::Layer& layer) {
  if (const auto* const datagram = std::get_if<ip::Datagram>(&received)) {
    require(datagram->header_size <= datagram->packet.size());
    require(!datagram->source.is_invalid_source());
    require(datagram->to_group || layer.is_local(datagram->destination));
    require(datagram->source.family() == datagram->destination.family());
  }
  if (const auto* const error = std::get_if<ip::IcmpError>(&received)) {
    require(error->quote().size() >= 8);
    require(layer.is_local(error->local));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  BufferPool pool;
  Budget budget(1u << 20);
  ip::Outbox outbox;
  ip::Layer layer(config(), Key{}, outbox, budget, {});
  Time now = Time{} + std::chrono::hours(1);
  while (!input.empty()) {
    const std::uint8_t control = input.u8();
    if (control > 0xf0) {
      now += std::chrono::seconds(control - 0xf0);
      layer.handle_timeout(now);
      continue;
    }
    Octets packet = input.take(input.u16());
    mend(packet, control);
    judge(layer.receive(Packet::copy_of(pool, packet), now), layer);
    require(budget.used() <= 100'000);
    JudgingSink sink;
    outbox.drain(sink);
  }
  layer.handle_timeout(now + std::chrono::minutes(1));
  require(budget.used() == 0);
  return 0;
}
