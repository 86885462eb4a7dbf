// Numbers of either byte order, as capture files have them.
#pragma once

#include <cstdint>

#include "stack/base/bytes.hpp"

namespace sluice::lab {

/// A ByteReader for files whose byte order is known only when their magic number has been read.
class EndianReader {
 public:
  EndianReader(Bytes bytes, bool little) noexcept : reader_(bytes), little_(little) {}

  std::uint8_t u8() noexcept { return reader_.u8(); }
  std::uint16_t u16() noexcept { return little_ ? __builtin_bswap16(reader_.u16()) : reader_.u16(); }
  std::uint32_t u32() noexcept { return little_ ? __builtin_bswap32(reader_.u32()) : reader_.u32(); }
  std::uint64_t u64() noexcept { return little_ ? __builtin_bswap64(reader_.u64()) : reader_.u64(); }
  Bytes take(std::size_t count) noexcept { return reader_.take(count); }
  void skip(std::size_t count) noexcept { reader_.skip(count); }
  Bytes rest() const noexcept { return reader_.rest(); }
  std::size_t remaining() const noexcept { return reader_.remaining(); }
  bool ok() const noexcept { return reader_.ok(); }

 private:
  ByteReader reader_;
  bool little_;
};

}  // namespace sluice::lab
