// The numbers of pcapng (draft-ietf-opsawg-pcapng) that the writer and the reader share.
#pragma once

#include <cstdint>

namespace sluice::lab::pcapng {

inline constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a;  ///< the same in both byte orders
inline constexpr std::uint32_t kInterface = 1;
inline constexpr std::uint32_t kOldPacket = 2;
inline constexpr std::uint32_t kSimplePacket = 3;
inline constexpr std::uint32_t kEnhancedPacket = 6;
inline constexpr std::uint32_t kByteOrder = 0x1a2b3c4d;

inline constexpr std::uint16_t kEndOfOptions = 0;
inline constexpr std::uint16_t kComment = 1;        ///< in any block
inline constexpr std::uint16_t kPacketFlags = 2;    ///< in packet blocks
inline constexpr std::uint16_t kInterfaceName = 2;  ///< in interface blocks
inline constexpr std::uint16_t kApplication = 4;    ///< in section headers
inline constexpr std::uint16_t kTimeResolution = 9;
inline constexpr std::uint16_t kTimeOffset = 14;

}  // namespace sluice::lab::pcapng
