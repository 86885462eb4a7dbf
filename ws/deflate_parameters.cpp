// RFC 7692 7.1, the four parameters: read strictly, answered as the clause of each has it.
#include "ws/deflate_parameters.hpp"

#include <algorithm>

#include "http/message.hpp"

namespace sluice::ws {
namespace {

constexpr std::string_view kServerTakeover = "server_no_context_takeover";
constexpr std::string_view kClientTakeover = "client_no_context_takeover";
constexpr std::string_view kServerBits = "server_max_window_bits";
constexpr std::string_view kClientBits = "client_max_window_bits";

/// The parameters of one element, offer or answer. Bits: 0 = the parameter is there without a value.
struct Said {
  bool server_no_takeover = false;
  bool client_no_takeover = false;
  std::optional<std::uint8_t> server_bits;
  std::optional<std::uint8_t> client_bits;
};

/// 8 to 15 in decimal without leading zeros [WSD-7.1.2-1]; nullopt for all else.
std::optional<std::uint8_t> parse_bits(std::string_view text) noexcept {
  if (text == "8") return std::uint8_t{8};
  if (text == "9") return std::uint8_t{9};
  const bool two_digits = text.size() == 2 && text[0] == '1' && text[1] >= '0' && text[1] <= '5';
  if (!two_digits) return std::nullopt;
  return static_cast<std::uint8_t>(10 + text[1] - '0');
}

bool take_flag(const ExtensionParameter& parameter, bool& flag) noexcept {
  if (parameter.value || flag) return false;
  flag = true;
  return true;
}

bool take_bits(const ExtensionParameter& parameter, bool value_optional, std::optional<std::uint8_t>& bits) noexcept {
  if (bits) return false;
  bits = parameter.value  ? parse_bits(*parameter.value)
         : value_optional ? std::optional<std::uint8_t>(0)
                          : std::nullopt;
  return bits.has_value();
}

/// False for a parameter that is unknown, repeated, or has a value that it can't have [WSD-7-1] [WSD-7-3].
bool take(const ExtensionParameter& parameter, bool is_offer, Said& said) noexcept {
  const std::string_view name = parameter.name;
  if (http::iequals(name, kServerTakeover)) return take_flag(parameter, said.server_no_takeover);
  if (http::iequals(name, kClientTakeover)) return take_flag(parameter, said.client_no_takeover);
  if (http::iequals(name, kServerBits)) return take_bits(parameter, false, said.server_bits);
  // Only an offer may leave the value out: "I could use less, if you say so" (RFC 7692 7.1.2.2).
  if (http::iequals(name, kClientBits)) return take_bits(parameter, is_offer, said.client_bits);
  return false;
}

std::optional<Said> read(const Extension& element, bool is_offer) {
  if (!http::iequals(element.name, kDeflateName)) return std::nullopt;
  Said said;
  const bool good = std::all_of(element.parameters.begin(), element.parameters.end(),
                                [&](const ExtensionParameter& parameter) { return take(parameter, is_offer, said); });
  return good ? std::optional(said) : std::nullopt;
}

std::uint8_t smaller_window(std::optional<std::uint8_t> bits, std::uint8_t wish) noexcept {
  return std::min(bits && *bits > 0 ? *bits : std::uint8_t{15}, wish);
}

/// RFC 7692 7.1: each parameter of an offer, and what accepting it takes.
DeflateParameters accept(const Said& offer, const DeflatePolicy& policy) noexcept {
  DeflateParameters chosen;
  chosen.server.takeover = policy.ours.takeover && !offer.server_no_takeover;  // [WSD-7.1.1.1-1] [WSD-7.1.1.1-2]
  chosen.client.takeover = policy.peers.takeover && !offer.client_no_takeover;
  chosen.server.bits = smaller_window(offer.server_bits, policy.ours.bits);                          // [WSD-7.1.2.1-1]
  if (offer.client_bits) chosen.client.bits = smaller_window(offer.client_bits, policy.peers.bits);  // [WSD-7.1.2.2-1]
  return chosen;
}

void add_bits(std::string& element, std::string_view name, std::uint8_t bits) {
  element.append("; ").append(name).append("=").append(std::to_string(bits));
}

void add_flag(std::string& element, std::string_view name, bool takeover) {
  if (!takeover) element.append("; ").append(name);
}

/// A window that is no smaller than the format's own goes without saying, unless the offer spoke of it.
std::string answer(const DeflateParameters& chosen, const Said& offer) {
  std::string element(kDeflateName);
  add_flag(element, kServerTakeover, chosen.server.takeover);
  add_flag(element, kClientTakeover, chosen.client.takeover);
  if (offer.server_bits || chosen.server.bits < 15) add_bits(element, kServerBits, chosen.server.bits);
  if (chosen.client.bits < 15) add_bits(element, kClientBits, chosen.client.bits);
  return element;
}

}  // namespace

std::optional<DeflateChoice> choose_deflate(const std::vector<Extension>& offers, const DeflatePolicy& policy) {
  for (const Extension& offer : offers) {
    const auto said = read(offer, true);
    if (!said) continue;
    const DeflateParameters chosen = accept(*said, policy);
    return DeflateChoice{chosen, answer(chosen, *said)};
  }
  return std::nullopt;
}

/// The second element is for servers that can't choose their window: they must pass the first over [WSD-5-1].
std::string deflate_offer(const DeflatePolicy& policy) {
  std::string plain(kDeflateName);
  plain.append("; ").append(kClientBits);
  add_flag(plain, kServerTakeover, policy.peers.takeover);
  add_flag(plain, kClientTakeover, policy.ours.takeover);
  if (policy.peers.bits == 15) return plain;
  std::string wish = plain;
  add_bits(wish, kServerBits, policy.peers.bits);
  return wish + ", " + plain;
}

std::optional<DeflateParameters> judge_deflate(const Extension& answer, const DeflatePolicy& policy) {
  const auto said = read(answer, false);
  if (!said) return std::nullopt;
  if (!policy.peers.takeover && !said->server_no_takeover) return std::nullopt;  // it was part of every offer
  DeflateParameters agreed;
  agreed.server.takeover = !said->server_no_takeover;
  agreed.client.takeover = policy.ours.takeover && !said->client_no_takeover;  // [WSD-7.1.1.2-1]
  agreed.server.bits = said->server_bits.value_or(15);
  agreed.client.bits = smaller_window(said->client_bits, policy.ours.bits);
  return agreed;
}

}  // namespace sluice::ws
