// The exit codes of `sluice get`, which are curl's.
#pragma once

namespace sluice::tools {

inline constexpr int kUnknownScheme = 1;
inline constexpr int kNoUrl = 3;
inline constexpr int kUnknownHost = 6;
inline constexpr int kConnectFailed = 7;
inline constexpr int kBrokenOff = 18;
inline constexpr int kHttpError = 22;
inline constexpr int kWriteFailed = 23;
inline constexpr int kTooSlow = 28;
inline constexpr int kNotResumed = 33;
inline constexpr int kNoTls = 35;
inline constexpr int kTooManyRedirects = 47;
inline constexpr int kNoAnswer = 52;
inline constexpr int kConnectionFailed = 56;
inline constexpr int kNotBelieved = 60;
inline constexpr int kNoTrust = 77;

}  // namespace sluice::tools
