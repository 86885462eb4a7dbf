// Sequence numbers: 32 bits that wrap on the wire, 64 bits that don't inside (RFC 9293 3.4).
#pragma once

#include <compare>
#include <cstdint>

namespace sluice::tcp {

/// A sequence number as a segment carries it: modulo 2^32, meaningless without something to compare it with.
enum class WireSeq : std::uint32_t {};

/// An unwrapped sequence number. Its low 32 bits are what the wire shows, and the rest counts the wraps, so that the
/// comparisons of RFC 9293 3.4 are plain ones: a < b means that a comes first in the stream.
class Seq {
 public:
  constexpr Seq() noexcept = default;
  constexpr explicit Seq(std::uint64_t number) noexcept : number_(number) {}

  /// The first meaning of an initial sequence number. One whole wrap up, so that numbers left of it are positive too.
  static constexpr Seq initial(WireSeq wire) noexcept {
    return Seq((std::uint64_t{1} << 32) + static_cast<std::uint32_t>(wire));
  }
  /// The number nearest to `reference` that shows `wire`: at most 2^31 away, so unambiguous for every window that
  /// RFC 7323 allows (2^30). This is where segments' numbers lose their modulus.
  static constexpr Seq unwrap(WireSeq wire, Seq reference) noexcept {
    const auto distance =
        static_cast<std::int32_t>(static_cast<std::uint32_t>(wire) - static_cast<std::uint32_t>(reference.number_));
    return Seq(reference.number_ + static_cast<std::uint64_t>(std::int64_t{distance}));
  }

  constexpr WireSeq wire() const noexcept { return WireSeq{static_cast<std::uint32_t>(number_)}; }
  constexpr std::uint64_t number() const noexcept { return number_; }

  constexpr Seq& operator+=(std::uint64_t bytes) noexcept {
    number_ += bytes;
    return *this;
  }
  friend constexpr Seq operator+(Seq seq, std::uint64_t bytes) noexcept { return Seq(seq.number_ + bytes); }
  friend constexpr Seq operator-(Seq seq, std::uint64_t bytes) noexcept { return Seq(seq.number_ - bytes); }
  /// Bytes from b to a. REQUIRES b <= a.
  friend constexpr std::uint64_t operator-(Seq a, Seq b) noexcept { return a.number_ - b.number_; }
  friend constexpr auto operator<=>(Seq, Seq) noexcept = default;

 private:
  std::uint64_t number_ = 0;
};

/// The sequence numbers begin <= s < end.
struct SeqRange {
  Seq begin;
  Seq end;
  constexpr std::uint64_t size() const noexcept { return end - begin; }
  constexpr bool empty() const noexcept { return begin >= end; }
  constexpr bool contains(Seq seq) const noexcept { return begin <= seq && seq < end; }
  friend constexpr bool operator==(const SeqRange&, const SeqRange&) noexcept = default;
};

}  // namespace sluice::tcp
