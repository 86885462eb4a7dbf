// The steps from a path to an answer: which file, whether the client has it already, which part of it.
#include "http/static_files.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>

#include "http/date.hpp"

namespace sluice::http {
namespace {

constexpr std::string_view kAllowed = "GET, HEAD, OPTIONS";

struct MediaType {
  std::string_view ending;
  std::string_view type;
};

constexpr std::array kMediaTypes = {
    MediaType{"html", "text/html; charset=utf-8"},
    MediaType{"htm", "text/html; charset=utf-8"},
    MediaType{"css", "text/css; charset=utf-8"},
    MediaType{"js", "text/javascript; charset=utf-8"},
    MediaType{"mjs", "text/javascript; charset=utf-8"},
    MediaType{"txt", "text/plain; charset=utf-8"},
    MediaType{"md", "text/markdown; charset=utf-8"},
    MediaType{"csv", "text/csv; charset=utf-8"},
    MediaType{"json", "application/json"},
    MediaType{"map", "application/json"},
    MediaType{"xml", "application/xml"},
    MediaType{"svg", "image/svg+xml"},
    MediaType{"png", "image/png"},
    MediaType{"jpg", "image/jpeg"},
    MediaType{"jpeg", "image/jpeg"},
    MediaType{"gif", "image/gif"},
    MediaType{"webp", "image/webp"},
    MediaType{"avif", "image/avif"},
    MediaType{"ico", "image/x-icon"},
    MediaType{"woff", "font/woff"},
    MediaType{"woff2", "font/woff2"},
    MediaType{"ttf", "font/ttf"},
    MediaType{"pdf", "application/pdf"},
    MediaType{"wasm", "application/wasm"},
    MediaType{"zip", "application/zip"},
    MediaType{"gz", "application/gzip"},
    MediaType{"tar", "application/x-tar"},
    MediaType{"mp3", "audio/mpeg"},
    MediaType{"ogg", "audio/ogg"},
    MediaType{"wav", "audio/wav"},
    MediaType{"mp4", "video/mp4"},
    MediaType{"webm", "video/webm"},
    MediaType{"pcapng", "application/vnd.tcpdump.pcap"},
    MediaType{"pcap", "application/vnd.tcpdump.pcap"},
};

enum class PathVerdict { fine, malformed, upwards, absent };

/// Looks at a decoded path "/a/b/", whose slashes are the raw path's own, segment by segment.
PathVerdict judge_path(std::string_view path) noexcept {
  path.remove_prefix(1);
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (segment == "..") return PathVerdict::upwards;
    if (segment.empty() || segment == ".") return PathVerdict::absent;  // another name for a path: one name a file
    if (slash == path.npos) break;
    path.remove_prefix(slash + 1);
  }
  return PathVerdict::fine;
}

struct FileFacts {
  std::uint64_t size = 0;
  std::int64_t modified_seconds = 0;
  std::string etag;  ///< with its quotes; strong: it changes with size and time of change
};

std::string make_etag(std::int64_t modified_nanoseconds, std::uint64_t size) {
  std::array<char, 40> text;
  char* end = std::to_chars(text.begin(), text.end(), static_cast<std::uint64_t>(modified_nanoseconds), 16).ptr;
  *end++ = '-';
  end = std::to_chars(end, text.end(), size, 16).ptr;
  std::string etag = "\"";
  etag.append(text.begin(), end).append("\"");
  return etag;
}

FileFacts facts_of(const FileSource::Found& found) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t seconds = std::max<std::int64_t>(found.modified_nanoseconds, 0) / kSecond;
  const std::uint64_t size = found.resource->size();
  return {size, seconds, make_etag(found.modified_nanoseconds, size)};
}

/// Weak comparison with each tag of the list (RFC 9110 8.8.3.2, 13.1.2).
bool lists_tag(std::string_view list, std::string_view etag) noexcept {
  while (auto element = next_element(list)) {
    if (element->starts_with("W/")) element->remove_prefix(2);
    if (*element == "*" || *element == etag) return true;
  }
  return false;
}

/// If-None-Match, and only without it If-Modified-Since (RFC 9110 13.2.2).
bool client_has_it(const Request& request, const FileFacts& facts) {
  if (request.fields.count("If-None-Match") > 0) return lists_tag(request.fields.joined("If-None-Match"), facts.etag);
  const auto since = request.fields.find("If-Modified-Since");
  if (!since) return false;
  const auto date = parse_date(*since);
  return date && facts.modified_seconds <= *date;
}

/// If-Range: a part is wanted only of what the client has already seen, told by strong tag or exact date (RFC
/// 9110 13.1.5).
bool range_still_fits(const Request& request, const FileFacts& facts) {
  const auto condition = request.fields.find("If-Range");
  if (!condition) return true;
  if (condition->starts_with('"')) return *condition == facts.etag;
  return parse_date(*condition) == facts.modified_seconds;
}

struct Range {
  std::uint64_t first = 0;
  std::uint64_t size = 0;  ///< 0: nothing of the file lies in it
};

/// One range of bytes; nullopt when the field is to be ignored: another unit, several ranges, bad grammar (RFC
/// 9110 14.2).
std::optional<Range> parse_range(std::string_view text, std::uint64_t file_size) noexcept {
  constexpr std::string_view kUnit = "bytes=";
  if (!iequals(text.substr(0, kUnit.size()), kUnit)) return std::nullopt;
  const std::string_view spec = trim(text.substr(kUnit.size()));
  const std::size_t dash = spec.find('-');
  if (dash == spec.npos) return std::nullopt;
  const std::string_view from = spec.substr(0, dash);
  const std::string_view to = spec.substr(dash + 1);
  const auto first = parse_decimal(from);
  const auto last = parse_decimal(to);
  if ((!first && !from.empty()) || (!last && !to.empty()) || (!first && !last)) return std::nullopt;
  if (!first) {  // the last bytes
    const std::uint64_t size = std::min(*last, file_size);
    return Range{file_size - size, size};
  }
  if (last && *last < *first) return std::nullopt;
  if (*first >= file_size) return Range{};
  const std::uint64_t end = last ? std::min(*last, file_size - 1) : file_size - 1;
  return Range{*first, end - *first + 1};
}

void describe(Response& response, std::string_view path, const FileFacts& facts) {
  response.fields.reserve(6);
  response.fields.add("Content-Type", std::string(media_type(path)));
  response.fields.add("Last-Modified", format_date(facts.modified_seconds));
  response.fields.add("ETag", facts.etag);
  response.fields.add("Accept-Ranges", "bytes");
}

std::string content_range(std::string_view part, std::uint64_t size) {
  return "bytes " + std::string(part) + "/" + std::to_string(size);
}

Answer part_answer(Response&& response, FileSource::Found&& found, const FileFacts& facts, Range range) {
  if (range.size == 0) {
    Answer answer = status_answer(416);
    answer.response.fields.add("Content-Range", content_range("*", facts.size));
    return answer;
  }
  const std::string part = std::to_string(range.first) + "-" + std::to_string(range.first + range.size - 1);
  response.status = 206;
  response.fields.add("Content-Range", content_range(part, facts.size));
  return {std::move(response), ResourceBody{std::move(found.resource), range.first, range.size}};
}

Answer file_answer(const Request& request, std::string_view path, FileSource::Found&& found) {
  const FileFacts facts = facts_of(found);
  Response response;
  describe(response, path, facts);
  if (client_has_it(request, facts)) {
    response.status = 304;
    return {std::move(response), NoBody{}};
  }
  const auto wanted = request.fields.find("Range");
  if (wanted && request.method == "GET" && range_still_fits(request, facts)) {
    if (const auto range = parse_range(*wanted, facts.size))
      return part_answer(std::move(response), std::move(found), facts, *range);
  }
  return {std::move(response), body_of(std::move(found.resource))};
}

/// To the same name with a slash, so that relative links in its index.html work.
Answer redirect_answer(const Request& request) {
  std::string location(request.raw_path());
  location += '/';
  if (!request.query().empty()) location.append("?").append(request.query());
  Answer answer = status_answer(301);
  answer.response.fields.add("Location", std::move(location));
  return answer;
}

Answer options_answer() {
  Answer answer;
  answer.response.status = 204;
  answer.response.fields.add("Allow", std::string(kAllowed));
  return answer;
}

Answer method_answer() {
  Answer answer = status_answer(405);
  answer.response.fields.add("Allow", std::string(kAllowed));
  return answer;
}

/// `path` is judged: "/a/b" or "/a/b/".
Answer look_up(const Request& request, std::string path, FileSource& files) {
  path.erase(0, 1);
  const bool wants_directory = path.empty() || path.back() == '/';
  if (wants_directory) path += "index.html";
  FileSource::Found found = files.open(path);
  switch (found.kind) {
    case FileSource::Kind::file: return file_answer(request, path, std::move(found));
    case FileSource::Kind::directory: return wants_directory ? status_answer(404) : redirect_answer(request);
    case FileSource::Kind::forbidden: return status_answer(403);
    case FileSource::Kind::missing: break;
  }
  return status_answer(404);
}

}  // namespace

Answer serve_file(const Request& request, FileSource& files) {
  if (request.method == "OPTIONS") return options_answer();
  if (request.method != "GET" && request.method != "HEAD") return method_answer();
  std::optional<std::string> path = request.path();
  if (!path) return status_answer(400);
  switch (judge_path(*path)) {
    case PathVerdict::fine: return look_up(request, std::move(*path), files);
    case PathVerdict::upwards: return status_answer(403);
    default: return status_answer(404);
  }
}

Answer status_answer(int status) {
  Answer answer;
  answer.response.status = status;
  answer.response.fields.add("Content-Type", "text/plain; charset=utf-8");
  answer.body = std::to_string(status).append(" ").append(reason_phrase(status)).append("\n");
  return answer;
}

std::string_view media_type(std::string_view path) noexcept {
  const std::string_view name = path.substr(path.rfind('/') + 1);  // npos + 1 is 0
  const std::size_t dot = name.rfind('.');
  if (dot != name.npos) {
    for (const MediaType& known : kMediaTypes) {
      if (iequals(known.ending, name.substr(dot + 1))) return known.type;
    }
  }
  return "application/octet-stream";
}

}  // namespace sluice::http
