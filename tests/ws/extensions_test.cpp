// RFC 6455 9.1 and 4.3: the grammar of lists.
#include "ws/extensions.hpp"

#include <doctest/doctest.h>

namespace sluice::ws::test {
namespace {

std::string show(const std::vector<Extension>& extensions) {
  std::string text;
  for (const Extension& extension : extensions) {
    text += text.empty() ? extension.name : " + " + extension.name;
    for (const ExtensionParameter& parameter : extension.parameters)
      text += ";" + parameter.name + (parameter.value ? "=" + *parameter.value : "");
  }
  return text;
}

TEST_CASE("extensions with parameters, plain or quoted, are read in order [WS-9.1-1] [WS-4.3-1]") {
  const auto parsed =
      parse_extensions(" permessage-deflate ; client_max_window_bits;server_max_window_bits = 10 ,,\tx; y=\"1\\0\" ");
  REQUIRE(parsed);
  CHECK(show(*parsed) == "permessage-deflate;client_max_window_bits;server_max_window_bits=10 + x;y=10");
  CHECK(parse_extensions("")->empty());
  CHECK(parse_extensions(" , ,")->empty());
}

TEST_CASE("what breaks the grammar is refused whole [WS-9.1-1] [A-WS-13] [A-WS-17]") {
  for (const char* bad : {";", "a;", "a;;b", "a=b", "a b", "a;b=", "a;b=c d", "a;b=\"\"", "a;b=\"c", "a;b=\"c\\",
                          "a;b=\"c,d\"", "a;b=\"c\"d", "\"a\"", "a;=b", "a\x01"})
    CHECK_MESSAGE(!parse_extensions(bad), bad);
}

TEST_CASE("subprotocols are tokens in their order, none twice [WS-4.1-12]") {
  const auto parsed = parse_subprotocols("b, a ,,c");
  REQUIRE(parsed);
  CHECK(*parsed == std::vector<std::string_view>{"b", "a", "c"});
  for (const char* bad : {"a, b, a", "a b", "a,b;c", "(a)"}) CHECK_MESSAGE(!parse_subprotocols(bad), bad);
  CHECK(parse_subprotocols("a, A"));
}

}  // namespace
}  // namespace sluice::ws::test
