// Capture files from anywhere: no reader goes out of bounds, and each ends with packets inside the file or one error.
#include <cstdint>
#include <cstdlib>

#include "lab/capture_reader.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const Bytes file(data, size);
  lab::CaptureReader reader(file);
  std::size_t packets = 0;
  while (const auto packet = reader.next()) {
    ++packets;
    const bool inside = packet->bytes.empty() ||
                        (packet->bytes.data() >= data && packet->bytes.data() + packet->bytes.size() <= data + size);
    if (!inside || packets > size) std::abort();
    if (ip_packet(*packet).size() > packet->bytes.size()) std::abort();
  }
  if (reader.next()) std::abort();
  return 0;
}
