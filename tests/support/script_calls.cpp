// The application's verbs of a script; see script.hpp.
#include <algorithm>
#include <string>

#include "tests/support/script.hpp"
#include "tests/support/world.hpp"

namespace sluice::test {

void Script::listen(const tcp::ListenOptions& options) {
  begin(false);
  note("listen");
  auto made = host_->home().listen({tuple().local.address, local_port_}, options);
  if (!made) fail("listen: " + std::string(describe(made.error())), Here());
  listener = std::move(*made);
  turn();
}

void Script::connect(tcp::OpenOptions options) {
  begin(true);
  note("connect");
  if (!options.local) options.local = Endpoint{tuple().local.address, local_port_};
  auto made = host_->home().connect(tuple().remote, options);
  if (!made) fail("connect: " + std::string(describe(made.error())), Here());
  socket = std::move(*made);
  turn();
}

void Script::accept(Here here) {
  auto accepted = listener.accept();
  if (!accepted) fail("accept: " + std::string(describe(accepted.error())), here);
  note("accept");
  socket = std::move(*accepted);
  turn();
}

namespace {

std::string syn_options(const Established& how, std::uint32_t clock, std::uint32_t echo) {
  std::string text;
  const auto add = [&text](const std::string& option) { text += (text.empty() ? "" : ",") + option; };
  if (how.mss != 0) add("mss " + std::to_string(how.mss));
  if (how.sack) add("sackOK");
  if (how.timestamps) add("TS val " + std::to_string(clock) + " ecr " + std::to_string(echo));
  if (how.wscale) add("nop,wscale " + std::to_string(*how.wscale));
  return " <" + text + ">";
}

}  // namespace

void Script::established(const Established& how, Here here) {
  peer_window = how.window;
  if (how.active) {
    connect();
    take(here);
    run(how.rtt);
    flow().stamps = how.timestamps;
    in("S. 0:0(0) ack 1" + syn_options(how, static_cast<std::uint32_t>(1000 + now() / 1ms), flow().last_stamp), here);
    return expect(". 1:1(0) ack 1", tcp::SendReason::handshake_ack, here);
  }
  listen(how.listening);
  in("S 0:0(0)" + syn_options(how, static_cast<std::uint32_t>(1000 + now() / 1ms), 0), here);
  expect("S. 0:0(0) ack 1", tcp::SendReason::accept_open, here);
  run(how.rtt);
  flow().stamps = how.timestamps;
  in(". 1:1(0) ack 1", here);
  accept(here);
}

std::size_t Script::write(std::size_t bytes) {
  const std::vector<std::uint8_t> text = pattern(kOurStream, flow().written.size(), bytes);
  return write(as_text(text));
}

std::size_t Script::write(std::string_view text) {
  const Result<std::size_t> taken = socket.write(as_bytes(text));
  if (!taken) {
    note("write: " + std::string(describe(taken.error())));
    return 0;
  }
  note("write " + std::to_string(text.size()) + " = " + std::to_string(*taken));
  flow().written.insert(flow().written.end(), text.begin(), text.begin() + static_cast<std::ptrdiff_t>(*taken));
  turn();
  return *taken;
}

void Script::write_urgent(std::size_t bytes, Here here) {
  const std::vector<std::uint8_t> text = pattern(kOurStream, flow().written.size(), bytes);
  const Result<std::size_t> taken = socket.write_urgent(text);
  if (!taken || *taken != bytes) fail("write_urgent took less", here);
  note("write_urgent " + std::to_string(bytes));
  flow().written.insert(flow().written.end(), text.begin(), text.end());
  turn();
}

void Script::read(std::size_t bytes, Here here) {
  std::vector<std::uint8_t> room(bytes);
  const Result<std::size_t> got = socket.read(room);
  note("read " + std::to_string(bytes) + " = " + (got ? std::to_string(*got) : std::string(describe(got.error()))));
  if (!got || *got != bytes) fail("read gave another count of bytes", here);
  if (room != pattern(kPeerStream, flow().read, bytes)) fail("what was read is not what the peer sent", here);
  flow().read += bytes;
  turn();
}

std::string Script::read_text() {
  std::string text(socket.readable(), '\0');
  const Result<std::size_t> got = socket.read(MutableBytes(reinterpret_cast<std::uint8_t*>(text.data()), text.size()));
  text.resize(got ? *got : 0);
  note("read \"" + text + "\"");
  flow().read += text.size();
  turn();
  return text;
}

void Script::finish() {
  note("finish");
  socket.finish();
  turn();
}

void Script::close() {
  note("close");
  socket.close();
  turn();
}

void Script::abort() {
  note("abort");
  socket.abort();
  turn();
}

void Script::set_options(const tcp::Options& options) {
  note("set options");
  if (const Result<void> done = socket.set_options(options); !done)
    fail("set options: " + std::string(describe(done.error())), Here());
  turn();
}

}  // namespace sluice::test
