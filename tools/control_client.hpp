// Asking a running instance.
#pragma once

#include <sys/un.h>

#include <string>

#include "tools/json.hpp"

namespace sluice::tools {

/// Throws tun::Error when the path is too long for a socket.
sockaddr_un control_address(const std::string& path);

/// Somebody accepts connections at that path; if not, errno says why.
bool somebody_answers(const std::string& path);

/// One request, one answer; waits five seconds for it at most. Throws tun::Error when the instance can't be reached,
/// breaks off, or answers with an error (its sentence).
Json ask(const std::string& path, const Json& request);

/// The instance `name`, or the only one (see find_control_socket).
Json ask_instance(const std::string& name, const Json& request);

}  // namespace sluice::tools
