// From text to packets: one function for each thing that a line may hold; see notation.hpp.
#include <array>

#include "lab/notation_names.hpp"
#include "lab/notation_scanner.hpp"

namespace sluice::lab {
namespace {

namespace flag = wire::tcp;

// --- in front of the packet: what the IP header says -------------------------------------------------------------

std::optional<Ecn> ecn_named(std::string_view word) noexcept {
  static constexpr std::array<std::pair<std::string_view, Ecn>, 4> kMarks = {
      {{"noecn", Ecn::not_ect}, {"ect0", Ecn::ect0}, {"ect1", Ecn::ect1}, {"ce", Ecn::ce}}};
  for (const auto& [text, mark] : kMarks)
    if (text == word) return mark;
  return std::nullopt;
}

void scan_ip_field(NotationScanner& in, IpLine& ip) {
  const std::size_t at = in.position();
  const std::string_view word = in.word();
  const bool flow = word == "flow" || word == "flowlabel";
  const std::optional<Ecn> mark = ecn_named(word);
  const bool again = (mark && ip.ecn) || (word == "ttl" && ip.ttl) || (word == "tos" && ip.tos) || (flow && ip.label);
  if (again) return in.fail("'" + std::string(word) + "' stands here twice", at);
  if (mark)
    ip.ecn = mark;
  else if (word == "ttl")
    ip.ttl = static_cast<std::uint8_t>(in.number(255, "a TTL"));
  else if (word == "tos")
    ip.tos = static_cast<std::uint8_t>(in.number(255, "a TOS octet"));
  else if (flow)
    ip.label = static_cast<std::uint32_t>(in.number(0xfffff, "a flow label"));
  else
    in.fail("expected noecn, ect0, ect1, ce, ttl, tos or flow", at);
}

void scan_ip_fields(NotationScanner& in, std::string_view open, std::string_view close, IpLine& ip) {
  if (!in.accept(open)) return;
  do scan_ip_field(in, ip);
  while (in.accept(","));
  in.expect(close);
}

IpLine scan_ip(NotationScanner& in) {
  IpLine ip;
  scan_ip_fields(in, "[", "]", ip);
  scan_ip_fields(in, "(", ")", ip);
  return ip;
}

std::optional<PortsLine> scan_ports(NotationScanner& in) {
  const char next = in.peek();
  if (next < '0' || next > '9') return std::nullopt;
  PortsLine ports;
  ports.source = static_cast<std::uint16_t>(in.number(65535, "a port"));
  in.expect(">");
  ports.destination = static_cast<std::uint16_t>(in.number(65535, "a port"));
  return ports;
}

// --- TCP ---------------------------------------------------------------------------------------------------------

std::uint16_t flag_of(char letter) noexcept {
  switch (letter) {
    case 'F': return flag::fin;
    case 'S': return flag::syn;
    case 'R': return flag::rst;
    case 'P': return flag::psh;
    case '.': return flag::ack;
    case 'U': return flag::urg;
    case 'E': return flag::ece;
    case 'W': return flag::cwr;
    case 'A': return kAccurateEcnFlag;
    default: return 0;
  }
}

// A digit is the ACE counter of RFC 9768: the three bits AE, CWR, ECE.
std::uint16_t flags_of_digit(char digit) noexcept {
  const int count = digit - '0';
  return static_cast<std::uint16_t>((count & 4 ? kAccurateEcnFlag : 0) | (count & 2 ? flag::cwr : 0) |
                                    (count & 1 ? flag::ece : 0));
}

std::uint16_t scan_flags(NotationScanner& in) {
  const std::size_t at = in.position();
  const std::string_view letters = in.run("");
  if (letters == "-") return 0;
  std::uint16_t flags = 0;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    const char c = letters[i];
    const bool digit = c >= '0' && c <= '7' && i > 0;
    const std::uint16_t bits = digit ? flags_of_digit(c) : flag_of(c);
    if (bits == 0 && !digit) {
      in.fail("expected TCP flags of the letters F S R P . U E W A, or - for none, or udp, or icmp", at + i);
      return 0;
    }
    if ((flags & bits) != 0) {
      in.fail("a flag stands here twice", at + i);
      return 0;
    }
    flags |= bits;
  }
  if (letters.empty()) in.fail("expected a packet", at);
  return flags;
}

struct Range {
  std::uint32_t begin = 0;
  std::uint32_t length = 0;
};

// "1:101(100)": the two numbers and the length must agree, so that a slip of the pen is found.
Range scan_range(NotationScanner& in) {
  Range range;
  range.begin = in.sequence("a sequence number");
  in.expect(":");
  const std::uint32_t end = in.sequence("the sequence number behind the text");
  in.expect("(");
  const std::size_t at = in.position();
  range.length = static_cast<std::uint32_t>(in.number(65535, "bytes of text"));
  if (in.ok() && range.begin + range.length != end)
    in.fail("the two sequence numbers are " + std::to_string(end - range.begin) + " bytes apart", at);
  in.expect(")");
  return range;
}

option::Sack scan_sack(NotationScanner& in) {
  option::Sack sack;
  while (in.ok() && in.peek() != ',' && in.peek() != '>' && sack.blocks.size() < 4) {
    const std::uint32_t left = in.sequence("the left edge of a SACK block");
    in.expect(":");
    sack.blocks.push_back({left, in.sequence("the right edge of a SACK block")});
  }
  if (sack.blocks.empty()) in.fail("expected SACK blocks, as in 'sack 1:11 21:31'");
  return sack;
}

std::optional<std::uint32_t> scan_stamp(NotationScanner& in, std::string_view what) {
  if (in.accept("...")) return std::nullopt;
  return static_cast<std::uint32_t>(in.number(0xffff'ffff, what));
}

option::Timestamps scan_timestamps(NotationScanner& in) {
  option::Timestamps stamps;
  in.expect("val");
  stamps.value = scan_stamp(in, "a timestamp");
  in.expect("ecr");
  stamps.echo = scan_stamp(in, "a timestamp echo");
  return stamps;
}

option::Other scan_other(NotationScanner& in) {
  option::Other other;
  const std::size_t at = in.position();
  other.kind = static_cast<std::uint8_t>(in.number(255, "an option kind"));
  if (other.kind <= 1) in.fail("kinds 0 and 1 are written eol and nop", at);
  const char next = in.peek();
  if (next != ',' && next != '>') other.body = in.hex(38);
  return other;
}

TcpOption scan_option(NotationScanner& in) {
  const std::size_t at = in.position();
  const std::string_view word = in.word();
  const char next = in.peek();
  const bool bare = next == ',' || next == '>';
  if (word == "mss") return option::Mss{static_cast<std::uint16_t>(in.number(65535, "an MSS"))};
  if (word == "nop") return option::NoOperation{};
  if (word == "eol") return option::EndOfList{};
  if (word == "sackOK") return option::SackPermitted{};
  if (word == "wscale") return option::WindowScale{static_cast<std::uint8_t>(in.number(255, "a window scale"))};
  if (word == "sack") return scan_sack(in);
  if (word == "TS") return scan_timestamps(in);
  if (word == "FO") return option::FastOpen{bare ? std::vector<std::uint8_t>{} : in.hex(38), false};
  if (word == "FOEXP") return option::FastOpen{bare ? std::vector<std::uint8_t>{} : in.hex(36), true};
  if (word == "md5") return option::Md5{bare ? std::vector<std::uint8_t>{} : in.hex(38)};
  if (word == "kind") return scan_other(in);
  in.fail("expected an option: mss, nop, eol, sackOK, wscale, sack, TS, FO, FOEXP, md5 or kind", at);
  return option::NoOperation{};
}

void scan_options(NotationScanner& in, SegmentLine& segment) {
  if (!in.accept("<")) return;
  if (in.accept("...")) {
    segment.any_options = true;
    in.expect(">");
    return;
  }
  segment.options.emplace();
  if (in.accept(">")) return;
  do segment.options->push_back(scan_option(in));
  while (in.ok() && in.accept(","));
  in.expect(">");
}

SegmentLine scan_segment(NotationScanner& in) {
  SegmentLine segment;
  segment.flags = scan_flags(in);
  const Range range = scan_range(in);
  segment.seq = range.begin;
  segment.length = range.length;
  if (in.accept("ack")) segment.ack = in.sequence("an acknowledgment number");
  if (in.accept("win")) segment.window = static_cast<std::uint16_t>(in.number(65535, "a window as in the header"));
  if (in.accept("urg")) segment.urgent = static_cast<std::uint16_t>(in.number(65535, "an urgent pointer"));
  scan_options(in, segment);
  return segment;
}

// --- UDP and ICMP ------------------------------------------------------------------------------------------------

std::uint32_t scan_length(NotationScanner& in) {
  in.expect("(");
  const auto length = static_cast<std::uint32_t>(in.number(65535, "bytes of payload"));
  in.expect(")");
  return length;
}

std::optional<QuoteLine> scan_quote(NotationScanner& in) {
  if (!in.accept("[")) return std::nullopt;
  QuoteLine quote;
  if (in.accept("udp")) {
    quote.udp = true;
    quote.length = scan_length(in);
  } else {
    const Range range = scan_range(in);
    quote.seq = range.begin;
    quote.length = range.length;
  }
  in.expect("]");
  return quote;
}

std::optional<IcmpCode> scan_code(NotationScanner& in, IcmpType type) {
  for (const CodeName& code : code_names()) {
    if (code.type == type && in.accept(code.word)) return code.code;
  }
  return std::nullopt;
}

IcmpLine scan_icmp(NotationScanner& in) {
  IcmpLine icmp;
  const std::size_t at = in.position();
  const std::optional<IcmpType> type = icmp_type(in.word());
  if (!type) {
    in.fail("expected an ICMP type such as unreachable, packet_too_big, time_exceeded or echo_request", at);
    return icmp;
  }
  icmp.type = *type;
  icmp.code = scan_code(in, *type);
  if (in.accept("mtu")) icmp.mtu = static_cast<std::uint32_t>(in.number(0xffff'ffff, "an MTU"));
  if (in.accept("id")) icmp.id = static_cast<std::uint16_t>(in.number(65535, "an identifier"));
  if (in.accept("seq")) icmp.seq = static_cast<std::uint16_t>(in.number(65535, "a sequence number"));
  if (in.peek() == '(') icmp.length = scan_length(in);
  icmp.quote = scan_quote(in);
  return icmp;
}

}  // namespace

PacketLine scan_packet(NotationScanner& in) {
  PacketLine line;
  line.ip = scan_ip(in);
  line.ports = scan_ports(in);
  if (in.accept("udp"))
    line.body = UdpLine{scan_length(in)};
  else if (in.accept("icmp"))
    line.body = scan_icmp(in);
  else
    line.body = scan_segment(in);
  return line;
}

NotationResult<PacketLine> parse_packet(std::string_view text) {
  NotationScanner in(text);
  PacketLine line = scan_packet(in);
  if (!in.at_end()) in.fail("expected nothing more here");
  if (!in.ok()) return in.error();
  return line;
}

}  // namespace sluice::lab
