// One event, one line, one append to a buffer.
#include "tools/trace_file.hpp"

#include <fcntl.h>

#include <cerrno>
#include <iterator>
#include <utility>

#include "tun/error.hpp"

namespace sluice::tools {
namespace {

constexpr std::size_t kFlushSize = 65536;

/// Keys and texts are names of ours: nothing in them needs escaping.
void append_field(fmt::memory_buffer& out, const TraceField& field) {
  auto end = std::back_inserter(out);
  if (field.text.empty())
    fmt::format_to(end, ",\"{}\":{}", field.key, field.number);
  else
    fmt::format_to(end, ",\"{}\":\"{}\"", field.key, field.text);
}

}  // namespace

TraceFile::TraceFile(std::string path, Time began, std::chrono::nanoseconds wall_offset)
    : path_(std::move(path)),
      began_(began),
      fd_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644)) {
  if (!fd_) throw tun::Error(tun::from_errno(errno), fmt::format("cannot write {}: {}", path_, tun::errno_text(errno)));
  fmt::format_to(std::back_inserter(buffer_), "{{\"trace\":\"sluice\",\"version\":{},\"began_unix_ns\":{}}}\n",
                 kTraceVersion, (began.time_since_epoch() + wall_offset).count());
  flush();
}

TraceFile::~TraceFile() { flush(); }

void TraceFile::on_event(const TraceEvent& event) noexcept {
  if (!error_.empty()) return;
  ++events_;
  auto end = std::back_inserter(buffer_);
  fmt::format_to(end, "{{\"t_ns\":{},\"kind\":\"{}\"", (event.at - began_).count(), name(event.kind));
  if (event.flow != 0) fmt::format_to(end, ",\"flow\":\"{:016x}\"", event.flow);
  for (const TraceField& field : event.fields) append_field(buffer_, field);
  fmt::format_to(end, "}}\n");
  if (buffer_.size() >= kFlushSize) flush();
}

void TraceFile::flush() noexcept {
  std::size_t written = 0;
  while (written < buffer_.size() && error_.empty()) {
    const ssize_t count = ::write(fd_.number(), buffer_.data() + written, buffer_.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0)
      error_ = fmt::format("the trace {} ended early: {}", path_, tun::errno_text(errno));
    else
      written += static_cast<std::size_t>(count);
  }
  buffer_.clear();
}

}  // namespace sluice::tools
