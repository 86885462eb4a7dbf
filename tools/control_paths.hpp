// Where a running instance can be talked to: one socket a name.
#pragma once

#include <string>
#include <vector>

namespace sluice::tools {

/// The folders of control sockets, the preferred one first: /run/sluice for root, $XDG_RUNTIME_DIR/sluice, and
/// sluice-UID among the temporary files.
std::vector<std::string> control_folders();

/// The path for the socket of `name`, its folder made (mode 0700, ours alone) in the first of `folders` that allows it:
/// those of control_folders(), asked for before the process became root of a namespace of its own. Throws tun::Error.
std::string make_control_path(const std::vector<std::string>& folders, const std::string& name);

/// The socket of the instance `name`; without a name that of the only instance there is. Throws tun::Error with one
/// sentence: none runs, or several do. Sockets that dead instances left are removed.
std::string find_control_socket(const std::string& name);

}  // namespace sluice::tools
