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

TEST_CASE("the certificate that serve makes for itself holds the addresses that come by DHCP and from routers") {
  LanLab lab;
  const auto servers = lab.dnsmasq();
  const auto server = lab.join({"--dhcp", "--https", "443"});
  REQUIRE(server->wait_for(std::string(kAdded) + "10.88.0."));
  REQUIRE(server->wait_for(std::string(kAdded) + "fd88:"));
  const std::string four = "10.88.0." + behind(server->out(), std::string(kAdded) + "10.88.0.");
  const std::string six = "fd88:" + behind(server->out(), std::string(kAdded) + "fd88:");
  const Finished believed = lab.python(R"(
import socket, ssl, sys
def certificate(host):
    context = ssl._create_unverified_context()
    with socket.create_connection((host, 443), timeout=20) as tcp, context.wrap_socket(tcp) as tls:
        return ssl.DER_cert_to_PEM_cert(tls.getpeercert(True))
for host in sys.argv[1:]:
    context = ssl.create_default_context(cadata=certificate(host))
    with socket.create_connection((host, 443), timeout=20) as tcp, context.wrap_socket(tcp, server_hostname=host): pass
print("believed")
)",
                                       {four, six});
  CHECK_MESSAGE(believed.out == "believed\n", believed.err);
}

}  // namespace sluice::interop
