// A stack's trace events as a file of JSON lines.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "stack/base/trace.hpp"
#include "tun/fd.hpp"

namespace sluice::tools {

/// The first line tells the format's version and the wall-clock time of the trace's beginning; every other line is one
/// event: {"t_ns":…,"kind":"segment_out","flow":"9a…","seq":…}. t_ns counts from the beginning; flow is hexadecimal,
/// because JSON's numbers end at 2^53. A disk that fails ends the trace, never the stack: see error().
class TraceFile final : public Observer {
 public:
  /// Creates or empties `path`. Throws tun::Error. `wall_offset` added to a Time gives nanoseconds since 1970.
  TraceFile(std::string path, Time began, std::chrono::nanoseconds wall_offset);
  ~TraceFile();
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;

  void on_event(const TraceEvent& event) noexcept override;
  /// Hands what is buffered to the system; called by itself when 64 KiB have gathered.
  void flush() noexcept;

  const std::string& path() const noexcept { return path_; }
  std::uint64_t events() const noexcept { return events_; }
  /// Why writing ended, or empty.
  const std::string& error() const noexcept { return error_; }

 private:
  std::string path_;
  Time began_;
  tun::Fd fd_;
  fmt::memory_buffer buffer_;
  std::uint64_t events_ = 0;
  std::string error_;
};

}  // namespace sluice::tools
