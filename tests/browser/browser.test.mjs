// A real browser against our stack: the chat page, text and binary echoes, close codes, many connections.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { rm } from 'node:fs/promises';
import { profileFolder, startBrowser, startServer } from './lab.mjs';

const host = '10.77.0.2';
const limit = { timeout: 120_000 };
let server, profile, browser;

before(async () => {
  server = await startServer(['--http', '80', '--ws-echo', '/echo', '--ws-chat', '/chat']);
  profile = await profileFolder();
  browser = await startBrowser(profile);
}, limit);

after(async () => {
  await browser?.close();
  await server?.stop();
  await rm(profile, { recursive: true, force: true });
}, limit);

/// A page of the server's, so that its own origin is asked for.
async function newPage(path = '/chat') {
  const page = await browser.newPage();
  page.complaints = [];
  page.on('pageerror', (error) => page.complaints.push(String(error)));
  page.on('console', (said) => { if (said.type() === 'error') page.complaints.push(said.text()); });
  await page.goto(`http://${host}${path}`);
  return page;
}

async function join(name) {
  const page = await newPage();
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Join' }).click();
  await page.getByText(`connected as ${name}`).waitFor();
  return page;
}

async function say(page, text) {
  await page.getByLabel('Message', { exact: true }).fill(text);
  await page.getByRole('button', { name: 'Send' }).click();
}

const log = (page) => page.getByRole('log');

/// Opens ws://HOST/PATH in the page, sends `text` or so many `bytes`, or closes with `close`, and tells how it ended.
function closing(page, path, { text, bytes, close } = {}) {
  return page.evaluate(([url, words, size, end]) => new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.onopen = () => {
      if (words) socket.send(words);
      if (size) socket.send(new Uint8Array(size));
      if (end) socket.close(...end);
    };
    socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean });
  }), [path.startsWith('ws') ? path : `ws://${host}${path}`, text, bytes, close]);
}

test('two pages talk to each other, and markup stays text', limit, async () => {
  const ann = await join('Ann');
  const bob = await join('Bob');
  await log(ann).getByText('Bob came').waitFor();
  await bob.getByText('2 here').waitFor();
  const markup = '<img src=x onerror="document.title=\'taken\'"><b>bold</b> & \u{1f600}';
  await say(ann, markup);
  await log(bob).getByText(markup).waitFor();
  await say(bob, 'I see it as text');
  await log(ann).getByText('I see it as text').waitFor();
  assert.equal(await log(bob).locator('img').count(), 0);
  assert.equal(await bob.title(), 'sluice chat');
  await browser.screenshot(ann, 'chat-light.png');
  await bob.emulateMedia({ colorScheme: 'dark' });
  await browser.screenshot(bob, 'chat-dark.png');
  await bob.getByRole('button', { name: 'Leave' }).click();
  await bob.getByText('closed: 1000').first().waitFor();
  await log(ann).getByText('Bob left').waitFor();
  assert.deepEqual([...ann.complaints, ...bob.complaints], []);
  await ann.close();
  await bob.close();
});

test('a newcomer sees what was said before', limit, async () => {
  const page = await join('Late');
  await log(page).getByText('I see it as text').waitFor();
  await page.close();
});

test('text and binary messages are echoed, empty ones and large ones', limit, async () => {
  const page = await newPage();
  const echoed = await page.evaluate((url) => new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    const sent = ['', 'Gr\u00fc\u00dfe \u{1f600}', 'x'.repeat(1_000_000), new Uint8Array(0), new Uint8Array([0, 255, 10])];
    const back = [];
    const flat = (data) => typeof data === 'string' ? data : 'bytes ' + [...new Uint8Array(data)];
    socket.onopen = () => sent.forEach((message) => socket.send(message));
    socket.onerror = () => reject(new Error('no echo'));
    socket.onmessage = (message) => {
      back.push(flat(message.data));
      if (back.length === sent.length) resolve(back.every((one, i) => one === flat(sent[i])));
    };
  }), `ws://${host}/echo`);
  assert.equal(echoed, true);
  await page.close();
});

test('64 MB of binary messages come back byte for byte', limit, async () => {
  const page = await newPage();
  const took = await page.evaluate((url) => new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    const size = 8_000_000, count = 8;
    const sent = new Uint32Array(size / 4);
    for (let i = 0, state = 1; i < sent.length; i++) sent[i] = state = Math.imul(state, 1664525) + 1013904223 >>> 0;
    const began = performance.now();
    let back = 0;
    socket.onopen = () => { for (let i = 0; i < count; i++) socket.send(sent); };
    socket.onclose = (end) => reject(new Error(`closed: ${end.code} ${end.reason}`));
    socket.onmessage = ({ data }) => {
      const got = new Uint32Array(data);
      if (got.length !== sent.length || got.some((word, i) => word !== sent[i])) reject(new Error('other bytes'));
      if (++back === count) resolve(performance.now() - began);
    };
  }), `ws://${host}/echo`);
  console.log(`64 MB there and back: ${(took / 1000).toFixed(1)} s`);
  await page.close();
});

test('100 connections of one page are open at once', limit, async () => {
  const page = await newPage();
  const answers = await page.evaluate((url) => {
    const one = (number) => new Promise((resolve, reject) => {
      const socket = new WebSocket(url);
      socket.onopen = () => resolve(socket);
      socket.onclose = (end) => reject(new Error(`${number} closed: ${end.code}`));
    });
    const echo = (socket, number) => new Promise((resolve) => {
      socket.onmessage = (message) => resolve(message.data === String(number));
      socket.send(String(number));
    });
    return Promise.all(Array.from({ length: 100 }, (_, i) => one(i)))
      .then((sockets) => Promise.all(sockets.map(echo)));
  }, `ws://${host}/echo`);
  assert.equal(answers.filter(Boolean).length, 100);
  await page.close();
});

test('close codes are what JavaScript sees', limit, async () => {
  const page = await newPage('/');  // without the chat's policy, which knows no other port
  const clean = (code, reason = '') => ({ code, reason, wasClean: true });
  assert.deepEqual(await closing(page, '/echo', { close: [] }), clean(1005));
  assert.deepEqual(await closing(page, '/echo', { close: [1000, 'bye'] }), clean(1000));
  assert.deepEqual(await closing(page, '/echo', { close: [4321, 'ours'] }), clean(4321));
  assert.equal((await closing(page, '/chat/ws?name=x', { bytes: 1 })).code, 1003);
  assert.equal((await closing(page, '/chat/ws?name=x', { text: 'x'.repeat(9000) })).code, 1009);
  assert.equal((await closing(page, '/echo', { bytes: 17 << 20 })).code, 1009);
  const lost = { code: 1006, reason: '', wasClean: false };
  assert.deepEqual(await closing(page, '/nothing'), lost);
  assert.deepEqual(await closing(page, `ws://${host}:81/`), lost);
  await page.close();
});

test('the chat page may speak to its own server only', limit, async () => {
  const page = await newPage();
  const refused = await page.evaluate((url) => new Promise((resolve) => {
    document.addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective));
    new WebSocket(url);
  }), `ws://${host}:81/`);
  assert.equal(refused, 'connect-src');
  await page.close();
});

test('a page of another origin is refused', limit, async () => {
  const page = await browser.newPage();
  await page.goto('about:blank');
  assert.equal((await closing(page, '/echo')).code, 1006);
  await page.close();
});

test('the end of the server is 1001 to who is connected', limit, async () => {
  const page = await join('Last');
  await server.stop();
  await page.getByText('closed: 1001').first().waitFor();
  await page.close();
});
