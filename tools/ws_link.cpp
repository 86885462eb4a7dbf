// The two ways to carry a client.
#include "tools/ws_link.hpp"

#include <algorithm>
#include <utility>

#include "http/tls/stream.hpp"

namespace sluice::tools {
namespace {

template <ByteStream Stream>
class Carried : public WsLink {
 public:
  Carried(Stream& stream, WsBasics basics)
      : client_(stream, std::move(basics.handshake), basics.settings, basics.random) {}

  bool pump(Time now, WsTalk& talk) override { return client_.pump(now, talk); }
  ws::Session* session() noexcept override { return client_.session(); }
  const std::optional<ws::HandshakeFailure>& failure() const noexcept override { return client_.failure(); }
  Time next_timeout() const noexcept override { return client_.next_timeout(); }

 private:
  ws::Client<Stream> client_;
};

using Secure = tls::Stream<tcp::Socket>;

/// The stream comes first: the client stands on it.
struct SecureStream {
  Secure stream;
};

class SecureLink final : private SecureStream, public Carried<Secure> {
 public:
  SecureLink(tcp::Socket& socket, tls::Session session, WsBasics basics)
      : SecureStream{Secure(socket, std::move(session))}, Carried<Secure>(stream, std::move(basics)) {}

  bool pump(Time now, WsTalk& talk) override {
    stream.handle_timeout(now);
    return Carried::pump(now, talk);
  }
  const tls::Failure* tls_failure() const noexcept override {
    const tls::Failure& failure = stream.session().failure();
    return failure ? &failure : nullptr;
  }
  Time next_timeout() const noexcept override { return std::min(Carried::next_timeout(), stream.next_timeout()); }
};

}  // namespace

std::unique_ptr<WsLink> link_over_tcp(tcp::Socket& socket, WsBasics basics) {
  return std::make_unique<Carried<tcp::Socket>>(socket, std::move(basics));
}

std::unique_ptr<WsLink> link_over_tls(tcp::Socket& socket, tls::Session session, WsBasics basics) {
  return std::make_unique<SecureLink>(socket, std::move(session), std::move(basics));
}

}  // namespace sluice::tools
