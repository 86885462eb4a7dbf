// See mutate.hpp.
#include "lab/drill/mutate.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>

namespace sluice::lab::drill {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kStampStep = 100'000;  // ticks: beyond every tolerance

class Mutator {
 public:
  explicit Mutator(const Script& script) : script_(script) {}

  std::vector<Mutant> all() {
    for (at_ = 0; at_ < script_.steps.size(); ++at_) {
      const Step& step = script_.steps[at_];
      if (const auto* packet = std::get_if<PacketStep>(&step.action)) {
        if (!packet->inbound) of_packet(packet->packet);
      } else if (const auto* call = std::get_if<CallStep>(&step.action)) {
        of_call(*call);
      } else if (const auto* code = std::get_if<CodeStep>(&step.action)) {
        of_code(code->code);
      }
    }
    return std::move(mutants_);
  }

 private:
  void add(const std::string& what, const std::function<void(Step&)>& change) {
    mutants_.push_back({script_.steps[at_].line, what, script_});
    change(mutants_.back().script.steps[at_]);
  }
  void add_packet(const std::string& what, const std::function<void(PacketLine&)>& change) {
    add(what, [&](Step& step) { change(std::get<PacketStep>(step.action).packet); });
  }
  void add_segment(const std::string& what, const std::function<void(SegmentLine&)>& change) {
    add_packet(what, [&](PacketLine& packet) { change(*packet.segment()); });
  }

  void of_packet(const PacketLine& packet) {
    if (script_.steps[at_].when.kind != When::Kind::anytime)
      add("later", [](Step& step) {
        const Duration more = step.when.latest + 10s;  // beyond the tolerance, which grows with the step
        step.when.earliest += more;
        step.when.latest += more;
      });
    of_ip(packet);
    if (const auto* segment = packet.segment()) return of_segment(*segment);
    if (std::holds_alternative<UdpLine>(packet.body))
      return add_packet("length + 1", [](PacketLine& one) { ++std::get<UdpLine>(one.body).length; });
    of_icmp(std::get<IcmpLine>(packet.body));
  }

  void of_ip(const PacketLine& packet) {
    if (packet.ip.ecn)
      add_packet("ECN", [](PacketLine& one) { one.ip.ecn = one.ip.ecn == Ecn::ce ? Ecn::ect0 : Ecn::ce; });
    if (packet.ip.ttl)
      add_packet("TTL", [](PacketLine& one) { one.ip.ttl = static_cast<std::uint8_t>(*one.ip.ttl ^ 1); });
    if (packet.ip.tos)
      add_packet("TOS", [](PacketLine& one) { one.ip.tos = static_cast<std::uint8_t>(*one.ip.tos ^ 16); });
    if (packet.ip.label) add_packet("flow label", [](PacketLine& one) { one.ip.label = *one.ip.label ^ 1; });
    if (packet.ports)
      add_packet("port", [](PacketLine& one) {
        one.ports->destination = static_cast<std::uint16_t>(one.ports->destination ^ 1);
      });
  }

  // The number of our first SYN is what the script's numbers are counted from: it is not compared.
  void of_segment(const SegmentLine& segment) {
    const bool defines = segment.has(wire::tcp::syn);
    if (!defines) add_segment("sequence number + 1", [](SegmentLine& one) { ++one.seq; });
    add_segment("length + 1", [](SegmentLine& one) { ++one.length; });
    add_segment("PSH", [](SegmentLine& one) { one.flags ^= wire::tcp::psh; });
    add_segment("FIN", [](SegmentLine& one) { one.flags ^= wire::tcp::fin; });
    if (segment.ack) add_segment("ack + 1", [](SegmentLine& one) { one.ack = *one.ack + 1; });
    if (segment.window)
      add_segment("window", [](SegmentLine& one) { one.window = static_cast<std::uint16_t>(*one.window ^ 1); });
    if (segment.urgent)
      add_segment("urgent pointer", [](SegmentLine& one) { one.urgent = static_cast<std::uint16_t>(*one.urgent + 1); });
    if (segment.any_options) return;
    add_segment("one option more", [](SegmentLine& one) {
      if (!one.options) one.options.emplace();
      one.options->push_back(option::Other{.kind = 200, .body = {}});
    });
    if (!segment.options) return;
    for (std::size_t i = 0; i < segment.options->size(); ++i) of_option(*segment.options, i);
  }

  void of_option(const std::vector<TcpOption>& options, std::size_t place) {
    add_segment("one option less", [place](SegmentLine& one) {
      one.options->erase(one.options->begin() + static_cast<std::ptrdiff_t>(place));
    });
    const TcpOption& option = options[place];
    const auto change = [&](const char* what, const std::function<void(TcpOption&)>& edit) {
      add_segment(what, [&](SegmentLine& one) { edit((*one.options)[place]); });
    };
    if (std::holds_alternative<option::Mss>(option))
      change("MSS + 1", [](TcpOption& one) { ++std::get<option::Mss>(one).bytes; });
    if (std::holds_alternative<option::WindowScale>(option))
      change("window scale + 1", [](TcpOption& one) { ++std::get<option::WindowScale>(one).shift; });
    if (std::holds_alternative<option::Sack>(option))
      change("SACK edge + 1", [](TcpOption& one) { ++std::get<option::Sack>(one).blocks[0].left; });
    if (const auto* stamps = std::get_if<option::Timestamps>(&option)) {
      if (stamps->echo)
        change("timestamp echo", [](TcpOption& one) { *std::get<option::Timestamps>(one).echo += kStampStep; });
      if (stamps->value && stamp_seen_)
        change("timestamp", [](TcpOption& one) { *std::get<option::Timestamps>(one).value += kStampStep; });
      stamp_seen_ = stamp_seen_ || stamps->value;  // the first one says where the script's clock begins
    }
    const auto* cookie = std::get_if<option::FastOpen>(&option);
    if (cookie && !cookie->cookie.empty())
      change("cookie", [](TcpOption& one) { std::get<option::FastOpen>(one).cookie[0] ^= 1; });
  }

  void of_icmp(const IcmpLine& icmp) {
    const auto edit = [this](const char* what, const std::function<void(IcmpLine&)>& change) {
      add_packet(what, [&](PacketLine& one) { change(std::get<IcmpLine>(one.body)); });
    };
    edit("ICMP type", [](IcmpLine& one) {
      one.type = one.type == IcmpType::redirect ? IcmpType::source_quench : IcmpType::redirect;
    });
    if (icmp.mtu) edit("MTU", [](IcmpLine& one) { one.mtu = *one.mtu ^ 1; });
    if (icmp.id) edit("echo id", [](IcmpLine& one) { one.id = static_cast<std::uint16_t>(*one.id ^ 1); });
    if (icmp.seq) edit("echo number", [](IcmpLine& one) { one.seq = static_cast<std::uint16_t>(*one.seq ^ 1); });
    if (icmp.length) edit("length", [](IcmpLine& one) { one.length = *one.length + 1; });
  }

  // A call that gives a descriptor says only which number it has from now on.
  void of_call(const CallStep& call) {
    const bool gives = gives_descriptor(call);
    const auto edit = [this](const std::string& what, const std::function<void(CallStep&)>& change) {
      add(what, [&](Step& step) { change(std::get<CallStep>(step.action)); });
    };
    if (call.result.is_number() && (!gives || call.result.number < 0))
      edit("result of " + call.name, [](CallStep& one) {
        one.result.number += 1;
        one.error = 0;
      });
    if (gives && call.result.is_number() && call.result.number >= 0)
      edit("result of " + call.name, [](CallStep& one) {
        one.result.number = -1;
        one.error = EDOM;
      });
    if (call.error != 0)
      edit("errno of " + call.name, [](CallStep& one) { one.error = one.error == EDOM ? EIO : EDOM; });
    if (call.name != "getsockopt" || call.arguments.size() < 4) return;
    const Value& value = call.arguments[3];
    for (std::size_t i = 0; i < value.items.size(); ++i)
      if (value.items[i].is_number())
        edit("value of getsockopt", [i](CallStep& one) { ++one.arguments[3].items[i].number; });
  }

  // "assert x" becomes "assert not (x)".
  void of_code(const std::string& code) {
    static constexpr std::string_view kWord = "assert ";
    for (std::size_t at = code.find(kWord); at != code.npos; at = code.find(kWord, at + 1)) {
      const std::size_t begin = at + kWord.size();
      const std::size_t end = std::min(end_of_condition(code, begin), code.size());
      const std::string changed =
          code.substr(0, begin) + "not (" + code.substr(begin, end - begin) + ")" + code.substr(end);
      add("assertion", [&](Step& step) { std::get<CodeStep>(step.action).code = changed; });
    }
  }

  static std::size_t end_of_condition(const std::string& code, std::size_t at) {
    int depth = 0;
    for (; at < code.size(); ++at) {
      const char c = code[at];
      if (c == '(') ++depth;
      if (c == ')') --depth;
      if (depth == 0 && (c == ',' || c == ';' || c == '\n' || c == '#')) return at;
    }
    return at;
  }

  const Script& script_;
  std::vector<Mutant> mutants_;
  std::size_t at_ = 0;
  bool stamp_seen_ = false;
};

}  // namespace

std::vector<Mutant> mutants_of(const Script& script) { return Mutator(script).all(); }

}  // namespace sluice::lab::drill
