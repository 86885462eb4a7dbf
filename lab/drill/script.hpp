// A script as it was written: packetdrill's language read into values. What it means is for run.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lab/drill/source.hpp"
#include "lab/notation.hpp"
#include "lab/script.hpp"
#include "stack/base/time.hpp"

namespace sluice::lab::drill {

/// An argument or a result of a call.
struct Value {
  enum class Kind : std::uint8_t {
    any,        ///< "..."
    number,     ///< 5, 0x10, O_RDWR|O_NONBLOCK, htons(80)
    text,       ///< "cubic", inet_addr("192.0.2.1")
    list,       ///< [4]
    structure,  ///< {fd=3, events=POLLIN} or {1, 5}
  };
  Kind kind = Kind::any;
  std::int64_t number = 0;
  std::string text = {};                ///< of a text its content
  std::vector<Value> items = {};        ///< of lists and structures
  std::vector<std::string> names = {};  ///< of a structure's items; "" = by place

  bool is_any() const noexcept { return kind == Kind::any; }
  bool is_number() const noexcept { return kind == Kind::number; }
  /// The item of that name, or, in a structure without names, in that place; nullptr when there is none.
  const Value* find(std::string_view name, std::size_t place) const noexcept;
  friend bool operator==(const Value&, const Value&) = default;
};

/// As the script would have it.
std::string to_text(const Value& value);

/// "< S 0:0(0) win 1000" or "> S. 0:0(0) ack 1 <...>".
struct PacketStep {
  bool inbound = true;
  PacketLine packet;
};

/// "read(4, ..., 1000) = -1 EAGAIN (Resource temporarily unavailable)".
struct CallStep {
  std::string name;
  std::vector<Value> arguments;
  Value result;
  int error = 0;  ///< errno, with a result of -1
};

/// The result, if it is no error, is a descriptor: the script says which number it has from now on.
bool gives_descriptor(const CallStep& call) noexcept;

/// "`sysctl -q net.ipv4.tcp_sack=0`".
struct ShellStep {
  std::string command;
};

/// "%{ assert tcpi_snd_cwnd == 10 }%".
struct CodeStep {
  std::string code;
};

struct Step {
  When when;
  bool blocks = false;  ///< a range with "...": the call ends at `until`
  Duration until{};     ///< counted as `when` is
  std::variant<PacketStep, CallStep, ShellStep, CodeStep> action;
  std::size_t line = 1;
  std::size_t begin = 0;  ///< of the statement in the source
  std::size_t end = 0;
  std::size_t action_begin = 0;  ///< behind the time
  std::string text;              ///< the statement in one line
};

/// "--tolerance_usecs=1000".
struct HeadOption {
  std::string name;
  std::string value;
  std::size_t line = 1;
  std::size_t column = 1;
};

struct Script {
  std::vector<HeadOption> options;
  std::vector<Step> steps;
};

/// What -D defines: a name's number or text.
using Defines = std::map<std::string, Value, std::less<>>;

/// Throws ScriptError.
Script parse_script(std::string_view source, const Defines& defines = {});
/// "80", "0x50", "\"text\"", or a word: a text. Throws ScriptError.
Value parse_definition(std::string_view text);

}  // namespace sluice::lab::drill
