// The page of `sluice serve --ws-chat`.
#pragma once

#include "http/answer.hpp"

namespace sluice::tools {

/// One HTML document without anything from elsewhere; its WebSocket is at the page's own path with /ws behind it.
http::Answer chat_page();

}  // namespace sluice::tools
