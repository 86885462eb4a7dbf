// Joins pieces; large buffers are given back once their message was seen.
#include "ws/assembler.hpp"

namespace sluice::ws {
namespace {

constexpr std::size_t kKept = 4096;

}  // namespace

std::optional<Message> Assembler::add(const Data& piece) {
  if (piece.first) {
    joined_.clear();
    if (joined_.capacity() > kKept) joined_ = {};
  }
  complete_ = piece.last;
  if (piece.first && piece.last) return Message{piece.type, piece.bytes};
  joined_.insert(joined_.end(), piece.bytes.begin(), piece.bytes.end());
  if (!piece.last) return std::nullopt;
  return Message{piece.type, joined_};
}

}  // namespace sluice::ws
