// `sluice serve --https` against the kernel's own programs: curl, openssl, python3.
#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>

#include "tests/interop/secure_lab.hpp"

namespace sluice::interop {
namespace {

/// `sluice serve --https 443`.
struct WebLab : SecureLab {
  std::string big = noise(2'000'000);
  std::unique_ptr<Program> server;

  WebLab() {
    issue("server", {"web.example", "10.77.0.2", "fd77::2"});
    std::filesystem::create_directory(file("site"));
    file("site/index.html", "<p>front</p>\n");
    file("site/big.bin", big);
    server = serve({"--https", "443", "--tls-cert", file("server.pem"), "--tls-key", file("server.key"), "--root",
                    file("site"), "--ws-echo", "/echo"});
  }

  Finished curl(Words words) {
    Words command{"curl", "-sS", "-g", "--max-time", "20", "--cacert", trusted};
    command.insert(command.end(), words.begin(), words.end());
    return run(command);
  }
  Finished openssl(Words words, const std::string& input = "") {
    Words command{"openssl", "s_client", "-connect", "10.77.0.2:443", "-CAfile", trusted, "-verify_return_error"};
    command.insert(command.end(), words.begin(), words.end());
    return run(command, input);
  }
};

constexpr const char* kClosingRequest = "GET / HTTP/1.1\r\nHost: web.example\r\nConnection: close\r\n\r\n";

}  // namespace

TEST_CASE("curl gets pages and parts and puts files over TLS 1.2 and 1.3, over both families [WS-10.6-1]") {
  WebLab lab;
  const std::string upload = lab.file("up", lab.big);
  for (const char* version : {"1.2", "1.3"}) {
    const Words only{std::string("--tlsv") + version, "--tls-max", version};
    const auto get = [&](Words words) {
      words.insert(words.end(), only.begin(), only.end());
      return lab.curl(words);
    };
    CHECK(get({"https://10.77.0.2/"}).out == "<p>front</p>\n");
    CHECK(get({"https://[fd77::2]/big.bin"}).out == lab.big);
    CHECK(get({"-r", "1000-1999", "https://10.77.0.2/big.bin"}).out == lab.big.substr(1000, 1000));
    CHECK(has(get({"-T", upload, "https://10.77.0.2/upload"}).out, "{\"bytes\":2000000,"));
    CHECK(get({"--resolve", "web.example:443:10.77.0.2", "https://web.example/"}).out == "<p>front</p>\n");
    const Finished both = get({"-o", "/dev/null", "-o", "/dev/null", "-w", "%{num_connects} ", "https://10.77.0.2/",
                               "https://10.77.0.2/big.bin"});
    CHECK(both.out == "1 0 ");
  }
  CHECK(lab.run({"curl", "-sS", "https://10.77.0.2/"}).status == 60);
  CHECK(lab.curl({"http://10.77.0.2:443/"}).status != 0);
  CHECK(lab.curl({"https://10.77.0.2/"}).status == 0);
}

TEST_CASE("openssl s_client is told the protocol and resumes its session, in TLS 1.2 and 1.3") {
  WebLab lab;
  for (const char* version : {"-tls1_2", "-tls1_3"}) {
    CAPTURE(version);
    const std::string session = lab.file("session");
    const Finished first =
        lab.openssl({version, "-alpn", "h2,http/1.1", "-sess_out", session, "-ign_eof"}, kClosingRequest);
    CHECK(has(first.out, "ALPN protocol: http/1.1"));
    CHECK(has(first.out, "Verify return code: 0 (ok)"));
    CHECK(has(first.out, "Compression: NONE"));
    CHECK(has(first.out, "New, "));
    CHECK(has(first.out, "<p>front</p>"));
    const Finished second = lab.openssl({version, "-sess_in", session, "-ign_eof"}, kClosingRequest);
    CHECK(has(second.out, "Reused, "));
    CHECK(has(second.out, "<p>front</p>"));
  }
}

TEST_CASE("openssl s_client is refused what nobody should offer: old versions, NULL and anonymous suites, h2 alone") {
  WebLab lab;
  const auto refused = [&](Words words, const std::string& alert) {
    const Finished ended = lab.openssl(std::move(words), "Q\n");
    INFO(ended.err);
    CHECK(ended.status != 0);
    CHECK(has(ended.err, alert));
  };
  for (const char* ciphers :
       {"aNULL:@SECLEVEL=0", "eNULL:@SECLEVEL=0", "AES128-SHA:@SECLEVEL=0", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"})
    refused({"-tls1_2", "-cipher", ciphers}, "alert handshake failure");
  CHECK(lab.openssl({"-tls1_2", "-cipher", "EXPORT"}, "Q\n").status != 0);  // openssl has none left to offer
  refused({"-tls1_1", "-cipher", "ALL:@SECLEVEL=0"}, "alert protocol version");
  refused({"-alpn", "h2"}, "alert no application protocol");
}

TEST_CASE("a renegotiation is refused, a key update is not") {
  WebLab lab;
  const Finished renegotiated = lab.openssl({"-tls1_2"}, "R\n");
  CHECK(has(renegotiated.err, "no renegotiation"));
  const Finished updated = lab.openssl({"-tls1_3"}, std::string("K\n") + kClosingRequest);
  CHECK(has(updated.err, "KEYUPDATE"));
  CHECK(lab.curl({"https://10.77.0.2/"}).status == 0);
}

TEST_CASE("a client that speaks no TLS, or nothing, does not hold up the others") {
  WebLab lab;
  const Finished client = lab.python(R"(
import socket
silent = socket.create_connection(("10.77.0.2", 443), timeout=10)
rude = socket.create_connection(("10.77.0.2", 443), timeout=10)
rude.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
print(b"".join(iter(lambda: rude.recv(100), b"")))
)");
  CHECK(client.out == "b''\n");
  CHECK(lab.curl({"https://10.77.0.2/"}).status == 0);
}

TEST_CASE("SIGHUP brings a new certificate to new connections, and a bad file leaves the old one") {
  WebLab lab;
  lab.file("server.key", "nonsense");
  lab.server->signal(SIGHUP);
  CHECK(lab.curl({"https://10.77.0.2/"}).status == 0);
  lab.issue("server", {"else.example"});
  lab.server->signal(SIGHUP);
  bool changed = false;
  for (int i = 0; i < 50 && !changed; ++i)
    changed = lab.curl({"--resolve", "else.example:443:10.77.0.2", "https://else.example/"}).status == 0;
  CHECK(changed);
  CHECK(lab.curl({"https://10.77.0.2/"}).status == 60);
  lab.server->signal(SIGTERM);
  const Finished ended = lab.server->wait();
  CHECK(ended.status == 0);
  CHECK(has(ended.err, "the old certificate stays: "));
}

TEST_CASE("without a certificate the server makes one, and says by which print to know it") {
  Lab lab;
  auto server = lab.serve({"--https", "443"});
  const Finished insecure = lab.run({"curl", "-sSk", "--max-time", "20", "https://10.77.0.2/"});
  CHECK(has(insecure.out, "This is sluice"));
  const Finished shown = lab.run({"sh", "-c",
                                  "openssl s_client -connect 10.77.0.2:443 </dev/null 2>/dev/null | tee " +
                                      lab.file("own.pem") + " | openssl x509 -noout -fingerprint -sha256"});
  const std::string print = shown.out.substr(shown.out.find('=') + 1, 95);
  CHECK(print.size() == 95);
  CHECK(has(server->out(), "SHA-256 " + print));
  lab.run({"openssl", "x509", "-in", lab.file("own.pem"), "-out", lab.file("cut.pem")});
  CHECK(lab.run({"curl", "-sS", "-g", "--cacert", lab.file("cut.pem"), "https://[fd77::2]/"}).status == 0);
}

TEST_CASE("serve writes the secrets of its connections, too") {
  Lab lab;
  const std::string secrets = lab.file("keys");
  auto server =
      lab.start({"env", "SSLKEYLOGFILE=" + secrets, SLUICE_COMMAND, "serve", "--name", lab.name(), "--https", "443"});
  REQUIRE(server->wait_for("ready"));
  CHECK(lab.run({"curl", "-sSk", "--max-time", "20", "-o", "/dev/null", "https://10.77.0.2/"}).status == 0);
  CHECK(has(Lab::read(secrets), "CLIENT_TRAFFIC_SECRET_0 "));
}

}  // namespace sluice::interop
