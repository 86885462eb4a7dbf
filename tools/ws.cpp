// `sluice ws`: the flags of a WebSocket client.
#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <csignal>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tools/arguments.hpp"
#include "tools/commands.hpp"
#include "tools/resolve.hpp"
#include "tools/ws_run.hpp"
#include "tun/error.hpp"
#include "ws/key.hpp"
#include "ws/utf8.hpp"

namespace sluice::tools {
namespace {

constexpr const char* kExamples = R"(Examples:
  sluice ws ws://10.77.1.1:8000/echo                 type a line, Ctrl-D closes
  echo hello | sluice ws --one ws://10.77.1.1:8000/  the first answer, and out
  sluice ws -n --json ws://10.77.1.1:8000/feed | jq -r 'select(.type == "message") | .text'
  sluice ws --binary --raw --chunk 4KiB ws://10.77.1.1:8000/ < in > out
  sluice ws --cacert ca.pem wss://10.77.1.1:8443/    over TLS; without --cacert the system's authorities count
  sluice ws --subprotocol chat --user ann:secret --ping 20s --reconnect -v ws://10.77.1.1:8000/

At the end of standard input it sends what waits, and after a second without a message a Close. What the peer sent
before it answers that is still printed. Who needs longer to answer gets --wait; with -n the Close is left to the peer.
A line that can't be sent (not UTF-8, not hexadecimal, over 16 MiB) is named on stderr and passed over, and the exit
is 1. After --reconnect, lines that were already sent, or on their way, do not go again.
Exit: 0 a clean close, whatever its code; 1 no connection, no WebSocket, or an end without Close; 2 a wrong flag or
value.)";

/// Many servers drop the answers that they still owe when a Close comes: a pipe's end gives them a moment.
constexpr Duration kWait = std::chrono::seconds(1);

struct Options {
  LinkOptions link;
  WsOptions ws;
  std::string url;
  std::string user;
  std::vector<std::string> cookies;
  std::vector<std::string> headers;
  std::string origin;
  std::string close;
  std::string reconnect;
  std::optional<Duration> wait;
  bool binary = false;
  bool hex = false;
  bool no_close = false;
  bool no_deflate = false;
  std::string trusted_file;
};

/// What can stand in one line of a head.
std::string checked_value(const std::string& flag, std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t') throw UsageError(flag, "has a control character");
  return std::string(http::trim(text));
}

http::Field parse_field(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == text.npos || !http::is_token(std::string_view(text).substr(0, colon)))
    throw UsageError("--header", fmt::format("\"{}\" is not a field, such as 'Name: value'", text));
  return {text.substr(0, colon), checked_value("--header", std::string_view(text).substr(colon + 1))};
}

/// "4001:gone fishing", "1001".
void parse_close(const std::string& text, WsTalkOptions& talk) {
  const std::size_t colon = text.find(':');
  const auto number = http::parse_decimal(std::string_view(text).substr(0, colon));
  if (!number || *number > 4999 || !ws::may_be_sent(static_cast<ws::CloseCode>(*number)))
    throw UsageError("--close", fmt::format("\"{}\" does not begin with a code that a Close may carry: 1000-1003, "
                                            "1007-1014, 3000-4999",
                                            text));
  talk.code = static_cast<ws::CloseCode>(*number);
  if (colon != text.npos) talk.reason = text.substr(colon + 1);
  if (talk.reason.size() > ws::kMaxCloseReason || !ws::is_utf8(as_bytes(talk.reason)))
    throw UsageError("--close", "a reason is UTF-8 of at most 123 bytes");
}

std::uint32_t parse_reconnect(const std::string& text) {
  if (text == "always") return std::numeric_limits<std::uint32_t>::max();
  const auto count = parse_count(text);
  if (!count) throw UsageError("--reconnect", count.error);
  return *count;
}

void fill_request(const Options& options, const http::Url& url, ws::ClientRequest& request) {
  request.host = url.authority();
  request.target = url.target;
  if (!options.no_deflate) request.deflate.emplace();
  if (!options.origin.empty()) request.origin = checked_value("--origin", options.origin);
  if (!options.user.empty()) {
    if (options.user.find(':') == options.user.npos) throw UsageError("--user", "is NAME:PASSWORD");
    request.fields.add("Authorization", "Basic " + ws::base64(as_bytes(options.user)));
  }
  std::string cookies;
  for (const std::string& cookie : options.cookies)
    cookies.append(cookies.empty() ? "" : "; ").append(checked_value("--cookie", cookie));
  if (!cookies.empty()) request.fields.add("Cookie", cookies);
  for (const std::string& header : options.headers) {
    http::Field field = parse_field(header);
    request.fields.add(std::move(field.name), std::move(field.value));
  }
  Random trial(Key{}, KeyUse::websocket_mask);
  if (!ws::ClientHandshake::start(request, trial))
    throw UsageError(
        "the handshake can't carry this: a subprotocol is a token and comes once, and Host, Upgrade, "
        "Connection, Origin and Sec-WebSocket-* are not for --header");
}

http::Url checked_url(const std::string& text) {
  auto parsed = http::parse_url(text);
  if (const auto* error = std::get_if<http::UrlError>(&parsed)) throw UsageError(error->message);
  http::Url& url = std::get<http::Url>(parsed);
  if (url.scheme != "ws" && url.scheme != "wss")
    throw UsageError(fmt::format("{}:// is no WebSocket, give ws://HOST[:PORT]/PATH, or wss", url.scheme));
  return url;
}

void fill_talk(const Options& options, WsTalkOptions& talk) {
  if (options.binary && options.hex) throw UsageError("--binary and --hex exclude each other");
  talk.url = options.url;
  talk.form = options.binary ? WsForm::binary : options.hex ? WsForm::hex : WsForm::text;
  if (talk.chunk == 0 || talk.chunk > 16u << 20) throw UsageError("--chunk", "is 1 byte to 16 MiB");
  talk.output.hex = options.hex;
  talk.output.terminal = ::isatty(STDOUT_FILENO) == 1;
  talk.close_at_end = !options.no_close && (!talk.one || options.wait);
  talk.wait = options.wait.value_or(::isatty(STDIN_FILENO) == 1 ? Duration{} : kWait);
  if (!options.close.empty()) parse_close(options.close, talk);
}

int talk(Options options) {
  const http::Url url = checked_url(options.url);
  fill_request(options, url, options.ws.request);
  fill_talk(options, options.ws.talk);
  if (!options.trusted_file.empty()) options.ws.trust.certificates = read_text(options.trusted_file);
  if (!options.reconnect.empty()) options.ws.reconnect = parse_reconnect(options.reconnect);
  if (options.ws.ping && *options.ws.ping < std::chrono::milliseconds(1)) throw UsageError("--ping", "is at least 1ms");
  const bool by_stack = is_for_stack(url.host, options.link);
  std::vector<IpAddress> addresses;
  if (!by_stack) addresses = resolve(url.host);
  if (!by_stack && addresses.empty())
    throw tun::Error(Errc::not_found, fmt::format("no address is known for {}", url.host));
  std::signal(SIGPIPE, SIG_IGN);
  Host host(options.link, Role::client);
  if (by_stack) addresses = addresses_over(host, url.host, options.link);
  return run_ws(host, url, by_preference(addresses, host), options.ws);
}

void add_handshake(CLI::App& app, Options& options) {
  const auto group = [](CLI::Option* option) { option->group("Handshake"); };
  group(app.add_option("--subprotocol", options.ws.request.subprotocols, "offered, best first; may be repeated")
            ->type_name("NAME")
            ->allow_extra_args(false));
  group(app.add_option("-H,--header", options.headers, "one more field; may be repeated")
            ->type_name("'NAME: VALUE'")
            ->allow_extra_args(false));
  group(app.add_option("--cacert", options.trusted_file, "PEM, for wss: believe these certificates, not the system's")
            ->type_name("FILE"));
  group(app.add_flag("-k,--insecure", options.ws.trust.insecure, "for wss: believe any certificate"));
  group(app.add_flag("--no-deflate", options.no_deflate, "offers no compression (permessage-deflate)"));
  group(app.add_option("--origin", options.origin, "what a browser would say of the page [none]")->type_name("ORIGIN"));
  group(app.add_option("--user", options.user, "basic authentication")->type_name("NAME:PASSWORD"));
  group(
      app.add_option("--cookie", options.cookies, "may be repeated")->type_name("NAME=VALUE")->allow_extra_args(false));
  group(add_value(app, "--connect-timeout", options.ws.connect_timeout, lab::parse_time, "TIME",
                  "for TCP and the handshake together [10s]"));
  group(app.add_flag("--reconnect{always}", options.reconnect,
                     "after a failure, a break or a Close that says \"later\": tries again, or =N times in a row, "
                     "with pauses that grow to 30s"));
}

void add_messages(CLI::App& app, Options& options) {
  const auto group = [](CLI::Option* option) { option->group("Messages"); };
  WsTalkOptions& talk = options.ws.talk;
  group(app.add_flag("--binary", options.binary, "each read of standard input is a binary message"));
  group(add_value(app, "--chunk", talk.chunk, lab::parse_size, "SIZE", "at most so large, with --binary [64KiB]"));
  group(app.add_flag("--hex", options.hex, "lines are hexadecimal both ways, what is sent is binary"));
  group(app.add_flag("--raw", talk.output.raw, "binary messages as their bytes, not as a line of hexadecimal"));
  group(app.add_flag("--json", talk.output.json, "a line for each event: open, message, ping, pong, close"));
  group(add_value(app, "--limit", options.ws.limit, lab::parse_size, "SIZE",
                  "of a message that comes; a larger one is closed with 1009 [64MiB]"));
  group(add_value(app, "--ping", options.ws.ping, lab::parse_time, "INTERVAL",
                  "a Ping each so often; without answers the connection counts as lost"));
}

void add_end(CLI::App& app, Options& options) {
  const auto group = [](CLI::Option* option) { option->group("The end"); };
  WsTalkOptions& talk = options.ws.talk;
  group(add_value(app, "--wait", options.wait, lab::parse_time, "TIME",
                  "so much silence between the input's end and the Close [1s; a terminal's end: 0]"));
  group(app.add_flag("-n,--no-close", options.no_close, "after the input's end listens until the peer closes"));
  group(app.add_flag("--one", talk.one, "closes after the first message, and not before unless --wait says so"));
  group(app.add_option("--close", options.close, "what the Close says [1000]")->type_name("CODE[:REASON]"));
  group(app.add_flag("-v,--verbose", options.ws.verbose, "opening, pings, pongs and the end, on stderr"));
}

}  // namespace

void add_ws(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("ws", "Talk to a WebSocket line by line, on a stack of its own");
  const auto options = std::make_shared<Options>();
  command->add_option("URL", options->url, "ws://HOST[:PORT]/PATH, or wss")->required();
  add_messages(*command, *options);
  add_handshake(*command, *options);
  add_end(*command, *options);
  add_link_options(*command, options->link, Role::client);
  command->footer(kExamples);
  command->callback([&action, options] { action = [options] { return talk(*options); }; });
}

}  // namespace sluice::tools
