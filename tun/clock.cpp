// Clocks and getrandom.
#include "tun/clock.hpp"

#include <sys/random.h>
#include <time.h>

#include <cerrno>

#include "stack/base/bytes.hpp"
#include "tun/error.hpp"

namespace sluice::tun {
namespace {

std::chrono::nanoseconds read_clock(clockid_t which) noexcept {
  timespec now{};
  ::clock_gettime(which, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

Time monotonic_now() noexcept { return Time(read_clock(CLOCK_MONOTONIC)); }

Duration time_asleep() noexcept { return read_clock(CLOCK_BOOTTIME) - read_clock(CLOCK_MONOTONIC); }

std::chrono::nanoseconds wall_clock_offset() noexcept {
  return read_clock(CLOCK_REALTIME) - read_clock(CLOCK_MONOTONIC);
}

Key random_key() {
  Key key;
  if (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size()))
    throw Error(from_errno(errno), "the kernel gives no random numbers: " + errno_text(errno));
  return key;
}

Key key_from_seed(std::string_view seed) noexcept {
  // Four hashes of the text under a fixed key fill the 32 bytes; secrecy is not what a seed is for.
  Key key{};
  for (std::uint8_t part = 0; part < 4; ++part) {
    Key fixed{};
    fixed[0] = part;
    const std::uint64_t hash = KeyedHash(fixed, KeyUse::test)(as_bytes(seed));
    ByteWriter(MutableBytes(key).subspan(part * std::size_t{8}, 8)).u64(hash);
  }
  return key;
}

}  // namespace sluice::tun
