// The rules for close codes and the two directions of a Close frame's body.
#include "ws/close.hpp"

#include <cassert>

#include "ws/utf8.hpp"

namespace sluice::ws {
namespace {

CloseBody broken(Fault fault) noexcept {
  CloseBody body;
  body.fault = fault;
  return body;
}

}  // namespace

bool may_be_sent(CloseCode code) noexcept {
  const unsigned value = number(code);
  return (value >= 1000 && value <= 1003) || (value >= 1007 && value <= 1014) || (value >= 3000 && value <= 4999);
}

CloseBody parse_close_body(Bytes body) noexcept {
  if (body.empty()) return {};
  if (body.size() == 1) return broken(Fault::close_body_short);
  ByteReader reader(body);
  const CloseCode code{reader.u16()};
  if (!may_be_sent(code)) return broken(Fault::close_code_invalid);
  if (!is_utf8(reader.rest())) return broken(Fault::close_reason_not_utf8);
  return {code, as_text(reader.rest()), Fault::none};
}

std::size_t write_close_body(MutableBytes body, CloseCode code, std::string_view reason) noexcept {
  assert(reason.size() <= kMaxCloseReason);
  if (code == CloseCode::no_status) return 0;
  ByteWriter writer(body);
  writer.u16(number(code));
  writer.bytes(as_bytes(reason));
  return writer.used();
}

}  // namespace sluice::ws
