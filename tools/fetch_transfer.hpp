// One URL with all its redirects, from the first request to the exit code.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "http/redirect.hpp"
#include "tools/fetch_output.hpp"
#include "tools/fetch_pool.hpp"
#include "tools/fetch_report.hpp"

namespace sluice::tools {

class FetchTransfer final : public FetchUser {
 public:
  /// `ended` is called once, with curl's exit code; all references outlive this.
  FetchTransfer(Host& host, FetchPool& pool, const FetchOptions& options, const FetchTarget& target,
                std::function<void(int)> ended);

  void begin();
  /// The program ends: nothing more is written or said.
  void break_off() noexcept;

  bool has_room() override;
  void on_head(const http::ReceivedResponse& received) override;
  void on_body(Bytes bytes) override;
  void on_done() override;
  void on_failed(int code, const std::string& sentence) override;

 private:
  void send();
  void ask();
  http::Request request() const;
  void follow();
  bool open_output(const http::Response& response);
  bool writes() const noexcept { return !options_.json || output_.is_file(); }
  void finish();
  void fail(int code, const std::string& sentence);
  void end(int code);
  void say(const std::string& sentence) const;
  void note_times();
  void show_progress(bool last);
  Duration since_begin() const;

  Host& host_;
  FetchPool& pool_;
  const FetchOptions& options_;
  std::function<void(int)> ended_;
  http::RedirectTrail trail_;
  FetchOutput output_;
  Partial partial_;
  FetchRecord record_;
  FetchConnection* connection_ = nullptr;
  tun::EventLoop::Alarm limit_;
  tun::EventLoop::Alarm progress_;
  std::optional<std::uint64_t> expected_;  ///< bytes of the body
  Time began_;
  bool redirecting_ = false;
  bool skips_body_ = false;  ///< what comes is not for the output
  bool answered_ = false;    ///< the request that is open has a head
  bool repeated_ = false;    ///< it was sent a second time, over a new connection
  bool leaving_ = false;     ///< the rest of a redirect's body isn't waited for
  bool over_ = false;
};

}  // namespace sluice::tools
