// `sluice get`: the flags, and curl's exit codes.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "lab/file_bytes.hpp"
#include "tools/arguments.hpp"
#include "tools/commands.hpp"
#include "tools/fetch.hpp"
#include "tools/fetch_codes.hpp"
#include "tools/resolve.hpp"

namespace sluice::tools {
namespace {

constexpr const char* kExamples = R"(Examples:
  sluice get http://10.77.1.1:8000/             from a server of the kernel's on this machine
  sluice get -i -o page.html http://10.77.1.1:8000/page.html
  sluice get -O http://10.77.1.1:8000/a.bin http://10.77.1.1:8000/b.bin     both over one connection
  sluice get -L -H 'Accept: text/html' http://10.77.1.1:8000/moved          follows redirects
  sluice get -O --continue http://10.77.1.1:8000/big.bin                    goes on where it broke off
  sluice get -I -r 0-99 http://10.77.1.1:8000/big.bin                       the head alone
  sluice get --json --loss 2% --delay 10ms http://10.77.1.1:8000/big | jq .tcp.retransmissions
  sluice get --cacert ca.pem https://10.77.1.1:8443/

With --json each URL leaves one line on standard output, whether it went well or not: dns_ms, connect_ms, tls_ms,
first_byte_ms, total_ms count from its beginning. -o with a terminal shows progress on standard error.
Credentials (-H Authorization, Cookie, Proxy-Authorization) go to no other origin than the URL's.
--continue trusts the ETag or Last-Modified that the first attempt left as an attribute of the file, if it could.
SSLKEYLOGFILE names a file for the secrets of TLS.
Exit, as curl's, for the last URL: 0 done, 1 a scheme that is not spoken, 2 a wrong flag or value, 3 no URL,
6 an unknown host, 7 no connection, 18 the body broke off, 22 a status of 400 or more with --fail, 23 the output failed,
28 too slow, 33 the server does not go on with the file, 35 no TLS, 47 redirects without end or aim, 52 no answer,
56 the connection failed, 60 a certificate that is not believed, 77 no certificates.)";

struct Options {
  LinkOptions link;
  FetchOptions fetch;
  std::vector<std::string> urls;
  std::vector<std::string> outputs;
  std::string trusted_file;
  bool remote_name = false;
  bool show_error = false;
};

int complain(const Options& options, int code, const std::string& sentence) {
  if (!options.fetch.quiet_errors) fmt::print(stderr, "sluice get: {}\n", sentence);
  return code;
}

/// "Name: value" replaces the field of that name; "Name:" leaves it out.
void take_field(FetchOptions& options, const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::string name = text.substr(0, colon);
  if (colon == text.npos || !http::is_token(name))
    throw UsageError("-H", fmt::format("\"{}\" is not of the form \"Name: value\"", text));
  for (const char* own : {"Content-Length", "Transfer-Encoding", "Upgrade"})
    if (http::iequals(name, own)) throw UsageError("-H", fmt::format("{} is not for the user to set", own));
  const std::string value(http::trim(std::string_view(text).substr(colon + 1)));
  for (const char c : value)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) throw UsageError("-H", "the value holds a control character");
  if (value.empty())
    options.without.push_back(name);
  else
    options.fields.add(name, value);
}

/// "0-99", "100-", "-5"; several with commas.
lab::Parsed<std::string> parse_range(std::string_view text) {
  const bool fits = text.find('-') != text.npos && text.find_first_not_of("0123456789-,") == text.npos;
  if (fits && text.size() > 1) return std::string(text);
  return lab::Parsed<std::string>::failed(fmt::format("\"{}\" is no range such as 0-99, 100- or -5", text));
}

/// 0..1000.
lab::Parsed<unsigned> parse_redirects(std::string_view text) {
  const auto count = http::parse_decimal(text);
  if (count && *count <= 1000) return static_cast<unsigned>(*count);
  return lab::Parsed<unsigned>::failed(fmt::format("\"{}\" is no number from 0 to 1000", text));
}

lab::Parsed<bool> parse_continuation(std::string_view text) {
  if (text == "-") return true;
  return lab::Parsed<bool>::failed("takes \"-\" alone: from the end of the file that is here");
}

void check(const Options& options) {
  if (options.outputs.size() > options.urls.size()) throw UsageError("-o", "there are more files than URLs");
  if (!options.fetch.resume) return;
  if (!options.remote_name && options.outputs.size() < options.urls.size())
    throw UsageError("-C", "needs -o or -O for each URL");
  if (options.fetch.include || options.fetch.head) throw UsageError("-C", "does not go with -i or -I");
  if (!options.fetch.range.empty()) throw UsageError("-C", "does not go with -r");
}

/// What follows the last slash of the path.
std::string remote_name(const http::Url& url) {
  const std::string path = url.target.substr(0, url.target.find('?'));
  const std::string name = path.substr(path.rfind('/') + 1);
  return name == "." || name == ".." ? std::string() : name;
}

/// Reads and resolves all URLs. An exit code: one of them is none.
std::variant<std::vector<FetchTarget>, int> targets_of(const Options& options) {
  std::vector<FetchTarget> targets;
  for (const std::string& text : options.urls) {
    const auto parsed = http::parse_url(text);
    if (const auto* error = std::get_if<http::UrlError>(&parsed)) return complain(options, kNoUrl, error->message);
    FetchTarget target{
        .text = text, .url = std::get<http::Url>(parsed), .file = {}, .addresses = {}, .fault = {}, .resolving = {}};
    if (target.url.scheme != "http" && target.url.scheme != "https")
      return complain(options, kUnknownScheme,
                      fmt::format("{} is not spoken here, only http and https", target.url.scheme));
    if (targets.size() < options.outputs.size())
      target.file = options.outputs[targets.size()];
    else if (options.remote_name)
      target.file = remote_name(target.url);
    if (target.file.empty() && options.remote_name)
      return complain(options, kWriteFailed, fmt::format("{} ends with no name for a file", text));
    const auto began = std::chrono::steady_clock::now();
    if (!is_for_stack(target.url.host, options.link)) target.addresses = resolve(target.url.host);
    target.resolving = std::chrono::steady_clock::now() - began;
    targets.push_back(std::move(target));
  }
  return targets;
}

/// With --dns: what the stack alone can find out.
void resolve_over_stack(Host& host, const LinkOptions& options, std::vector<FetchTarget>& targets) {
  for (FetchTarget& target : targets) {
    if (!is_for_stack(target.url.host, options)) continue;
    const auto began = std::chrono::steady_clock::now();
    Resolved resolved = resolve_over(host, target.url.host, options);
    target.resolving = std::chrono::steady_clock::now() - began;
    target.addresses = std::move(resolved.addresses);
    target.fault = std::move(resolved.error);
  }
}

int get(Options& options) {
  check(options);
  options.fetch.quiet_errors = options.fetch.quiet && !options.show_error;
  options.fetch.link = options.link;
  auto made = targets_of(options);
  if (const int* code = std::get_if<int>(&made)) return *code;
  auto& targets = std::get<std::vector<FetchTarget>>(made);
  if (!options.trusted_file.empty()) {
    const auto file = lab::FileBytes::load(options.trusted_file);
    if (!file || (*file).bytes().empty())
      return complain(options, kNoTrust, file ? options.trusted_file + ": an empty file" : file.error);
    options.fetch.trusted = as_text((*file).bytes());
  }
  if (targets.size() == 1 && targets.front().addresses.empty() &&
      !is_for_stack(targets.front().url.host, options.link))  // needs no device to be told
    return complain(options, kUnknownHost, fmt::format("no address is known for {}", targets.front().url.host));
  std::signal(SIGPIPE, SIG_IGN);
  Host host(options.link, Role::client);
  resolve_over_stack(host, options.link, targets);
  return run_fetch(host, targets, options.fetch);
}

void add_request_flags(CLI::App& command, const std::shared_ptr<Options>& options) {
  FetchOptions& fetch = options->fetch;
  command.add_flag("-I,--head", fetch.head, "HEAD: the answer's head alone");
  command
      .add_option_function<std::vector<std::string>>(
          "-H,--header",
          [options](const std::vector<std::string>& lines) {
            for (const std::string& line : lines) take_field(options->fetch, line);
          },
          "a field of the request, in place of ours; \"Name:\" leaves it out")
      ->type_name("LINE")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_value(command, "-r,--range", fetch.range, parse_range, "RANGE", "these bytes of it: 0-99, 100-, -5");
  command.add_flag("-L,--location", fetch.location, "follow redirects");
  add_value(command, "--max-redirs", fetch.max_redirects, parse_redirects, "COUNT", "at most so many [10]");
  command.add_flag("-f,--fail", fetch.fail, "a status of 400 or more is a failure: exit 22, and no body");
}

void add_output_flags(CLI::App& command, const std::shared_ptr<Options>& options) {
  FetchOptions& fetch = options->fetch;
  command.add_option("-o,--output", options->outputs, "write the body there [standard output]; one for each URL")
      ->type_name("FILE")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.add_flag("-O,--remote-name", options->remote_name, "write each body into a file of the URL's last name");
  add_value(command, "-C,--continue-at", fetch.resume, parse_continuation, "-",
            "go on with a file that is here in part");
  command.add_flag("--continue", fetch.resume, "the same as -C -");
  command.add_flag("-i,--include", fetch.include, "the answer's head, too");
  command.add_flag("-s,--silent", fetch.quiet, "no progress and no complaints");
  command.add_flag("-S,--show-error", options->show_error, "complaints all the same");
  command.add_flag("--json", fetch.json, "one line for each URL on standard output; the body only with -o or -O");
}

}  // namespace

void add_get(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("get", "Fetch URLs, on a stack of its own");
  const auto options = std::make_shared<Options>();
  command->add_option("URL", options->urls, "http://HOST[:PORT]/PATH, or https")->required();
  add_request_flags(*command, options);
  add_output_flags(*command, options);
  command->add_option("--cacert", options->trusted_file, "PEM: believe these certificates, not the system's")
      ->type_name("FILE");
  command->add_flag("-k,--insecure", options->fetch.insecure, "believe any certificate");
  add_value(*command, "-m,--max-time", options->fetch.limit, lab::parse_time, "TIME", "for each URL [2min]");
  add_link_options(*command, options->link, Role::client);
  command->footer(kExamples);
  command->callback([&action, options] { action = [options] { return get(*options); }; });
}

}  // namespace sluice::tools
