// A WebSocket echo server and a client on Boost.Beast, which we did not write: for interop tests and the benchmark.
//   beast_peer serve ADDRESS PORT [deflate]     until it is killed; says "ready"
//   beast_peer client ADDRESS PORT TARGET [deflate]   exit 0 when everything came back as it was sent
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace beast = boost::beast;
namespace websocket = beast::websocket;
using Tcp = boost::asio::ip::tcp;

template <class Stream>
void allow_deflate(Stream& stream, bool deflate) {
  websocket::permessage_deflate options;
  options.server_enable = options.client_enable = deflate;
  stream.set_option(options);
}

/// One connection of the server: reads a message, writes it back, again.
class Echo : public std::enable_shared_from_this<Echo> {
 public:
  Echo(Tcp::socket socket, bool deflate) : stream_(std::move(socket)) {
    stream_.next_layer().set_option(Tcp::no_delay(true));
    stream_.read_message_max(64u << 20);
    allow_deflate(stream_, deflate);
  }
  void begin() {
    stream_.async_accept([self = shared_from_this()](beast::error_code error) {
      if (!error) self->read();
    });
  }

 private:
  void read() {
    stream_.async_read(buffer_, [self = shared_from_this()](beast::error_code error, std::size_t) {
      if (!error) self->write();
    });
  }
  void write() {
    stream_.text(stream_.got_text());
    stream_.async_write(buffer_.data(), [self = shared_from_this()](beast::error_code error, std::size_t) {
      self->buffer_.consume(self->buffer_.size());
      if (!error) self->read();
    });
  }

  websocket::stream<Tcp::socket> stream_;
  beast::flat_buffer buffer_;
};

void accept(Tcp::acceptor& acceptor, bool deflate) {
  acceptor.async_accept([&acceptor, deflate](beast::error_code error, Tcp::socket socket) {
    if (!error) std::make_shared<Echo>(std::move(socket), deflate)->begin();
    accept(acceptor, deflate);
  });
}

int serve(const Tcp::endpoint& local, bool deflate) {
  boost::asio::io_context context(1);
  Tcp::acceptor acceptor(context, local);
  accept(acceptor, deflate);
  std::puts("ready");
  std::fflush(stdout);
  context.run();
  return 0;
}

/// Sends each message, whole or in frames, and wants it back.
int talk(const Tcp::endpoint& remote, const std::string& target, bool deflate) {
  boost::asio::io_context context(1);
  websocket::stream<Tcp::socket> stream(context);
  stream.next_layer().connect(remote);
  stream.read_message_max(64u << 20);
  allow_deflate(stream, deflate);
  stream.handshake(remote.address().to_string(), target);
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

}  // namespace

int main(int count, char** values) {
  const std::vector<std::string_view> words(values, values + count);
  const bool serves = words.size() >= 4 && words[1] == "serve";
  const bool talks = words.size() >= 5 && words[1] == "client";
  if (!serves && !talks) return std::fputs("usage: beast_peer serve|client ADDRESS PORT …\n", stderr), 2;
  const bool deflate = words.back() == "deflate";
  try {
    const Tcp::endpoint endpoint(boost::asio::ip::make_address(std::string(words[2])),
                                 static_cast<unsigned short>(std::stoi(std::string(words[3]))));
    return serves ? serve(endpoint, deflate) : talk(endpoint, std::string(words[4]), deflate);
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "beast_peer: %s\n", error.what()), 1;
  }
}
