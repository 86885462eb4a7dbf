// Each field as its section says; a date that can't be read is no condition.
#include "http/conditions.hpp"

#include "http/date.hpp"

namespace sluice::http {
namespace {

enum class Comparison : bool { strong, weak };

/// RFC 9110 8.8.3.2, with each tag of the list; our own is strong.
bool lists_tag(std::string_view list, std::string_view etag, Comparison comparison) noexcept {
  while (auto element = next_element(list)) {
    if (*element == "*") return true;
    if (comparison == Comparison::weak && element->starts_with("W/")) element->remove_prefix(2);
    if (*element == etag) return true;
  }
  return false;
}

/// Steps 1 and 2.
bool expectation_holds(const Fields& request, const Validators& here) {
  if (request.count("If-Match") > 0) return lists_tag(request.joined("If-Match"), here.etag, Comparison::strong);
  const auto date = parse_date(request.find("If-Unmodified-Since").value_or(""));
  return !date || here.modified_seconds <= *date;
}

/// Steps 3 and 4.
bool client_has_it(const Fields& request, const Validators& here) {
  if (request.count("If-None-Match") > 0)
    return lists_tag(request.joined("If-None-Match"), here.etag, Comparison::weak);
  const auto date = parse_date(request.find("If-Modified-Since").value_or(""));
  return date && here.modified_seconds <= *date;
}

}  // namespace

Verdict judge_conditions(const Fields& request, const Validators& here) {
  if (!expectation_holds(request, here)) return Verdict::failed;
  return client_has_it(request, here) ? Verdict::not_modified : Verdict::perform;
}

bool range_still_fits(const Fields& request, const Validators& here) {
  const auto condition = request.find("If-Range");
  if (!condition) return true;
  if (condition->starts_with('"')) return *condition == here.etag;
  return parse_date(*condition) == here.modified_seconds;
}

}  // namespace sluice::http
