// Folders that nobody else can write to, and the sockets in them.
#include "tools/control_paths.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "tools/control_client.hpp"
#include "tun/error.hpp"

namespace sluice::tools {
namespace {

namespace fs = std::filesystem;
constexpr const char* kEnding = ".sock";

/// Makes the folder, or finds it owned by us and closed to others.
bool usable_folder(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return false;
  struct stat status {};
  if (::lstat(folder.c_str(), &status) != 0) return false;
  const bool ours = S_ISDIR(status.st_mode) && status.st_uid == ::geteuid() && (status.st_mode & 0022) == 0;
  return ours && ::access(folder.c_str(), W_OK | X_OK) == 0;
}

/// Nobody listens there any more; the socket is removed then.
bool is_dead(const std::string& path) {
  if (somebody_answers(path) || errno != ECONNREFUSED) return false;
  ::unlink(path.c_str());
  return true;
}

std::vector<std::string> sockets_in(const std::string& folder) {
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (it->path().extension() == kEnding && it->is_socket(error)) found.push_back(it->path().string());
  std::erase_if(found, is_dead);
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

std::vector<std::string> control_folders() {
  std::vector<std::string> folders;
  if (::geteuid() == 0) folders.emplace_back("/run/sluice");
  if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime && *runtime == '/')
    folders.push_back(std::string(runtime) + "/sluice");
  std::error_code error;
  const fs::path temporary = fs::temp_directory_path(error);
  if (!error) folders.push_back((temporary / fmt::format("sluice-{}", ::geteuid())).string());
  return folders;
}

std::string make_control_path(const std::vector<std::string>& folders, const std::string& name) {
  for (const std::string& folder : folders)
    if (usable_folder(folder)) return fmt::format("{}/{}{}", folder, name, kEnding);
  throw tun::Error(Errc::permission_denied,
                   fmt::format("no place for the control socket: cannot use {}", fmt::join(folders, ", ")));
}

std::string find_control_socket(const std::string& name) {
  std::vector<std::string> all;
  for (const std::string& folder : control_folders()) {
    const std::vector<std::string> here = sockets_in(folder);
    all.insert(all.end(), here.begin(), here.end());
  }
  if (!name.empty()) {
    for (const std::string& path : all)
      if (fs::path(path).stem() == name) return path;
    throw tun::Error(Errc::not_found, fmt::format("no sluice named {} runs here", name));
  }
  if (all.empty()) throw tun::Error(Errc::not_found, "no sluice runs here (sluice serve begins one)");
  if (all.size() == 1) return all.front();
  std::vector<std::string> names;
  names.reserve(all.size());
  for (const std::string& path : all) names.push_back(fs::path(path).stem().string());
  throw tun::Error(Errc::invalid_argument, fmt::format("several run, say which: {}", fmt::join(names, ", ")));
}

}  // namespace sluice::tools
