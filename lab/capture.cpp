// Buffered writing and the shift of names when a file is full.
#include "lab/capture.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>

namespace sluice::lab {
namespace {

constexpr std::size_t kBuffer = 65536;

std::string errno_sentence(const std::string& path) {
  return fmt::format("cannot write {}: {}", path, std::generic_category().message(errno));
}

bool write_all(int fd, const std::vector<std::uint8_t>& bytes) noexcept {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t written = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    done += static_cast<std::size_t>(written);
  }
  return true;
}

}  // namespace

/// What the writers of one file share; every call takes its lock.
class CaptureWriter::File {
 public:
  explicit File(CaptureSettings settings) : settings_(std::move(settings)) { begin(); }
  ~File() { write_out(); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  const CaptureSettings& settings() const noexcept { return settings_; }
  std::string error() const {
    const std::lock_guard lock(mutex_);
    return error_;
  }
  std::uint64_t packets() const noexcept {
    const std::lock_guard lock(mutex_);
    return packets_;
  }
  std::uint64_t missed() const noexcept {
    const std::lock_guard lock(mutex_);
    return missed_;
  }
  void flush() noexcept {
    const std::lock_guard lock(mutex_);
    write_out();
  }
  void add(const PcapngWriter::Note& note, Gather pieces) noexcept;

 private:
  void begin();
  void rotate();
  void write_out() noexcept;
  std::string path_of(unsigned number) const;

  const CaptureSettings settings_;
  mutable std::mutex mutex_;  // guards all that follows
  tun::Fd fd_;
  std::unique_ptr<PcapngWriter> writer_;
  std::uint64_t size_ = 0;  // bytes that reached the file
  std::uint64_t packets_ = 0;
  std::uint64_t missed_ = 0;
  bool has_packets_ = false;
  std::string error_;
};

/// "x.pcapng", "x.1.pcapng", "x.2.pcapng", …
std::string CaptureWriter::File::path_of(unsigned number) const {
  if (number == 0) return settings_.path;
  const std::filesystem::path path(settings_.path);
  std::filesystem::path numbered = path;
  numbered.replace_filename(fmt::format("{}.{}{}", path.stem().string(), number, path.extension().string()));
  return numbered.string();
}

void CaptureWriter::File::begin() {
  fd_ = tun::Fd(::open(settings_.path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd_) {
    error_ = errno_sentence(settings_.path);
    return;
  }
  writer_ =
      std::make_unique<PcapngWriter>(settings_.link, settings_.interface_name, settings_.snap, settings_.interfaces);
  size_ = 0;
  has_packets_ = false;
  write_out();
}

void CaptureWriter::File::rotate() {
  write_out();
  std::error_code ignored;  // a name that can't be moved is overwritten below
  for (unsigned number = settings_.files; number-- > 1;)
    std::filesystem::rename(path_of(number - 1), path_of(number), ignored);
  begin();
}

void CaptureWriter::File::write_out() noexcept {
  if (!error_.empty() || writer_->bytes().empty()) return;
  if (write_all(fd_.number(), writer_->bytes()))
    size_ += writer_->bytes().size();
  else
    error_ = errno_sentence(settings_.path);
  writer_->bytes().clear();
}

void CaptureWriter::File::add(const PcapngWriter::Note& note, Gather pieces) noexcept {
  constexpr std::size_t kOverhead = 64;  // of a block, nearly
  const std::lock_guard lock(mutex_);
  if (error_.empty()) {
    const std::uint64_t size = size_ + writer_->bytes().size() + gather_size(pieces) + note.comment.size() + kOverhead;
    if (settings_.maximum_size != 0 && size > settings_.maximum_size && has_packets_) rotate();
  }
  if (!error_.empty()) {
    ++missed_;
    return;
  }
  writer_->add(note, pieces);
  ++packets_;
  has_packets_ = true;
  if (writer_->bytes().size() >= kBuffer) write_out();
}

// --- one writer

CaptureWriter::CaptureWriter(std::shared_ptr<File> file, unsigned interface) noexcept
    : file_(std::move(file)), interface_(interface) {}

CaptureWriter::~CaptureWriter() { flush(); }

Parsed<std::unique_ptr<CaptureWriter>> CaptureWriter::open(CaptureSettings settings) {
  auto file = std::make_shared<File>(std::move(settings));
  if (const std::string error = file->error(); !error.empty())
    return Parsed<std::unique_ptr<CaptureWriter>>::failed(error);
  return std::unique_ptr<CaptureWriter>(new CaptureWriter(std::move(file), 0));
}

std::unique_ptr<CaptureWriter> CaptureWriter::join(unsigned interface) const {
  return std::unique_ptr<CaptureWriter>(new CaptureWriter(file_, interface));
}

const CaptureSettings& CaptureWriter::settings() const noexcept { return file_->settings(); }
std::string CaptureWriter::error() const { return file_->error(); }
std::uint64_t CaptureWriter::packets() const noexcept { return file_->packets(); }
std::uint64_t CaptureWriter::missed() const noexcept { return file_->missed(); }
void CaptureWriter::flush() noexcept { file_->flush(); }

void CaptureWriter::add(Time at, Direction direction, Bytes packet, std::string_view comment) noexcept {
  add(at, direction, Gather(&packet, 1), comment);
}

void CaptureWriter::add(Time at, Direction direction, const Frame& frame, std::string_view comment) noexcept {
  pieces_.assign(1, frame.head);
  for (const Slice& slice : frame.body) pieces_.push_back(slice.bytes());
  add(at, direction, Gather(pieces_), comment);
}

void CaptureWriter::add(Time at, Direction direction, Gather pieces, std::string_view comment) noexcept {
  file_->add({at.time_since_epoch() + settings().wall_offset, direction, comment, interface_}, pieces);
}

}  // namespace sluice::lab
