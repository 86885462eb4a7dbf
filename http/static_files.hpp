// From a request to a file's answer: names, types, conditions, ranges. Where files live is a FileSource's business.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "http/answer.hpp"

namespace sluice::http {

/// A tree of files, as names and Resources.
class FileSource {
 public:
  enum class Kind : std::uint8_t { missing, forbidden, directory, file };
  struct Found {
    Kind kind = Kind::missing;
    std::unique_ptr<Resource> resource;     ///< of a file, open; else nullptr
    std::int64_t modified_nanoseconds = 0;  ///< since 1970 UTC, of a file
  };

  FileSource() = default;
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;
  virtual ~FileSource() = default;

  /// Looks a name up. `path` is relative to the root: "" is the root itself, else "a/b.html" without leading or
  /// trailing slash. It never holds an empty, "." or ".." segment, a backslash, or a control byte; that links inside
  /// the tree don't lead out of it is the source's care.
  virtual Found open(std::string_view path) = 0;
};

struct StaticSettings {
  /// Cache-Control: max-age; 0 s is no-cache (ask each time), and without a value nothing is said.
  std::optional<std::chrono::seconds> cache;
  /// In place of a file, name.br or name.gz beside it goes to clients that accept it, unless it is the older one.
  bool precompressed = true;
};

/// Answers GET and HEAD with the file at the request's path, its part, 304 or 412; a directory by its index.html, or by
/// 301 to its name with a slash. OPTIONS is told what is allowed; other methods are 405, bad paths 400, paths that
/// point upwards 403, absent files 404, ranges beyond the end 416. Several ranges at once get the whole file. 406 is
/// for those who accept no coding that is here, not even none.
Answer serve_file(const Request& request, FileSource& files, const StaticSettings& settings = {});

/// "text/html; charset=utf-8" for "a/index.html"; "application/octet-stream" for an unknown ending.
std::string_view media_type(std::string_view path) noexcept;

}  // namespace sluice::http
