// A directory as a FileSource: nothing outside of it can be read, whatever names and links say.
#pragma once

#include <string>

#include "http/static_files.hpp"
#include "tun/fd.hpp"

namespace sluice::tools {

/// Files are read by pread() as the connection takes them, on the loop's thread: meant for disks and page caches, not
/// for network file systems. Only regular files are served; links are followed while they stay below the root.
class DirectorySource final : public http::FileSource {
 public:
  enum class Resolve {
    automatic,  ///< by openat2(RESOLVE_BENEATH), or step by step where the kernel has no such call
    by_steps,   ///< component by component, following no link at all
  };

  /// Throws tun::Error when `root` is no directory that can be opened.
  explicit DirectorySource(const std::string& root, Resolve resolve = Resolve::automatic);

  Found open(std::string_view path) override;

 private:
  tun::Fd open_beneath(const std::string& path);
  tun::Fd open_by_steps(std::string_view path);

  tun::Fd root_;
  bool by_steps_;
};

}  // namespace sluice::tools
