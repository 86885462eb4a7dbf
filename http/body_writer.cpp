// Chunk heads and tails around what the owner writes.
#include "http/body_writer.hpp"

#include <array>
#include <cassert>
#include <charconv>

namespace sluice::http {

void BodyWriter::write(Outbox& out, Bytes bytes) {
  std::string& text = out.text();
  if (chunking_) {
    std::array<char, 16> digits;
    const auto end = std::to_chars(digits.begin(), digits.end(), bytes.size(), 16).ptr;
    text.append(digits.begin(), end).append("\r\n");
  }
  text += as_text(bytes);
  if (chunking_) text += "\r\n";
  if (left_) {
    assert(bytes.size() <= *left_);
    *left_ -= bytes.size();
  }
}

bool BodyWriter::finish(Outbox& out) {
  if (left_.value_or(0) > 0) return false;
  if (chunking_) out.text() += "0\r\n\r\n";
  return true;
}

}  // namespace sluice::http
