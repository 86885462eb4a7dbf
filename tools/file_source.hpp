// A directory as a FileSource: nothing outside of it can be read, whatever names and links say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "http/static_files.hpp"
#include "tools/file_memory.hpp"
#include "tun/fd.hpp"

namespace sluice::tools {

/// Files are read by pread() as the connection takes them, on the loop's thread: meant for disks and page caches, not
/// for network file systems. What is asked for again and again is read once and sent from a FileMemory. Only regular
/// files are served; links are followed while they stay below the root. A resource may outlive its source.
class DirectorySource final : public http::FileSource {
 public:
  enum class Resolve {
    automatic,  ///< by openat2(RESOLVE_BENEATH), or step by step where the kernel has no such call
    by_steps,   ///< component by component, following no link at all
  };

  struct Settings {
    Resolve resolve = Resolve::automatic;
    std::size_t memory = std::size_t{64} << 20;  ///< bytes of files kept for the next request; 0: none
    /// Nanoseconds since 1970 UTC by which files are old or young; empty: the system's clock.
    std::function<std::int64_t()> wall_clock = {};
  };

  /// Throws tun::Error when `root` is no directory that can be opened.
  explicit DirectorySource(const std::string& root) : DirectorySource(root, Settings{}) {}
  DirectorySource(const std::string& root, Settings settings);

  Found open(std::string_view path) override;

 private:
  tun::Fd open_beneath(const std::string& path);
  tun::Fd open_by_steps(std::string_view path);

  tun::Fd root_;
  bool by_steps_;
  std::function<std::int64_t()> wall_clock_;
  std::shared_ptr<FileMemory> memory_;
};

}  // namespace sluice::tools
