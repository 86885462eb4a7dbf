// A WebSocket echo server and a client on libwebsockets, which we did not write: for interop tests and the benchmark.
//   lws_peer serve ADDRESS PORT [--cert FILE --key FILE] [deflate]     until it is killed; says "ready"
//   lws_peer client ADDRESS PORT TARGET [--ca FILE --host NAME] [deflate]   exit 0 when all came back as it was sent
// With the files, over TLS: the server shows the chain of FILE, the client wants one for NAME that FILE vouches for.
#include <libwebsockets.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Message {
  bool text = false;
  std::string bytes;
};

/// What a connection has to say, and what it is hearing.
struct Connection {
  std::deque<Message> out;
  std::vector<unsigned char> leaving;  ///< while it compresses, the library goes on to read what it was given
  Message in;
};

/// Of the client: what it sends in turn, and how far it got.
struct Talk {
  std::vector<Message> messages;
  std::size_t next = 0;
  int result = 1;
  bool over = false;
} talk;

int send_front(lws* wsi, Connection& connection) {
  if (connection.out.empty()) return 0;
  const Message message = std::move(connection.out.front());
  connection.out.pop_front();
  std::vector<unsigned char>& room = connection.leaving;
  room.resize(LWS_PRE + message.bytes.size() + 1);
  std::memcpy(room.data() + LWS_PRE, message.bytes.data(), message.bytes.size());
  const lws_write_protocol kind = message.text ? LWS_WRITE_TEXT : LWS_WRITE_BINARY;
  if (lws_write(wsi, room.data() + LWS_PRE, message.bytes.size(), kind) < 0) return -1;
  if (!connection.out.empty()) lws_callback_on_writable(wsi);
  return 0;
}

/// True when the message is complete.
bool hear(lws* wsi, Message& message, const void* bytes, std::size_t size) {
  if (lws_is_first_fragment(wsi)) message = {};
  message.text = lws_frame_is_binary(wsi) == 0;
  if (size > 0) message.bytes.append(static_cast<const char*>(bytes), size);
  return lws_is_final_fragment(wsi) != 0 && lws_remaining_packet_payload(wsi) == 0;
}

int on_server(lws* wsi, lws_callback_reasons reason, void* user, void* bytes, std::size_t size) {
  auto* place = static_cast<Connection**>(user);
  switch (reason) {
    case LWS_CALLBACK_ESTABLISHED: *place = new Connection; break;
    case LWS_CALLBACK_CLOSED: delete *place; break;
    case LWS_CALLBACK_RECEIVE:
      if (!hear(wsi, (*place)->in, bytes, size)) break;
      (*place)->out.push_back(std::move((*place)->in));
      lws_callback_on_writable(wsi);
      break;
    case LWS_CALLBACK_SERVER_WRITEABLE: return send_front(wsi, **place);
    default: break;
  }
  return 0;
}

int on_client(lws* wsi, lws_callback_reasons reason, void*, void* bytes, std::size_t size) {
  static Connection connection;
  switch (reason) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
      connection.out.push_back(talk.messages.front());
      lws_callback_on_writable(wsi);
      break;
    case LWS_CALLBACK_CLIENT_WRITEABLE: return send_front(wsi, connection);
    case LWS_CALLBACK_CLIENT_RECEIVE: {
      if (!hear(wsi, connection.in, bytes, size)) break;
      const Message& sent = talk.messages[talk.next];
      if (connection.in.bytes != sent.bytes || connection.in.text != sent.text) {
        std::fprintf(stderr, "a message of %zu bytes came back as %zu, %s\n", sent.bytes.size(),
                     connection.in.bytes.size(), connection.in.text ? "text" : "binary");
        return -1;
      }
      if (++talk.next < talk.messages.size()) {
        connection.out.push_back(talk.messages[talk.next]);
        lws_callback_on_writable(wsi);
        break;
      }
      talk.result = 0;
      lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, nullptr, 0);
      return -1;
    }
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
      std::fprintf(stderr, "no connection: %s\n", bytes ? static_cast<const char*>(bytes) : "?");
      talk.over = true;
      break;
    case LWS_CALLBACK_CLIENT_CLOSED: talk.over = true; break;
    default: break;
  }
  return 0;
}

const lws_protocols kServer[] = {{"echo", on_server, sizeof(Connection*), 65536, 0, nullptr, 0}, {}};
const lws_protocols kClient[] = {{"echo", on_client, 0, 65536, 0, nullptr, 0}, {}};
const lws_extension kExtensions[] = {
    {"permessage-deflate", lws_extension_callback_pm_deflate, "permessage-deflate; client_max_window_bits"}, {}};

lws_context_creation_info basic_info(const lws_protocols* protocols, bool deflate) {
  lws_set_log_level(LLL_ERR, nullptr);
  lws_context_creation_info info{};
  info.protocols = protocols;
  info.gid = info.uid = static_cast<unsigned>(-1);
  if (deflate) info.extensions = kExtensions;
  return info;
}

/// What TLS needs, if it is wished for.
struct Files {
  std::string certificates;  ///< the server's own chain, or whom the client believes
  std::string key;
  std::string host;

  bool secure() const { return !certificates.empty(); }
};

int serve(const std::string& address, int port, const Files& files, bool deflate) {
  lws_context_creation_info info = basic_info(kServer, deflate);
  info.port = port;
  if (address != "0.0.0.0") info.iface = address.c_str();
  if (files.secure()) {
    info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.ssl_cert_filepath = files.certificates.c_str();
    info.ssl_private_key_filepath = files.key.c_str();
  }
  lws_context* context = lws_create_context(&info);
  if (!context) return 1;
  std::puts("ready");
  std::fflush(stdout);
  while (lws_service(context, 0) >= 0) {
  }
  lws_context_destroy(context);
  return 0;
}

int converse(const std::string& address, int port, const std::string& target, const Files& files, bool deflate) {
  std::string noise(300'000, '\0');
  for (std::size_t i = 0, state = 1; i < noise.size(); ++i)
    noise[i] = static_cast<char>((state = state * 69069 + 1) >> 24);
  talk.messages = {{true, "Hello"},
                   {true, std::string(125, 'a')},
                   {true, std::string(126, 'b')},
                   {false, std::string(70'000, 'c')},
                   {false, noise},
                   {true,
                    "Gr\xc3\xbc\xc3\x9f"
                    "e"}};
  // Where compression was agreed on, the library (4.1.6) hears a message that came as it is again and again; our server
  // compresses what has 64 bytes.
  for (Message& message : talk.messages)
    while (deflate && message.bytes.size() < 64) message.bytes += message.bytes;
  lws_context_creation_info info = basic_info(kClient, deflate);
  info.port = CONTEXT_PORT_NO_LISTEN;
  if (files.secure()) {
    info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.client_ssl_ca_filepath = files.certificates.c_str();
  }
  lws_context* context = lws_create_context(&info);
  if (!context) return 1;
  lws_client_connect_info wish{};
  wish.context = context;
  wish.address = wish.host = wish.origin = address.c_str();
  if (files.secure()) {
    wish.host = wish.origin = files.host.c_str();  // its certificate is asked for; one for an address it does not know
    wish.ssl_connection = LCCSCF_USE_SSL;
  }
  wish.port = port;
  wish.path = target.c_str();
  wish.protocol = nullptr;
  wish.local_protocol_name = "echo";
  if (!lws_client_connect_via_info(&wish)) talk.over = true;
  while (!talk.over && lws_service(context, 0) >= 0) {
  }
  lws_context_destroy(context);
  if (talk.result == 0) std::puts("done");
  return talk.result;
}

/// The word behind `flag`, or empty.
std::string value_of(const std::vector<std::string>& words, std::string_view flag) {
  const auto found = std::find(words.begin(), words.end(), flag);
  return found == words.end() || found + 1 == words.end() ? "" : *(found + 1);
}

}  // namespace

int main(int count, char** values) {
  const std::vector<std::string> words(values, values + count);
  const bool serves = words.size() >= 4 && words[1] == "serve";
  const bool talks = words.size() >= 5 && words[1] == "client";
  if (!serves && !talks) return std::fputs("usage: lws_peer serve|client ADDRESS PORT …\n", stderr), 2;
  const bool deflate = words.back() == "deflate";
  const int port = std::atoi(words[3].c_str());
  const Files files{value_of(words, serves ? "--cert" : "--ca"), value_of(words, "--key"), value_of(words, "--host")};
  return serves ? serve(words[2], port, files, deflate) : converse(words[2], port, words[4], files, deflate);
}
