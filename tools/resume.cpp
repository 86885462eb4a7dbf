// Content-Range and validators, read with suspicion: a wrong guess would make a file of two halves.
#include "tools/resume.hpp"

#include <sys/xattr.h>

#include <array>
#include <optional>

#include "http/date.hpp"

namespace sluice::tools {
namespace {

constexpr const char* kAttribute = "user.sluice.validator";

/// Of "bytes FIRST-LAST/SIZE" or "bytes */SIZE"; what isn't there is nullopt.
struct ContentRange {
  std::optional<std::uint64_t> first;
  std::optional<std::uint64_t> size;
};

ContentRange content_range(const http::Response& response) {
  constexpr std::string_view kUnit = "bytes ";
  const std::string_view text = response.fields.find("Content-Range").value_or("");
  const std::size_t slash = text.find('/');
  if (!http::iequals(text.substr(0, kUnit.size()), kUnit) || slash == text.npos) return {};
  const std::string_view part = text.substr(kUnit.size(), slash - kUnit.size());
  return {http::parse_decimal(part.substr(0, part.find('-'))), http::parse_decimal(text.substr(slash + 1))};
}

}  // namespace

Resumption judge_resumption(const Partial& partial, const http::Response& response) {
  const ContentRange range = content_range(response);
  switch (response.status) {
    case 206: return range.first == partial.size ? Resumption::append : Resumption::refused;
    case 200: return partial.validator.empty() ? Resumption::refused : Resumption::anew;
    case 416: return range.size == partial.size ? Resumption::complete : Resumption::refused;
    default: return Resumption::refused;
  }
}

std::string strong_validator(const http::Response& response) {
  constexpr std::int64_t kOldEnough = 60;
  const auto tag = response.fields.find("ETag");
  if (tag && tag->starts_with('"')) return std::string(*tag);
  const auto text = response.fields.find("Last-Modified");
  const auto modified = http::parse_date(text.value_or(""));
  const auto sent = http::parse_date(response.fields.find("Date").value_or(""));
  return modified && sent && *sent - *modified >= kOldEnough ? std::string(*text) : std::string();
}

std::string remembered_validator(int fd) {
  std::array<char, 1024> text;
  const ssize_t size = ::fgetxattr(fd, kAttribute, text.data(), text.size());
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

void remember_validator(int fd, const std::string& validator) {
  if (validator.empty()) return forget_validator(fd);
  (void)::fsetxattr(fd, kAttribute, validator.data(), validator.size(), 0);
}

void forget_validator(int fd) { (void)::fremovexattr(fd, kAttribute); }

}  // namespace sluice::tools
