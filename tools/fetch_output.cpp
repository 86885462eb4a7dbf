// Opens late: a connection that fails leaves the file of an earlier run alone.
#include "tools/fetch_output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "tun/error.hpp"

namespace sluice::tools {

FetchOutput::FetchOutput(tun::EventLoop& loop, std::string path, std::function<void()> ready)
    : loop_(loop), path_(std::move(path)), ready_(std::move(ready)) {}

Partial FetchOutput::partial() const {
  const tun::Fd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!file || ::fstat(file.number(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  return {static_cast<std::uint64_t>(status.st_size), remembered_validator(file.number())};
}

bool FetchOutput::open(bool append) {
  if (output_) return true;
  if (is_file()) {
    const int mode = append ? O_APPEND : O_TRUNC;
    file_ = tun::Fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | mode, 0644));
    if (!file_) {
      error_ = fmt::format("cannot write {}: {}", path_, tun::errno_text(errno));
      return false;
    }
  }
  output_ = std::make_unique<Output>(loop_, is_file() ? file_.number() : STDOUT_FILENO, ready_);
  return true;
}

bool FetchOutput::flush() {
  if (waiting_.empty()) return true;
  const Result<std::size_t> written = output_->write(waiting_);
  if (!written) {
    error_ = "the output is closed";
    return false;
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(*written));
  if (!waiting_.empty()) output_->want();
  return waiting_.empty();
}

}  // namespace sluice::tools
