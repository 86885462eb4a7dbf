// Base64 one way, SHA-1 by OpenSSL.
#include "ws/key.hpp"

#include <openssl/evp.h>
#include <algorithm>
#include <array>
#include <cassert>

namespace sluice::ws {
namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t kKeyBytes = 16;

}  // namespace

std::string base64(Bytes bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    unsigned group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? bytes[i + k] : 0u);
    for (std::size_t k = 0; k < 4; ++k) text.push_back(k <= count ? kAlphabet[group >> (18 - 6 * k) & 63] : '=');
  }
  return text;
}

std::string make_key(Random& random) {
  std::array<std::uint8_t, kKeyBytes> bytes;
  random.fill(bytes);
  return base64(bytes);
}

bool is_key(std::string_view text) noexcept {
  if (text.size() != 24 || !text.ends_with("==")) return false;
  const std::string_view digits = text.substr(0, 22);
  if (digits.find_first_not_of(kAlphabet) != digits.npos) return false;
  return kAlphabet.find(digits.back()) % 16 == 0;  // the last digit has two bits of the 16 bytes and four zeros
}

std::string accept_for(std::string_view key) {
  const std::string text = std::string(key).append(kGuid);
  std::array<std::uint8_t, 20> digest{};
  unsigned size = 0;
  [[maybe_unused]] const int done = EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  assert(done == 1 && size == digest.size());
  return base64(digest);
}

}  // namespace sluice::ws
