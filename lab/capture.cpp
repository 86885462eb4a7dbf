// Buffered writing and the shift of names when a file is full.
#include "lab/capture.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
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

Parsed<std::unique_ptr<CaptureWriter>> CaptureWriter::open(CaptureSettings settings) {
  std::unique_ptr<CaptureWriter> writer(new CaptureWriter(std::move(settings)));
  if (!writer->begin_file()) return Parsed<std::unique_ptr<CaptureWriter>>::failed(writer->error_);
  return writer;
}

CaptureWriter::~CaptureWriter() { flush(); }

/// "x.pcapng", "x.1.pcapng", "x.2.pcapng", …
std::string CaptureWriter::path_of(unsigned number) const {
  if (number == 0) return settings_.path;
  const std::filesystem::path path(settings_.path);
  std::filesystem::path numbered = path;
  numbered.replace_filename(fmt::format("{}.{}{}", path.stem().string(), number, path.extension().string()));
  return numbered.string();
}

bool CaptureWriter::begin_file() {
  fd_ = tun::Fd(::open(settings_.path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd_) {
    error_ = errno_sentence(settings_.path);
    return false;
  }
  writer_ = std::make_unique<PcapngWriter>(settings_.link, settings_.interface_name, settings_.snap);
  file_size_ = 0;
  has_packets_ = false;
  flush();
  return error_.empty();
}

void CaptureWriter::rotate() {
  flush();
  std::error_code ignored;  // a name that can't be moved is overwritten below
  for (unsigned number = settings_.files; number-- > 1;)
    std::filesystem::rename(path_of(number - 1), path_of(number), ignored);
  begin_file();
}

void CaptureWriter::flush() noexcept {
  if (!error_.empty() || writer_->bytes().empty()) return;
  if (write_all(fd_.number(), writer_->bytes()))
    file_size_ += writer_->bytes().size();
  else
    error_ = errno_sentence(settings_.path);
  writer_->bytes().clear();
}

void CaptureWriter::add(Time at, Direction direction, Bytes packet, std::string_view comment) noexcept {
  add(at, direction, Gather(&packet, 1), comment);
}

void CaptureWriter::add(Time at, Direction direction, const Frame& frame, std::string_view comment) noexcept {
  pieces_.assign(1, frame.head);
  for (const Slice& slice : frame.body) pieces_.push_back(slice.bytes());
  add(at, direction, Gather(pieces_), comment);
}

void CaptureWriter::add(Time at, Direction direction, Gather pieces, std::string_view comment) noexcept {
  constexpr std::size_t kOverhead = 64;  // of a block, nearly
  const std::uint64_t size = file_size_ + writer_->bytes().size() + gather_size(pieces) + comment.size() + kOverhead;
  const bool too_large = settings_.maximum_size != 0 && size > settings_.maximum_size;
  if (error_.empty() && too_large && has_packets_) rotate();
  if (!error_.empty()) {
    ++missed_;
    return;
  }
  writer_->add({at.time_since_epoch() + settings_.wall_offset, direction, comment}, pieces);
  ++packets_;
  has_packets_ = true;
  if (writer_->bytes().size() >= kBuffer) flush();
}

}  // namespace sluice::lab
