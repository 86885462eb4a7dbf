// The words in which the tables of cases are written.
#include "tests/ws/cases/case.hpp"

#include <utility>

namespace sluice::ws::cases {

std::string Payload::bytes() const {
  std::string all;
  all.reserve(size);
  while (all.size() + unit.size() <= size && !unit.empty()) all += unit;
  return all.append(unit, 0, size - all.size());
}

Step frame(std::uint8_t first, Payload payload) {
  return {.kind = Step::Kind::frame, .first = first, .payload = std::move(payload)};
}
Step text(Payload payload) { return frame(kFin | kText, std::move(payload)); }
Step binary(Payload payload) { return frame(kFin | kBinary, std::move(payload)); }
Step ping(Payload payload) { return frame(kFin | kPing, std::move(payload)); }
Step pong(Payload payload) { return frame(kFin | kPong, std::move(payload)); }
Step close_body(Payload body) { return frame(kFin | kClose, std::move(body)); }

Step close(unsigned code, std::string_view reason) {
  return close_body(std::string{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)}.append(reason));
}

Step head(std::size_t length, Payload part) {
  return {.kind = Step::Kind::head, .first = kFin | kText, .payload = std::move(part), .length = length};
}
Step more(Payload part) { return {.kind = Step::Kind::more, .payload = std::move(part)}; }

Step message(std::uint8_t opcode, Payload payload, std::size_t fragment) {
  return {.kind = Step::Kind::message, .first = opcode, .payload = std::move(payload), .fragment = fragment};
}
Step sample(std::uint8_t opcode, std::size_t length, std::size_t fragment) {
  return {.kind = Step::Kind::sample, .first = opcode, .length = length, .fragment = fragment};
}
Step answered(std::size_t count) { return {.kind = Step::Kind::answered, .length = count}; }
Step alive() { return {.kind = Step::Kind::alive}; }
Step dead() { return {.kind = Step::Kind::dead}; }

std::vector<Step> operator+(std::vector<Step> a, const std::vector<Step>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Answer echo(Payload payload) { return {kText, std::move(payload)}; }
Answer pong_of(Payload payload) { return {kPong, std::move(payload)}; }

}  // namespace sluice::ws::cases
