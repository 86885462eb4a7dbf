// The document as it is sent. Whatever people write reaches it by textContent alone.
#include "tools/chat_page.hpp"

#include <string>
#include <string_view>

namespace sluice::tools {
namespace {

/// Only what stands in the page itself may run or be fetched, should markup ever get in.
constexpr std::string_view kPolicy =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

constexpr std::string_view kPage = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>sluice chat</title>
<style>
  :root { color-scheme: light dark; --line: #8888; --soft: #666; --accent: #0b6bcb; --mine: #0b6bcb1a; }
  @media (prefers-color-scheme: dark) { :root { --soft: #aaa; --accent: #6ab0ff; --mine: #6ab0ff26; } }
  * { box-sizing: border-box; }
  body { margin: 0 auto; max-width: 46rem; height: 100dvh; padding: 1rem; display: flex; flex-direction: column;
         gap: .75rem; font: 1rem/1.45 system-ui, sans-serif; }
  header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1rem; }
  h1 { font-size: 1.25rem; margin: 0; flex: 1; }
  #state, #present, time { color: var(--soft); font-variant-numeric: tabular-nums; }
  #state::before { content: "\25cf\00a0"; color: #c33; }
  #state[data-state="open"]::before { color: #2a2; }
  #state[data-state="connecting"]::before { color: #c90; }
  #log { flex: 1; overflow-y: auto; border: 1px solid var(--line); border-radius: .5rem; margin: 0; padding: .5rem;
         list-style: none; }
  #log li { padding: .2rem .4rem; border-radius: .3rem; overflow-wrap: anywhere; white-space: pre-wrap; }
  #log li.mine { background: var(--mine); }
  #log li.note { color: var(--soft); font-style: italic; }
  #log b { color: var(--accent); }
  form { display: flex; gap: .5rem; align-items: end; }
  label { flex: 1; font-size: .85rem; color: var(--soft); }
  input { display: block; width: 100%; font: inherit; padding: .45rem .6rem; border: 1px solid var(--line);
          border-radius: .4rem; }
  button { font: inherit; padding: .45rem .9rem; border: 1px solid var(--line); border-radius: .4rem; cursor: pointer; }
  :focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
  [hidden] { display: none; }
</style>
</head>
<body>
<header>
  <h1>sluice chat</h1>
  <span id="present" role="status"></span>
  <span id="state" role="status" data-state="closed">not connected</span>
</header>
<ol id="log" role="log" aria-live="polite" aria-label="Messages" tabindex="0"></ol>
<form id="join">
  <label>Your name <input id="name" maxlength="32" required autocomplete="nickname" autofocus></label>
  <button>Join</button>
</form>
<form id="say" hidden>
  <label>Message <input id="text" maxlength="2000" autocomplete="off"></label>
  <button>Send</button>
  <button type="button" id="leave">Leave</button>
</form>
<script>
'use strict';
const part = (id) => document.getElementById(id);
let socket = null, me = '';

function state(name, text) {
  part('state').dataset.state = name;
  part('state').textContent = text;
  const inside = name === 'open';
  part('say').hidden = !inside;
  part('join').hidden = inside;
  if (!inside) part('present').textContent = '';
}

function line(kind, ...parts) {
  const log = part('log'), item = document.createElement('li');
  const below = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  item.className = kind;
  item.append(...parts);
  log.append(item);
  while (log.childElementCount > 1000) log.firstElementChild.remove();
  if (below) log.scrollTop = log.scrollHeight;
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function clock(milliseconds) {
  const made = element('time', new Date(milliseconds).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }));
  made.dateTime = new Date(milliseconds).toISOString();
  return made;
}

function hear(event) {
  if (event.present !== undefined) part('present').textContent = event.present + ' here';
  switch (event.type) {
    case 'message':
      return line(event.name === me ? 'mine' : '', clock(event.time), ' ', element('b', event.name), ' ', event.text);
    case 'welcome':
      me = event.name;
      state('open', 'connected as ' + me);
      return part('text').focus();
    case 'join': return line('note', event.name + ' came');
    case 'leave': return line('note', event.name + ' left');
    default: return line('note', event.text);
  }
}

function connect(name) {
  const scheme = location.protocol === 'https:' ? 'wss://' : 'ws://';
  const path = location.pathname.replace(/\/$/, '') + '/ws';
  state('connecting', 'connecting');
  part('log').replaceChildren();
  socket = new WebSocket(scheme + location.host + path + '?name=' + encodeURIComponent(name));
  socket.onmessage = (message) => hear(JSON.parse(message.data));
  socket.onclose = (end) => {
    const text = 'closed: ' + end.code + (end.reason ? ' ' + end.reason : '') + (end.wasClean ? '' : ' (not clean)');
    state('closed', text);
    line('note', text);
    part('name').focus();
  };
}

part('join').onsubmit = (submit) => {
  submit.preventDefault();
  const name = part('name').value.trim();
  if (name) connect(name);
};
part('say').onsubmit = (submit) => {
  submit.preventDefault();
  const text = part('text').value;
  if (!text.trim() || socket.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify({ type: 'message', text }));
  part('text').value = '';
};
part('leave').onclick = () => socket.close(1000, 'left');
</script>
</body>
</html>
)html";

}  // namespace

http::Answer chat_page() {
  http::Response response{.status = 200, .fields = {}};
  response.fields.add("Content-Type", "text/html; charset=utf-8");
  response.fields.add("Content-Security-Policy", std::string(kPolicy));
  response.fields.add("X-Content-Type-Options", "nosniff");
  response.fields.add("Referrer-Policy", "no-referrer");
  response.fields.add("Cache-Control", "no-cache");
  return {std::move(response), std::string(kPage)};
}

}  // namespace sluice::tools
