// Any text as a script: it is refused with a place inside it, or played to an end. What its mutants are may be wrong,
// but neither they nor its corrections crash.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "lab/drill/mutate.hpp"
#include "lab/drill/run.hpp"
#include "stack/base/bytes.hpp"

namespace {

void demand(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  using namespace sluice::lab::drill;
  if (size == 0) return 0;
  const std::string_view text = as_text({data + 1, size - 1});
  RunOptions options{.settings = settings_of((data[0] & 1) != 0 ? Profile::linux_ : Profile::sluice)};
  options.settings.limits = {.turns = 5000, .bytes = 20'000};
  options.settings.ignore_shell = (data[0] & 2) != 0;
  options.correct = (data[0] & 4) != 0;
  const Outcome outcome = run(text, {}, options);
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  demand(outcome.line <= lines && outcome.column <= text.size() + 1);
  demand(outcome.message.empty() == (outcome.verdict == Verdict::passed));
  static_cast<void>(corrected(text, outcome.corrections));
  if (outcome.verdict != Verdict::passed || (data[0] & 8) == 0) return 0;
  std::size_t played = 0;
  for (const Mutant& one : mutants_of(parse_script(text)))
    if (++played <= 3) run(one.script, options);
  return 0;
}
