// Large bodies across a bridge, both ways, in frames of both sizes.
#include <doctest/doctest.h>

#include "tests/interop/lan.hpp"

namespace sluice::interop {
namespace {

constexpr std::size_t kSize = 100'000'000;

/// Serves the folder that it is given on port 8000.
constexpr const char* kWeb = R"(
import functools, http.server, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
server = http.server.ThreadingHTTPServer(('', 8000), handler)
print('up', flush=True)
server.serve_forever()
)";

/// A LAN on which frames of this size pass, with a large file to fetch.
struct TransferLab : LanLab {
  explicit TransferLab(const std::string& frame) : mtu(frame) {
    ip({"link", "set", "br0", "mtu", mtu});
    file("body", body);
  }
  std::string fetched() const { return read(file("got")); }

  std::string mtu;
  std::string body = noise(kSize);
};

}  // namespace

TEST_CASE("100 MB come to curl whole, in frames of 1500 and of 9000 bytes") {
  for (const char* mtu : {"1500", "9000"}) {
    CAPTURE(mtu);
    TransferLab lab(mtu);
    const std::string root = lab.file("");
    const auto server =
        lab.join({"--local", "10.88.0.7/24", "--no-probe", "--mtu", mtu, "--http", "80", "--root", root});
    const Finished got =
        lab.run({"curl", "-sS", "--max-time", "100", "-o", lab.file("got"), "http://10.88.0.7/body"}, "", Seconds(110));
    CHECK_MESSAGE(got.status == 0, got.err);
    CHECK(lab.fetched() == lab.body);
  }
}

TEST_CASE("100 MB come from the kernel's side to get whole, in frames of 1500 and of 9000 bytes") {
  for (const char* mtu : {"1500", "9000"}) {
    CAPTURE(mtu);
    TransferLab lab(mtu);
    const auto web = lab.start({"/usr/bin/python3", "-uc", kWeb, lab.file("")});
    REQUIRE(web->wait_for("up"));
    const Finished got = lab.run({SLUICE_COMMAND, "get", "-sS", "--tap", "--bridge", "br0", "--local", "10.88.0.8/24",
                                  "--no-probe", "--mtu", mtu, "-o", lab.file("got"), "http://10.88.0.1:8000/body"},
                                 "", Seconds(110));
    CHECK_MESSAGE(got.status == 0, got.err);
    CHECK(lab.fetched() == lab.body);
  }
}

}  // namespace sluice::interop
