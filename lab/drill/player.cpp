// Steps and time; see player.hpp.
#include "lab/drill/player.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "lab/drill/constants.hpp"

namespace sluice::lab::drill {
namespace {

using namespace std::chrono_literals;

constexpr Duration kLeastTolerance = 4ms;
constexpr Duration kAnytime = 2h;  // how long "*" waits
constexpr Duration kLongest = 24h * 36500;

constexpr int kMostKeys = 4;                    // a play with another key may have other flows
constexpr std::uint32_t kKeysToTry = 1u << 14;  // finds one for a dozen flows and two stacks

/// The step touches the stack: settings that come before all of these count for it.
bool uses_stack(const Step& step) {
  return std::holds_alternative<PacketStep>(step.action) || std::holds_alternative<CallStep>(step.action);
}

void blame(Outcome& outcome, const ScriptError& error) {
  outcome.verdict = error.unsupported ? Verdict::unsupported : Verdict::error;
  outcome.message = error.what();
  outcome.line = error.line;
  outcome.column = error.column;
}

}  // namespace

Player::Player(const Script& script, const RunOptions& options)
    : script_(script), options_(options), settings_(options.settings) {
  world_.lookup = [this](std::string_view name) -> std::optional<long double> {
    if (name.starts_with("tcpi_")) return caller_ ? caller_->tcp_info(name) : std::nullopt;
    if (const auto known = constant(name)) return static_cast<long double>(*known);
    return std::nullopt;
  };
  world_.print = [this](const std::string& line) { printed_.push_back(line); };
}

Outcome Player::play() {
  Outcome outcome;
  try {
    apply_options();
    for (index_ = 0; index_ < script_.steps.size(); ++index_) perform(script_.steps[index_]);
    finish();
  } catch (const Deviation& deviation) {
    outcome.verdict = Verdict::failed;
    outcome.message = deviation.what();
    describe(outcome, deviation);
  } catch (const ScriptError& error) {
    blame(outcome, error);
  } catch (const std::exception& error) {
    outcome.verdict = Verdict::failed;
    outcome.message = error.what();
    describe(outcome, Deviation(error.what(), {}));
  }
  outcome.steps = std::min(index_ + 1, script_.steps.size());
  outcome.printed = std::move(printed_);
  outcome.corrections = std::move(corrections_);
  if (!stage_) return outcome;
  outcome.length = stage_->now();
  outcome.counts = stage_->counts();
  stage_->after_turn = nullptr;
  if (outcome.verdict != Verdict::passed) return outcome;
  while (!stage_->sent.empty()) {
    outcome.leftovers.push_back(leftover_text());
    drop_front();
  }
  if (settings_.strict && !outcome.leftovers.empty()) {
    outcome.verdict = Verdict::failed;
    outcome.message = "a packet left that the script doesn't expect: " + outcome.leftovers[0];
    describe(outcome, Deviation(outcome.message, {}));
  }
  return outcome;
}

std::optional<Key> Player::better_key() const {
  if (!stage_) return std::nullopt;
  Key key = settings_.config.key;
  const auto fits = [&] {
    const auto shard = [&](const FourTuple& flow, ip::Protocol protocol) {
      return Host::home_of(flow, protocol, key, settings_.shape);
    };
    const std::uint8_t home = shard(Stage::home_flow(settings_), ip::Protocol::tcp);
    const auto& flows = flows_.all();
    return std::all_of(flows.begin(), flows.end(), [&](const Flow& one) {
      return shard({one.local, one.remote}, one.protocol) == home;
    });
  };
  if (fits()) return std::nullopt;
  for (std::uint32_t number = 1; number < kKeysToTry; ++number) {
    key = settings_.config.key;
    for (std::size_t i = 0; i < 4; ++i) key[i] ^= static_cast<std::uint8_t>(number >> (8 * i));
    if (fits()) return key;
  }
  return std::nullopt;
}

void Player::apply_options() {
  for (const HeadOption& option : script_.options) {
    const std::string trouble = apply_option(option.name, option.value, settings_);
    if (!trouble.empty()) throw ScriptError(option.line, option.column, trouble);
  }
}

void Player::check_addresses() const {
  const Family family = settings_.version == IpVersion::v6 ? Family::ipv6 : Family::ipv4;
  for (const auto& address : {settings_.local, settings_.remote})
    if (address && address->family() != family)
      throw ScriptError(0, 0, address->to_string() + " is no address of the script's version of IP");
}

Stage& Player::stage() {
  if (stage_) return *stage_;
  check_addresses();
  stage_ = std::make_unique<Stage>(settings_);
  stage_->after_turn = [this] { return retry(); };
  stage_->trace = options_.trace;
  caller_ = std::make_unique<Caller>(*stage_, settings_);
  return *stage_;
}

Player::Span Player::span_of(const Step& step) const {
  const When& when = step.when;
  if (when.kind == When::Kind::anytime)
    return {.first = Duration::zero(), .last = stage_ ? stage_->now() + kAnytime : kAnytime};
  const Duration from = when.kind == When::Kind::relative ? base_ : Duration::zero();
  Span span{.first = from + when.earliest, .last = from + when.latest};
  if (span.last > kLongest) throw ScriptError(step.line, 0, "a script can't last longer than a hundred years");
  span.tolerance = settings_.tolerance.value_or(std::max(kLeastTolerance, (span.last - base_) / 8));
  return span;
}

Player::Span Player::go_to(const Step& step) {
  const Span span = span_of(step);
  if (stage_) stage_->run_to(span.first);
  base_ = span.first;
  return span;
}

void Player::perform(const Step& step) {
  if (const auto* packet = std::get_if<PacketStep>(&step.action))
    packet->inbound ? arrive(step, packet->packet) : expect(step, packet->packet);
  else if (const auto* made = std::get_if<CallStep>(&step.action))
    call(step, *made);
  else if (const auto* command = std::get_if<ShellStep>(&step.action))
    shell(step, *command);
  else
    code(step, std::get<CodeStep>(step.action));
}

// --- calls -------------------------------------------------------------------------------------------------------

void Player::call(const Step& step, const CallStep& call) {
  finish_blocked();
  stage();
  const Span span = go_to(step);
  const Attempt attempt = caller_->attempt(call, step.line, stage_->now());
  note(Rung::Kind::local, step.text.substr(step.action_begin - step.begin));
  const Duration end = step.until + (span.first - step.when.earliest);
  const Blocked made{.step = &step, .began = stage_->now(), .end = end, .tolerance = span.tolerance};
  if (attempt.blocked) {
    if (!step.blocks) fail(call.name + "() blocks: a range such as +0...0.1 says until when it may");
    blocked_ = made;
    stage_->wake = attempt.wake;
  } else if (step.blocks && end > span.first + settings_.tolerance.value_or(kLeastTolerance)) {
    fail(call.name + "() doesn't block: it answered " + attempt.result + " at once");
  } else {
    judge_call(step, attempt);
  }
  stage_->turn();
}

bool Player::retry() {
  if (!blocked_ || blocked_->finished) return false;
  const auto& call = std::get<CallStep>(blocked_->step->action);
  Attempt attempt = caller_->attempt(call, blocked_->step->line, blocked_->began);
  if (attempt.blocked) {
    if (attempt.wake) stage_->wake = attempt.wake;
    return false;
  }
  blocked_->finished = stage_->now();
  blocked_->attempt = std::move(attempt);
  return true;
}

// A call that blocks is over before the next one is made, and at the end.
void Player::finish_blocked() {
  if (!blocked_) return;
  const Duration tolerance = settings_.tolerance.value_or(
      std::max({kLeastTolerance, blocked_->tolerance, (blocked_->end - blocked_->began) / 8}));
  const Duration latest = blocked_->end + tolerance;
  stage_->run_until(latest, [this] { return blocked_->finished.has_value(); });
  const Blocked over = *std::exchange(blocked_, std::nullopt);
  const std::string& name = std::get<CallStep>(over.step->action).name;
  if (!over.finished)
    fail(fmt::format("{}() of line {} still blocks at {} s", name, over.step->line, seconds_text(latest)));
  judge_call(*over.step, over.attempt);
  if (*over.finished < over.end - tolerance || *over.finished > latest)
    fail(fmt::format("{}() of line {} returned at {} s, and {} s is written", name, over.step->line,
                     seconds_text(*over.finished), seconds_text(over.end)));
}

void Player::judge_call(const Step& step, const Attempt& attempt) const {
  if (attempt.trouble.empty()) return;
  const auto& call = std::get<CallStep>(step.action);
  std::string expected = to_text(call.result);
  if (call.error != 0) expected += " " + std::string(posix::errno_name(call.error));
  fail(call.name + "(): " + attempt.trouble, "  expected  " + expected + "\n  actual    " + attempt.result + "\n");
}

// --- commands and code -------------------------------------------------------------------------------------------

void Player::shell(const Step& step, const ShellStep& shell) {
  go_to(step);
  Settings changed = settings_;
  const std::string trouble = apply_command(shell.command, changed);
  if (!trouble.empty()) throw ScriptError(step.line, 0, trouble);
  if (!stage_) {
    settings_ = changed;
    return;
  }
  const auto rest = script_.steps.begin() + static_cast<std::ptrdiff_t>(index_);
  const bool tidying = std::none_of(rest, script_.steps.end(), uses_stack);
  if (!tidying && !settings_.ignore_shell)
    throw ScriptError(step.line, 0, "settings have to come before the first call or packet");
}

void Player::code(const Step& step, const CodeStep& code) {
  go_to(step);
  try {
    run_code(code.code, world_);
  } catch (const AssertionFailed& failed) {
    fail(failed.what());
  } catch (const CodeError& error) {
    throw ScriptError(step.line, 0, error.what());
  }
}

void Player::finish() {
  if (!stage_) return;
  finish_blocked();
  stage_->run_to(std::max(base_, stage_->now()));
}

// --- the front door ----------------------------------------------------------------------------------------------

// A script's peer has the ports that the script says, and its application lives with one stack. So of a host of several
// the key has to be such that they meet; which flows there are is known after a play.
Outcome run(const Script& script, const RunOptions& options) {
  RunOptions at_home = options;
  RunOptions silent{.settings = options.settings};
  for (int tries = 0; options.settings.shape.shards > 1 && tries < kMostKeys; ++tries) {
    silent.settings.config.key = at_home.settings.config.key;
    Player rehearsal(script, silent);
    rehearsal.play();
    const auto key = rehearsal.better_key();
    if (!key) break;
    at_home.settings.config.key = *key;
  }
  return Player(script, at_home).play();
}

Outcome run(std::string_view source, const Defines& defines, const RunOptions& options) {
  try {
    return run(parse_script(source, defines), options);
  } catch (const ScriptError& error) {
    Outcome outcome;
    blame(outcome, error);
    return outcome;
  }
}

std::string corrected(std::string_view source, const std::vector<Correction>& corrections) {
  std::string text(source);
  for (auto one = corrections.rbegin(); one != corrections.rend(); ++one)
    text.replace(one->begin, one->end - one->begin, one->text);
  return text;
}

}  // namespace sluice::lab::drill
