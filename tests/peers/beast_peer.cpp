// A WebSocket echo server and a client on Boost.Beast, which we did not write: for interop tests and the benchmark.
//   beast_peer serve ADDRESS PORT [--cert FILE --key FILE] [deflate]    until it is killed; says "ready"
//   beast_peer client ADDRESS PORT TARGET [--ca FILE] [deflate]   exit 0 when everything came back as it was sent
// With the files, over TLS: the server shows the chain of FILE, the client wants one for ADDRESS that FILE vouches for.
#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

namespace beast = boost::beast;
namespace websocket = beast::websocket;
namespace ssl = boost::asio::ssl;
using Tcp = boost::asio::ip::tcp;
using Plain = websocket::stream<Tcp::socket>;
using Secure = websocket::stream<ssl::stream<Tcp::socket>>;

template <class Stream>
void allow_deflate(Stream& stream, bool deflate) {
  websocket::permessage_deflate options;
  options.server_enable = options.client_enable = deflate;
  stream.set_option(options);
}

/// One connection of the server: reads a message, writes it back, again.
template <class Stream>
class Echo : public std::enable_shared_from_this<Echo<Stream>> {
 public:
  /// `layers`: the socket, and behind it what TLS wants.
  template <class... Layers>
  explicit Echo(bool deflate, Layers&&... layers) : stream_(std::forward<Layers>(layers)...) {
    beast::get_lowest_layer(stream_).set_option(Tcp::no_delay(true));
    stream_.read_message_max(64u << 20);
    allow_deflate(stream_, deflate);
  }
  void begin() {
    if constexpr (std::is_same_v<Stream, Secure>)
      stream_.next_layer().async_handshake(ssl::stream_base::server,
                                           [self = this->shared_from_this()](beast::error_code error) {
                                             if (!error) self->accept();
                                           });
    else
      accept();
  }

 private:
  void accept() {
    stream_.async_accept([self = this->shared_from_this()](beast::error_code error) {
      if (!error) self->read();
    });
  }
  void read() {
    stream_.async_read(buffer_, [self = this->shared_from_this()](beast::error_code error, std::size_t) {
      if (!error) self->write();
    });
  }
  void write() {
    stream_.text(stream_.got_text());
    stream_.async_write(buffer_.data(), [self = this->shared_from_this()](beast::error_code error, std::size_t) {
      self->buffer_.consume(self->buffer_.size());
      if (!error) self->read();
    });
  }

  Stream stream_;
  beast::flat_buffer buffer_;
};

/// Without `context` over TCP alone.
void accept(Tcp::acceptor& acceptor, ssl::context* context, bool deflate) {
  acceptor.async_accept([&acceptor, context, deflate](beast::error_code error, Tcp::socket socket) {
    if (!error && context) std::make_shared<Echo<Secure>>(deflate, std::move(socket), *context)->begin();
    if (!error && !context) std::make_shared<Echo<Plain>>(deflate, std::move(socket))->begin();
    accept(acceptor, context, deflate);
  });
}

int serve(const Tcp::endpoint& local, ssl::context* secure, bool deflate) {
  boost::asio::io_context context(1);
  Tcp::acceptor acceptor(context, local);
  accept(acceptor, secure, deflate);
  std::puts("ready");
  std::fflush(stdout);
  context.run();
  return 0;
}

/// Sends each message, whole or in frames, and wants it back.
template <class Stream>
int talk(Stream& stream, const std::string& host, const std::string& target, bool deflate) {
  stream.read_message_max(64u << 20);
  allow_deflate(stream, deflate);
  stream.handshake(host, target);
  std::string noise(300'000, '\0');
  for (std::size_t i = 0, state = 1; i < noise.size(); ++i)
    noise[i] = static_cast<char>((state = state * 69069 + 1) >> 24);
  const std::vector<std::string> messages = {"",
                                             "Hello",
                                             std::string(125, 'a'),
                                             std::string(126, 'b'),
                                             std::string(70'000, 'c'),
                                             noise,
                                             "Gr\xc3\xbc\xc3\x9f"
                                             "e"};
  for (const bool fragments : {false, true}) {
    stream.auto_fragment(fragments);
    for (const std::string& message : messages) {
      const bool text = &message != &messages[5];
      stream.text(text);
      stream.write(boost::asio::buffer(message));
      beast::flat_buffer buffer;
      stream.read(buffer);
      const bool same = beast::buffers_to_string(buffer.data()) == message && stream.got_text() == text;
      if (!same) return std::fprintf(stderr, "a message of %zu bytes came back changed\n", message.size()), 1;
    }
  }
  stream.ping("?");
  stream.close({websocket::close_code::normal, "bye"});
  std::printf("done %u\n", static_cast<unsigned>(stream.reason().code));
  return 0;
}

int connect(const Tcp::endpoint& remote, const std::string& target, ssl::context* secure, bool deflate) {
  boost::asio::io_context context(1);
  const std::string host = remote.address().to_string();
  if (!secure) {
    Plain stream(context);
    stream.next_layer().connect(remote);
    return talk(stream, host, target, deflate);
  }
  Secure stream(context, *secure);
  stream.next_layer().next_layer().connect(remote);
  stream.next_layer().set_verify_mode(ssl::verify_peer);
  stream.next_layer().set_verify_callback(ssl::host_name_verification(host));
  stream.next_layer().handshake(ssl::stream_base::client);
  return talk(stream, host, target, deflate);
}

/// The word behind `flag`, or empty.
std::string value_of(const std::vector<std::string>& words, std::string_view flag) {
  const auto found = std::find(words.begin(), words.end(), flag);
  return found == words.end() || found + 1 == words.end() ? "" : *(found + 1);
}

/// nullptr: no TLS is wished for.
std::unique_ptr<ssl::context> make_context(const std::vector<std::string>& words, bool serves) {
  const std::string file = value_of(words, serves ? "--cert" : "--ca");
  if (file.empty()) return nullptr;
  auto context = std::make_unique<ssl::context>(serves ? ssl::context::tls_server : ssl::context::tls_client);
  if (serves) {
    context->use_certificate_chain_file(file);
    context->use_private_key_file(value_of(words, "--key"), ssl::context::pem);
  } else {
    context->load_verify_file(file);
  }
  return context;
}

}  // namespace

int main(int count, char** values) {
  const std::vector<std::string> words(values, values + count);
  const bool serves = words.size() >= 4 && words[1] == "serve";
  const bool talks = words.size() >= 5 && words[1] == "client";
  if (!serves && !talks) return std::fputs("usage: beast_peer serve|client ADDRESS PORT …\n", stderr), 2;
  const bool deflate = words.back() == "deflate";
  try {
    const Tcp::endpoint endpoint(boost::asio::ip::make_address(words[2]),
                                 static_cast<unsigned short>(std::stoi(words[3])));
    const auto secure = make_context(words, serves);
    return serves ? serve(endpoint, secure.get(), deflate) : connect(endpoint, words[4], secure.get(), deflate);
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "beast_peer: %s\n", error.what()), 1;
  }
}
