// Weights in thousandths, as the grammar has three digits at most (RFC 9110 12.4.2).
#include "http/content_coding.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

namespace sluice::http {
namespace {

constexpr int kWhole = 1000;

/// "0", "0.5", "1.000"; nullopt for what is none.
std::optional<int> parse_weight(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int weight = (text[0] - '0') * kWhole;
  int place = kWhole;
  for (const char digit : text.substr(std::min<std::size_t>(text.size(), 2))) {
    if (digit < '0' || digit > '9') return std::nullopt;
    place /= 10;
    weight += (digit - '0') * place;
  }
  return weight <= kWhole ? std::optional(weight) : std::nullopt;
}

/// The weight behind "name;q=", or 1 without one; 0 for what can't be read.
int weight_of(std::string_view parameters) noexcept {
  if (parameters.empty()) return kWhole;
  const std::string_view text = trim(parameters);
  if (text.size() < 2 || (text[0] != 'q' && text[0] != 'Q') || text[1] != '=') return 0;
  return parse_weight(text.substr(2)).value_or(0);
}

struct Weights {
  std::optional<int> brotli, gzip, identity, any;
};

std::optional<int>* place_of(Weights& weights, std::string_view name) noexcept {
  if (iequals(name, "br")) return &weights.brotli;
  if (iequals(name, "gzip") || iequals(name, "x-gzip")) return &weights.gzip;
  if (iequals(name, "identity")) return &weights.identity;
  return name == "*" ? &weights.any : nullptr;
}

Weights read_weights(std::string_view list) {
  Weights weights;
  while (const auto element = next_element(list)) {
    const std::size_t end = std::min(element->find(';'), element->size());
    const std::string_view parameters = element->substr(std::min(end + 1, element->size()));
    if (auto* place = place_of(weights, trim(element->substr(0, end)))) *place = weight_of(parameters);
  }
  return weights;
}

}  // namespace

std::string_view coding_name(Coding coding) noexcept {
  switch (coding) {
    case Coding::brotli: return "br";
    case Coding::gzip: return "gzip";
    case Coding::identity: break;
  }
  return "identity";
}

std::vector<Coding> accepted_codings(const Fields& request) {
  if (request.count("Accept-Encoding") == 0) return {Coding::identity};
  const Weights weights = read_weights(request.joined("Accept-Encoding"));
  const int others = weights.any.value_or(0);
  // What nobody speaks of is acceptable only as it is, and then last.
  const int unspoken = weights.any ? others : 1;
  std::array<std::pair<int, Coding>, 3> all = {{{weights.brotli.value_or(others), Coding::brotli},
                                                {weights.gzip.value_or(others), Coding::gzip},
                                                {weights.identity.value_or(unspoken), Coding::identity}}};
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<Coding> codings;
  for (const auto& one : all)
    if (one.first > 0) codings.push_back(one.second);
  return codings;
}

}  // namespace sluice::http
