// From packets to text; what is printed here is what notation_parse.cpp reads.
#include <array>
#include <string>

#include "lab/notation.hpp"

namespace sluice::lab {
namespace {

namespace flag = wire::tcp;

std::string hex(const std::vector<std::uint8_t>& bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

// Numbers shortly before the start of a stream are easier to read as negative ones.
std::string sequence(std::uint32_t number) {
  return number >= 0xc000'0000u ? "-" + std::to_string(0 - number) : std::to_string(number);
}

std::string range(std::uint32_t begin, std::uint32_t length) {
  return sequence(begin) + ":" + sequence(begin + length) + "(" + std::to_string(length) + ")";
}

std::string stamp(const std::optional<std::uint32_t>& value) { return value ? std::to_string(*value) : "..."; }

struct OptionText {
  std::string operator()(const option::EndOfList&) const { return "eol"; }
  std::string operator()(const option::NoOperation&) const { return "nop"; }
  std::string operator()(const option::Mss& mss) const { return "mss " + std::to_string(mss.bytes); }
  std::string operator()(const option::WindowScale& scale) const { return "wscale " + std::to_string(scale.shift); }
  std::string operator()(const option::SackPermitted&) const { return "sackOK"; }
  std::string operator()(const option::Sack& sack) const {
    std::string text = "sack";
    for (const wire::tcp::SackBlock& block : sack.blocks)
      text.append(" ").append(sequence(block.left)).append(":").append(sequence(block.right));
    return text;
  }
  std::string operator()(const option::Timestamps& stamps) const {
    return "TS val " + stamp(stamps.value) + " ecr " + stamp(stamps.echo);
  }
  std::string operator()(const option::FastOpen& open) const {
    std::string text = open.experimental ? "FOEXP" : "FO";
    if (!open.cookie.empty()) text += " " + hex(open.cookie);
    return text;
  }
  std::string operator()(const option::Md5& md5) const { return md5.digest.empty() ? "md5" : "md5 " + hex(md5.digest); }
  std::string operator()(const option::Other& other) const {
    std::string text = "kind " + std::to_string(other.kind);
    if (!other.body.empty()) text += " 0x" + hex(other.body);
    return text;
  }
};

std::string flags_text(std::uint16_t flags) {
  static constexpr std::array<std::pair<std::uint16_t, char>, 9> kLetters = {{{flag::syn, 'S'},
                                                                              {flag::fin, 'F'},
                                                                              {flag::rst, 'R'},
                                                                              {flag::psh, 'P'},
                                                                              {flag::urg, 'U'},
                                                                              {flag::ece, 'E'},
                                                                              {flag::cwr, 'W'},
                                                                              {kAccurateEcnFlag, 'A'},
                                                                              {flag::ack, '.'}}};
  std::string text;
  for (const auto& [bit, letter] : kLetters)
    if ((flags & bit) != 0) text += letter;
  return text.empty() ? "-" : text;
}

std::string options_text(const SegmentLine& segment) {
  if (segment.any_options) return " <...>";
  if (!segment.options) return "";
  std::string text = " <";
  for (const TcpOption& option : *segment.options) {
    if (text.size() > 2) text += ",";
    text += std::visit(OptionText{}, option);
  }
  return text + ">";
}

struct BodyText {
  std::string operator()(const SegmentLine& segment) const {
    std::string text = flags_text(segment.flags) + " " + range(segment.seq, segment.length);
    if (segment.ack) text += " ack " + sequence(*segment.ack);
    if (segment.window) text += " win " + std::to_string(*segment.window);
    if (segment.urgent) text += " urg " + std::to_string(*segment.urgent);
    return text + options_text(segment);
  }
  std::string operator()(const UdpLine& udp) const { return "udp (" + std::to_string(udp.length) + ")"; }
  std::string operator()(const IcmpLine& icmp) const {
    std::string text = "icmp " + std::string(name(icmp.type));
    if (icmp.code) text.append(" ").append(name(*icmp.code));
    if (icmp.mtu) text += " mtu " + std::to_string(*icmp.mtu);
    if (icmp.id) text += " id " + std::to_string(*icmp.id);
    if (icmp.seq) text += " seq " + std::to_string(*icmp.seq);
    if (icmp.length) text += " (" + std::to_string(*icmp.length) + ")";
    if (!icmp.quote) return text;
    const QuoteLine& quote = *icmp.quote;
    return text + " [" + (quote.udp ? "udp (" + std::to_string(quote.length) + ")" : range(quote.seq, quote.length)) +
           "]";
  }
};

std::string ecn_text(Ecn ecn) {
  switch (ecn) {
    case Ecn::not_ect: return "[noecn] ";
    case Ecn::ect1: return "[ect1] ";
    case Ecn::ect0: return "[ect0] ";
    case Ecn::ce: return "[ce] ";
  }
  return "";
}

std::string ip_text(const IpLine& ip) {
  std::string text = ip.ecn ? ecn_text(*ip.ecn) : "";
  std::string fields;
  const auto add = [&fields](std::string_view word, std::uint32_t value) {
    fields.append(fields.empty() ? "(" : ", ").append(word).append(" ").append(std::to_string(value));
  };
  if (ip.ttl) add("ttl", *ip.ttl);
  if (ip.tos) add("tos", *ip.tos);
  if (ip.label) add("flow", *ip.label);
  return fields.empty() ? text : text + fields + ") ";
}

}  // namespace

std::string to_text(const PacketLine& line) {
  const std::string ports =
      line.ports ? std::to_string(line.ports->source) + " > " + std::to_string(line.ports->destination) + " " : "";
  return ip_text(line.ip) + ports + std::visit(BodyText{}, line.body);
}

}  // namespace sluice::lab
