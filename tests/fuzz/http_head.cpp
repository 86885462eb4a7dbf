// Heads of both kinds: no split changes the verdict, and what is accepted can be read in one way only.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "http/head_parser.hpp"

using namespace sluice;
using namespace sluice::http;

namespace {

void require(bool fact) {
  if (!fact) std::abort();
}

struct Verdict {
  HeadReader::State state = HeadReader::State::incomplete;
  int status = 0;
  std::vector<std::uint8_t> head;
  std::size_t taken = 0;
};

Verdict read(Bytes bytes, std::size_t cut) {
  HeadReader reader{HeadLimits{512, 256, 10}};
  Verdict verdict;
  while (verdict.taken < bytes.size() && reader.state() == HeadReader::State::incomplete) {
    const Bytes piece = bytes.subspan(verdict.taken, std::min(cut, bytes.size() - verdict.taken));
    const std::vector<std::uint8_t> copy(piece.begin(), piece.end());  // a read behind the piece is a fault
    const std::size_t taken = reader.receive(copy);
    require(taken <= copy.size());
    verdict.taken += taken;
    if (reader.state() == HeadReader::State::complete) verdict.head.assign(reader.head().begin(), reader.head().end());
  }
  verdict.state = reader.state();
  if (verdict.state == HeadReader::State::refused) verdict.status = reader.refusal().status;
  return verdict;
}

void check_fields(const Fields& fields) {
  require(fields.size() <= 10);
  require(fields.count("Content-Length") <= 1);
  require(fields.count("Content-Length") == 0 || fields.count("Transfer-Encoding") == 0);
  for (const Field& field : fields) {
    require(is_token(field.name));
    require(trim(field.value) == field.value);
    for (const char c : field.value) require(c == '\t' || static_cast<unsigned char>(c) >= 0x20);
  }
}

void check_request(Bytes head) {
  const auto parsed = parse_request(head, HeadLimits{512, 256, 10});
  if (const Refusal* refusal = std::get_if<Refusal>(&parsed))
    return require(refusal->status >= 400 && refusal->status < 600);
  const Request& request = std::get<Request>(parsed);
  check_fields(request.fields);
  require(is_token(request.method) && is_target(request.target));
  require(request.minor_version == 0 || request.fields.count("Host") == 1);
  require(!(request.chunked && request.content_length));
  require(request.chunked == (request.fields.count("Transfer-Encoding") == 1));
  require(request.content_length.has_value() == (request.fields.count("Content-Length") == 1));
  const auto path = request.path();
  require(!path || path->front() == '/');
  (void)request.query();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes bytes(data + 1, size - 1);
  const Verdict whole = read(bytes, bytes.size());
  const Verdict cut = read(bytes, data[0] % 64 + 1u);
  require(whole.state == cut.state && whole.status == cut.status && whole.head == cut.head);
  if (whole.state != HeadReader::State::complete) return 0;
  require(whole.taken == cut.taken);
  check_request(whole.head);
  const auto response = parse_response(whole.head);
  if (const auto* received = std::get_if<ReceivedResponse>(&response)) check_fields(received->response.fields);
  return 0;
}
