// `sluice get https://…` against openssl's server, and servers that misbehave.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/interop/secure_lab.hpp"

namespace sluice::interop {
namespace {

/// `openssl s_server -WWW` over the lab's folder, with NAME's certificate.
std::unique_ptr<Program> openssl_server(SecureLab& lab, const std::string& name, const std::string& more = "") {
  auto program = lab.start({"sh", "-c",
                            "cd " + lab.file("") + " && exec openssl s_server -WWW -accept 8443 -cert " + name +
                                ".pem -cert_chain " + name + ".pem -key " + name + ".key " + more});
  REQUIRE(program->wait_for("ACCEPT"));
  return program;
}

}  // namespace

TEST_CASE("get fetches from openssl s_server, in TLS 1.2 and 1.3, clean and over a bad link") {
  SecureLab lab;
  lab.issue("server", {"10.77.1.1", "fd77:0:0:1::1"});
  const std::string body = noise(1'000'000);
  lab.file("body.bin", body);
  for (const char* version : {"-tls1_2", "-tls1_3"}) {
    auto server = openssl_server(lab, "server", version);
    const Finished got = lab.sluice({"get", "--cacert", lab.trusted, "https://10.77.1.1:8443/body.bin"});
    INFO(got.err);
    CHECK(got.status == 0);
    CHECK(got.out == body);
  }
  auto server = openssl_server(lab, "server");
  const std::string file = lab.file("got");
  const Finished lossy = lab.sluice({"get", "--loss", "3%", "--delay", "5ms", "--seed", "tls", "--json", "-o", file,
                                     "--cacert", lab.trusted, "https://[fd77:0:0:1::1]:8443/body.bin"});
  INFO(lossy.err);
  CHECK(lossy.status == 0);
  CHECK(nlohmann::json::parse(lossy.out).at("tls").at("version") == "TLSv1.3");
  CHECK(Lab::read(file) == body);
}

TEST_CASE("get ends as curl would when it can't believe the server, and says why [WS-4.1-3]") {
  SecureLab lab;
  lab.issue("server", {"10.77.1.1"});
  lab.issue("other", {"10.77.1.9"});
  lab.issue("old", {"10.77.1.1"}, -1);
  lab.file("page", "hello");
  const auto get = [&](Words words) {
    words.insert(words.begin(), "get");
    words.emplace_back("https://10.77.1.1:8443/page");
    return lab.sluice(words);
  };
  {
    auto server = openssl_server(lab, "server");
    const Finished strange = get({});
    CHECK(strange.status == 60);
    CHECK(strange.out.empty());
    CHECK(strange.err ==
          "sluice get: the certificate of 10.77.1.1 goes back to \"Lab Authority\", who is not trusted\n");
    CHECK(get({"-k"}).out == "hello");
    CHECK(get({"--cacert", lab.file("page")}).status == 77);
    CHECK(get({"--cacert", lab.file("none")}).status == 77);
  }
  {
    auto server = openssl_server(lab, "other");
    const Finished wrong = get({"--cacert", lab.trusted});
    CHECK(wrong.status == 60);
    CHECK(wrong.err == "sluice get: the certificate is for 10.77.1.9, not for 10.77.1.1\n");
  }
  {
    auto server = openssl_server(lab, "old");
    const Finished old = get({"--cacert", lab.trusted});
    CHECK(old.status == 60);
    CHECK(has(old.err, "the certificate of 10.77.1.1 expired on "));
  }
  auto server = openssl_server(lab, "server", "-tls1_1 -cipher ALL:@SECLEVEL=0");
  CHECK(get({"--cacert", lab.trusted}).status == 35);
}

TEST_CASE("get notices who speaks no TLS, and who leaves without a word") {
  SecureLab lab;
  lab.issue("server", {"10.77.1.1"});
  auto peer = lab.start({"/usr/bin/python3", "-uc", R"(
import socket, ssl, sys
listener = socket.create_server(("", 8443))
print("up")
plain, _ = listener.accept()
plain.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
plain.recv(4096)
plain.close()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
tcp, _ = listener.accept()
tls = context.wrap_socket(tcp, server_side=True)
tls.recv(4096)
tls.sendall(b"HTTP/1.0 200 OK\r\n\r\nhalf")
tls.close()
)",
                         lab.file("server.pem"), lab.file("server.key")});
  REQUIRE(peer->wait_for("up"));
  const Finished plain = lab.sluice({"get", "https://10.77.1.1:8443/"});
  CHECK(plain.status == 35);
  CHECK(plain.err == "sluice get: the peer does not speak TLS\n");
  const Finished cut = lab.sluice({"get", "--cacert", lab.trusted, "https://10.77.1.1:8443/"});
  CHECK(cut.status == 56);
  CHECK(has(cut.err, "without a close_notify"));
}

TEST_CASE("get -L goes from http to https and back, says so, and leaves credentials behind") {
  SecureLab lab;
  lab.issue("server", {"10.77.1.1"});
  auto peer = lab.start({"/usr/bin/python3", "-uc", R"(
import http.server, ssl, sys, threading
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.server.server_port, self.path, self.headers['Authorization'], flush=True)
        self.send_response(302 if self.path != '/end' else 200)
        self.send_header('Location', 'https://10.77.1.1:8443/mid' if self.path == '/' else 'http://10.77.1.1:8000/end')
        self.send_header('Content-Length', '2')
        self.end_headers()
        self.wfile.write(b'ok')
    def log_message(self, *_): pass
secure = http.server.ThreadingHTTPServer(('', 8443), Answers)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
secure.socket = context.wrap_socket(secure.socket, server_side=True)
threading.Thread(target=secure.serve_forever, daemon=True).start()
plain = http.server.ThreadingHTTPServer(('', 8000), Answers)
print('up')
plain.serve_forever()
)",
                         lab.file("server.pem"), lab.file("server.key")});
  REQUIRE(peer->wait_for("up"));
  const Finished got =
      lab.sluice({"get", "-L", "-H", "Authorization: secret", "--cacert", lab.trusted, "http://10.77.1.1:8000/"});
  CHECK(got.out == "ok");
  CHECK(got.err ==
        "sluice get: the redirect leads from http to https: https://10.77.1.1:8443/mid\n"
        "sluice get: the redirect leads from https to http, where all is readable on the way: "
        "http://10.77.1.1:8000/end\n");
  CHECK(peer->wait_for("8000 / secret\n8443 /mid None\n8000 /end secret\n"));
}

TEST_CASE("the secrets of get go where SSLKEYLOGFILE says, the same as the server has") {
  SecureLab lab;
  lab.issue("server", {"10.77.1.1"});
  lab.file("page", "hello");
  auto server = openssl_server(lab, "server", "-keylogfile " + lab.file("server.keys"));
  const std::string ours = lab.file("our.keys");
  CHECK(lab.run({"env", "SSLKEYLOGFILE=" + ours, SLUICE_COMMAND, "get", "--cacert", lab.trusted,
                 "https://10.77.1.1:8443/page"})
            .out == "hello");
  const std::string line = Lab::read(ours).substr(0, Lab::read(ours).find('\n'));
  CHECK(has(line, "SECRET"));
  CHECK(has(Lab::read(lab.file("server.keys")), line));
}

}  // namespace sluice::interop
