// Names on a LAN: the servers are those that DHCP told of.
#include <doctest/doctest.h>

#include "tests/interop/lan.hpp"

namespace sluice::interop {
namespace {

/// On port 8000. /to/URL leads there.
constexpr const char* kWeb = R"(
import http.server, socket
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        leads = self.path.startswith('/to/')
        self.send_response(302 if leads else 200)
        if leads: self.send_header('Location', self.path[4:])
        self.send_header('Content-Length', '0' if leads else '4'); self.end_headers()
        if not leads: self.wfile.write(b'here')
class Server(http.server.ThreadingHTTPServer): address_family = socket.AF_INET6
server = Server(('::', 8000), Answer)
print('up', flush=True)
server.serve_forever()
)";

}  // namespace

TEST_CASE("get with --dhcp asks DHCP's name servers for the URL's name and for that of a redirect") {
  LanLab lab;
  const auto servers = lab.dnsmasq();
  const auto web = lab.start({"/usr/bin/python3", "-uc", kWeb});
  REQUIRE(web->wait_for("up"));
  const auto get = [&](const std::string& url) {
    return lab.sluice({"get", "-sS", "-L", "--tap", "--bridge", "br0", "--dhcp", url});
  };
  CHECK(get("http://page.test:8000/").out == "here");
  CHECK(get("http://10.88.0.1:8000/to/http://page.test:8000/").out == "here");
  const Finished lost = get("http://10.88.0.1:8000/to/http://none.test:8000/");
  CHECK(lost.status == 6);
  CHECK(lost.err.find("cannot resolve none.test: ") != std::string::npos);
}

}  // namespace sluice::interop
