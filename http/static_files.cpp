// The steps from a path to an answer: which file, whether the client has it already, which part of it.
#include "http/static_files.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>

#include "http/conditions.hpp"
#include "http/content_coding.hpp"
#include "http/date.hpp"

namespace sluice::http {
namespace {

constexpr std::string_view kAllowed = "GET, HEAD, OPTIONS";

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

/// One of a file's forms: as it is, or compressed beforehand.
struct Variant {
  FileSource::Found found;
  Coding coding = Coding::identity;
};

/// Strong: it changes with size, time of change, and coding.
std::string make_etag(std::int64_t modified_nanoseconds, std::uint64_t size, Coding coding) {
  std::array<char, 40> text;
  char* end = std::to_chars(text.begin(), text.end(), static_cast<std::uint64_t>(modified_nanoseconds), 16).ptr;
  *end++ = '-';
  end = std::to_chars(end, text.end(), size, 16).ptr;
  std::string etag = "\"";
  etag.append(text.begin(), end);
  if (coding != Coding::identity) etag.append("-").append(coding_name(coding));
  return etag.append("\"");
}

Validators validators_of(const Variant& variant) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t modified = variant.found.modified_nanoseconds;
  return {make_etag(modified, variant.found.resource->size(), variant.coding),
          std::max<std::int64_t>(modified, 0) / kSecond};
}

std::string variant_name(const std::string& path, Coding coding) {
  return path + (coding == Coding::gzip ? ".gz" : ".br");
}

/// The best form that the client takes. A compressed one that is older than the file itself is of an older file.
/// nullopt: it takes none of what there is.
std::optional<Variant> choose_variant(const Request& request, const std::string& path, FileSource::Found&& plain,
                                      FileSource& files) {
  for (const Coding coding : accepted_codings(request.fields)) {
    if (coding == Coding::identity) return Variant{std::move(plain), coding};
    FileSource::Found found = files.open(variant_name(path, coding));
    if (found.kind == FileSource::Kind::file && found.modified_nanoseconds >= plain.modified_nanoseconds)
      return Variant{std::move(found), coding};
  }
  return std::nullopt;
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

void describe(Response& response, std::string_view path, Coding coding, const Validators& validators,
              const StaticSettings& settings) {
  response.fields.reserve(9);
  response.fields.add("Content-Type", std::string(media_type(path)));
  if (coding != Coding::identity) response.fields.add("Content-Encoding", std::string(coding_name(coding)));
  if (settings.precompressed) response.fields.add("Vary", "Accept-Encoding");
  response.fields.add("Last-Modified", format_date(validators.modified_seconds));
  response.fields.add("ETag", validators.etag);
  if (settings.cache) {
    const std::int64_t seconds = settings.cache->count();
    response.fields.add("Cache-Control", seconds > 0 ? "max-age=" + std::to_string(seconds) : "no-cache");
  }
  response.fields.add("Accept-Ranges", "bytes");
}

std::string content_range(std::string_view part, std::uint64_t size) {
  return "bytes " + std::string(part) + "/" + std::to_string(size);
}

Answer part_answer(Response&& response, std::unique_ptr<Resource> resource, Range range) {
  const std::uint64_t size = resource->size();
  if (range.size == 0) {
    Answer answer = status_answer(416);
    answer.response.fields.add("Content-Range", content_range("*", size));
    return answer;
  }
  const std::string part = std::to_string(range.first) + "-" + std::to_string(range.first + range.size - 1);
  response.status = 206;
  response.fields.add("Content-Range", content_range(part, size));
  return {std::move(response), ResourceBody{std::move(resource), range.first, range.size}};
}

Answer variant_answer(const Request& request, std::string_view path, Variant&& variant,
                      const StaticSettings& settings) {
  const Validators validators = validators_of(variant);
  const Verdict verdict = judge_conditions(request.fields, validators);
  if (verdict == Verdict::failed) return status_answer(412);
  Response response;
  describe(response, path, variant.coding, validators, settings);
  if (verdict == Verdict::not_modified) {
    response.status = 304;
    return {std::move(response), NoBody{}};
  }
  std::unique_ptr<Resource> resource = std::move(variant.found.resource);
  const auto wanted = request.fields.find("Range");
  if (wanted && request.method == "GET" && range_still_fits(request.fields, validators)) {
    if (const auto range = parse_range(*wanted, resource->size()))
      return part_answer(std::move(response), std::move(resource), *range);
  }
  return {std::move(response), body_of(std::move(resource))};
}

Answer file_answer(const Request& request, const std::string& path, FileSource::Found&& found, FileSource& files,
                   const StaticSettings& settings) {
  if (!settings.precompressed) return variant_answer(request, path, Variant{std::move(found)}, settings);
  std::optional<Variant> variant = choose_variant(request, path, std::move(found), files);
  if (variant) return variant_answer(request, path, *std::move(variant), settings);
  Answer refusal = status_answer(406);
  refusal.response.fields.add("Vary", "Accept-Encoding");
  return refusal;
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

/// `path` is judged: "/a/b" or "/a/b/".
Answer look_up(const Request& request, std::string path, FileSource& files, const StaticSettings& settings) {
  path.erase(0, 1);
  const bool wants_directory = path.empty() || path.back() == '/';
  if (wants_directory) path += "index.html";
  FileSource::Found found = files.open(path);
  switch (found.kind) {
    case FileSource::Kind::file: return file_answer(request, path, std::move(found), files, settings);
    case FileSource::Kind::directory: return wants_directory ? status_answer(404) : redirect_answer(request);
    case FileSource::Kind::forbidden: return status_answer(403);
    case FileSource::Kind::missing: break;
  }
  return status_answer(404);
}

}  // namespace

Answer serve_file(const Request& request, FileSource& files, const StaticSettings& settings) {
  if (request.method == "OPTIONS") return options_answer(std::string(kAllowed));
  if (request.method != "GET" && request.method != "HEAD") return not_allowed_answer(std::string(kAllowed));
  std::optional<std::string> path = request.path();
  if (!path) return status_answer(400);
  switch (judge_path(*path)) {
    case PathVerdict::fine: return look_up(request, std::move(*path), files, settings);
    case PathVerdict::upwards: return status_answer(403);
    default: return status_answer(404);
  }
}

}  // namespace sluice::http
